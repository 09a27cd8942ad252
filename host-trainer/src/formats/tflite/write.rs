use flatbuffers::{FlatBufferBuilder, ForwardsUOffset, UnionWIPOffset, Vector, WIPOffset};
use lenet_core::Pool;
use lenet_core::architecture::{
    CONV1_CHANNELS, CONV2_CHANNELS, FC1_INPUTS, IMAGE_SIDE, KERNEL_SIDE, Layer, POOL1_SIDE, POOL2_SIDE,
};
use lenet_core::format::Description;
use lenet_core::preparation::Preparation;
use lenet_core::quantization::Quantization;

use super::schema_generated::{
    ActivationFunctionType, Aligned, Buffer, BufferArgs, BuiltinOperator, BuiltinOptions, Conv2DOptions,
    Conv2DOptionsArgs, FullyConnectedOptions, FullyConnectedOptionsArgs, Metadata, MetadataArgs, Model, ModelArgs,
    Operator, OperatorArgs, OperatorCode, OperatorCodeArgs, Padding, Pool2DOptions, Pool2DOptionsArgs,
    QuantizationParameters, QuantizationParametersArgs, ReshapeOptions, ReshapeOptionsArgs, SignatureDef,
    SignatureDefArgs, SubGraph, SubGraphArgs, Tensor, TensorArgs, TensorMap, TensorMapArgs, TensorType,
    finish_model_buffer,
};
use super::{DESCRIPTION, LABELS, NONE_OF_THESE, PREPARATION, SCHEMA_VERSION, bias_scale};
use crate::int8::{QuantizedLayer, QuantizedNetwork, multiplier_from_real};

/// The name that LiteRT's signature runner looks for by default.
const SIGNATURE: &str = "serving_default";
const IMAGE: &str = "image";
const LOGITS: &str = "logits";

/// The bytes of a `.tflite` file with the network. Its input is one image `[1, 28, 28, 1]` of `q = p - 128`, its output
/// the logits `[1, classes]`. Description and labels are stored as metadata, so that [`decode_tflite`](super::decode_tflite) returns
/// the same model file.
///
/// # Errors
/// A message when a multiplier does not follow from the scales. TFLite stores only scales, and would compute a
/// different multiplier.
pub fn encode_tflite(network: &QuantizedNetwork, description: &Description<'_>) -> Result<Vec<u8>, String> {
    check_multipliers(network)?;
    Ok(write(network, description))
}

/// Like [`encode_tflite`], without the check.
pub(super) fn write(network: &QuantizedNetwork, description: &Description<'_>) -> Vec<u8> {
    let [image, conv1, conv2, fc1, fc2, logits] = network.activations;
    let [conv1_values, conv2_values, fc1_values, fc2_values, fc3_values] = &network.layers;
    let mut writer = Writer::new(network.classes.count());
    let pixels = writer.activation(IMAGE, &[1, IMAGE_SIDE, IMAGE_SIDE, 1], image);
    let relu = ActivationFunctionType::RELU;
    let x = writer.convolution(Layer::Conv1, conv1_values, &pixels, IMAGE_SIDE, relu, conv1);
    let x = writer.pool("pool1", network.pools.pool1, &x, [1, POOL1_SIDE, POOL1_SIDE, CONV1_CHANNELS]);
    let x = writer.convolution(Layer::Conv2, conv2_values, &x, POOL1_SIDE, relu, conv2);
    let x = writer.pool("pool2", network.pools.pool2, &x, [1, POOL2_SIDE, POOL2_SIDE, CONV2_CHANNELS]);
    let x = writer.reshape("flat", &x, &[1, FC1_INPUTS]);
    let x = writer.fully_connected("fc1", Layer::Fc1, fc1_values, &x, relu, fc1);
    let x = writer.fully_connected("fc2", Layer::Fc2, fc2_values, &x, relu, fc2);
    let x = writer.fully_connected(LOGITS, Layer::Fc3, fc3_values, &x, ActivationFunctionType::NONE, logits);
    writer.finish(&pixels, &x, Some((network, description)))
}

fn check_multipliers(network: &QuantizedNetwork) -> Result<(), String> {
    for (index, (layer, values)) in Layer::ALL.into_iter().zip(&network.layers).enumerate() {
        let [input, output] = [index, index + 1].map(|tensor| f64::from(network.activations[tensor].scale));
        for (channel, (scale, stored)) in values.weight_scale.iter().zip(&values.multiplier).enumerate() {
            let of_scales = multiplier_from_real(input * f64::from(*scale) / output);
            if of_scales != Some(*stored) {
                return Err(format!(
                    "the multiplier of {layer} channel {channel} does not follow from its scales, which are all that a \
                     .tflite file stores; quantize the float network again with `lenet quantize`"
                ));
            }
        }
    }
    Ok(())
}

/// A tensor of the graph without data in the file.
pub(super) struct Activation {
    index: i32,
    quantization: Quantization,
}

/// The file under construction: buffers, tensors and operators in the order they were added.
pub(super) struct Writer {
    builder: FlatBufferBuilder<'static>,
    classes: usize,
    buffers: Vec<WIPOffset<Buffer<'static>>>,
    tensors: Vec<WIPOffset<Tensor<'static>>>,
    operators: Vec<WIPOffset<Operator<'static>>>,
    codes: Vec<BuiltinOperator>,
}

type Offsets<T> = WIPOffset<Vector<'static, ForwardsUOffset<T>>>;

impl Writer {
    pub(super) fn new(classes: usize) -> Self {
        let mut builder = FlatBufferBuilder::new();
        // By convention buffer 0 is empty and is the buffer of tensors without data.
        let empty = Buffer::create(&mut builder, &BufferArgs::default());
        Self { builder, classes, buffers: vec![empty], tensors: vec![], operators: vec![], codes: vec![] }
    }

    /// Adds a buffer and returns its index.
    fn buffer(&mut self, data: &[u8]) -> u32 {
        // Starting a vector of 16-byte blocks aligns the first byte to 16. Vectors are written from the end, so the
        // padding of the last block comes first.
        let blocks = data.len().div_ceil(size_of::<Aligned>());
        self.builder.start_vector::<Aligned>(blocks);
        for _ in data.len()..blocks * size_of::<Aligned>() {
            self.builder.push(0u8);
        }
        for byte in data.iter().rev() {
            self.builder.push(*byte);
        }
        let data = Some(self.builder.end_vector::<u8>(data.len()));
        let buffer = Buffer::create(&mut self.builder, &BufferArgs { data });
        self.buffers.push(buffer);
        self.buffers.len() as u32 - 1
    }

    /// Adds a tensor and returns its index. Multiple scales are for the channels of its first dimension.
    pub(super) fn tensor(
        &mut self,
        name: &str,
        shape: &[usize],
        type_: TensorType,
        quantization: Option<(&[f32], i8)>,
        buffer: u32,
    ) -> i32 {
        let builder = &mut self.builder;
        let quantization = quantization.map(|(scales, zero_point)| {
            let scale = Some(builder.create_vector(scales));
            let zero_point = Some(builder.create_vector(&vec![i64::from(zero_point); scales.len()]));
            let arguments = QuantizationParametersArgs { scale, zero_point, quantized_dimension: 0 };
            QuantizationParameters::create(builder, &arguments)
        });
        let name = Some(builder.create_string(name));
        let shape = Some(builder.create_vector(&dimensions(shape)));
        self.tensors.push(Tensor::create(builder, &TensorArgs { shape, type_, buffer, name, quantization }));
        self.tensors.len() as i32 - 1
    }

    pub(super) fn activation(&mut self, name: &str, shape: &[usize], quantization: Quantization) -> Activation {
        let scales = [quantization.scale];
        let parameters = Some((scales.as_slice(), quantization.zero_point));
        Activation { index: self.tensor(name, shape, TensorType::INT8, parameters, 0), quantization }
    }

    /// An activation of another type than int8.
    #[cfg(test)]
    pub(super) fn other_activation(
        &mut self,
        name: &str,
        shape: &[usize],
        type_: TensorType,
        scale: f32,
        zero_point: i64,
    ) -> Activation {
        let builder = &mut self.builder;
        let (scale_vector, zero_point) = (builder.create_vector(&[scale]), builder.create_vector(&[zero_point]));
        let arguments = QuantizationParametersArgs {
            scale: Some(scale_vector),
            zero_point: Some(zero_point),
            quantized_dimension: 0,
        };
        let quantization = Some(QuantizationParameters::create(builder, &arguments));
        let name = Some(builder.create_string(name));
        let shape = Some(builder.create_vector(&dimensions(shape)));
        self.tensors.push(Tensor::create(builder, &TensorArgs { shape, type_, buffer: 0, name, quantization }));
        Activation { index: self.tensors.len() as i32 - 1, quantization: Quantization { scale, zero_point: 0 } }
    }

    /// An operator without options.
    #[cfg(test)]
    pub(super) fn bare_operator(&mut self, code: BuiltinOperator, input: &Activation, output: &Activation) {
        self.bare_operator_of(code, &[input], output);
    }

    /// An operator with several inputs and without options.
    #[cfg(test)]
    pub(super) fn bare_operator_of(&mut self, code: BuiltinOperator, inputs: &[&Activation], output: &Activation) {
        let inputs: Vec<i32> = inputs.iter().map(|input| input.index).collect();
        let new_shape = Some(self.builder.create_vector::<i32>(&[]));
        let options = ReshapeOptions::create(&mut self.builder, &ReshapeOptionsArgs { new_shape }).as_union_value();
        self.operator(code, &inputs, output, (BuiltinOptions::ReshapeOptions, options));
    }

    /// Adds the weights and biases of a layer and returns their indices.
    fn parameters(&mut self, layer: Layer, values: &QuantizedLayer, shape: &[usize], input_scale: f32) -> [i32; 2] {
        let weights: Vec<u8> = values.weights.iter().map(|w| *w as u8).collect();
        let biases: Vec<u8> = values.bias.iter().flat_map(|b| b.to_le_bytes()).collect();
        let bias_scales: Vec<f32> = values.weight_scale.iter().map(|scale| bias_scale(input_scale, *scale)).collect();
        let [weights, biases] = [weights, biases].map(|data| self.buffer(&data));
        let scales = Some((values.weight_scale.as_slice(), 0));
        let weights = self.tensor(&format!("{layer}.weight"), shape, TensorType::INT8, scales, weights);
        let scales = Some((bias_scales.as_slice(), 0));
        [weights, self.tensor(&format!("{layer}.bias"), &shape[..1], TensorType::INT32, scales, biases)]
    }

    pub(super) fn operator(
        &mut self,
        code: BuiltinOperator,
        inputs: &[i32],
        output: &Activation,
        options: (BuiltinOptions, WIPOffset<UnionWIPOffset>),
    ) {
        let opcode_index = self.codes.iter().position(|known| *known == code).unwrap_or_else(|| {
            self.codes.push(code);
            self.codes.len() - 1
        }) as u32;
        let inputs = Some(self.builder.create_vector(inputs));
        let outputs = Some(self.builder.create_vector(&[output.index]));
        let (builtin_options_type, builtin_options) = (options.0, Some(options.1));
        let arguments = OperatorArgs { opcode_index, inputs, outputs, builtin_options_type, builtin_options };
        self.operators.push(Operator::create(&mut self.builder, &arguments));
    }

    /// A convolution of a `side` x `side` feature map.
    pub(super) fn convolution(
        &mut self,
        layer: Layer,
        values: &QuantizedLayer,
        input: &Activation,
        side: usize,
        fused_activation_function: ActivationFunctionType,
        quantization: Quantization,
    ) -> Activation {
        let (outputs, side) = (layer.outputs(self.classes), side - KERNEL_SIDE + 1);
        let shape = [outputs, KERNEL_SIDE, KERNEL_SIDE, layer.weights_per_output() / (KERNEL_SIDE * KERNEL_SIDE)];
        let [weights, biases] = self.parameters(layer, values, &shape, input.quantization.scale);
        let output = self.activation(&layer.to_string(), &[1, side, side, outputs], quantization);
        let arguments = Conv2DOptionsArgs {
            padding: Padding::VALID,
            stride_w: 1,
            stride_h: 1,
            fused_activation_function,
            ..Conv2DOptionsArgs::default()
        };
        let options = Conv2DOptions::create(&mut self.builder, &arguments).as_union_value();
        let options = (BuiltinOptions::Conv2DOptions, options);
        self.operator(BuiltinOperator::CONV_2D, &[input.index, weights, biases], &output, options);
        output
    }

    pub(super) fn pool(&mut self, name: &str, kind: Pool, input: &Activation, shape: [usize; 4]) -> Activation {
        let output = self.activation(name, &shape, input.quantization);
        let arguments = Pool2DOptionsArgs {
            padding: Padding::VALID,
            stride_w: 2,
            stride_h: 2,
            filter_width: 2,
            filter_height: 2,
            ..Pool2DOptionsArgs::default()
        };
        let options = Pool2DOptions::create(&mut self.builder, &arguments).as_union_value();
        let code = match kind {
            Pool::Average => BuiltinOperator::AVERAGE_POOL_2D,
            Pool::Maximum => BuiltinOperator::MAX_POOL_2D,
        };
        self.operator(code, &[input.index], &output, (BuiltinOptions::Pool2DOptions, options));
        output
    }

    pub(super) fn reshape(&mut self, name: &str, input: &Activation, shape: &[usize]) -> Activation {
        let new_shape = dimensions(shape);
        let data: Vec<u8> = new_shape.iter().flat_map(|x| x.to_le_bytes()).collect();
        let buffer = self.buffer(&data);
        let new_shape = Some(self.builder.create_vector(&new_shape));
        let data = self.tensor(&format!("{name}.shape"), &[shape.len()], TensorType::INT32, None, buffer);
        let output = self.activation(name, shape, input.quantization);
        let options = ReshapeOptions::create(&mut self.builder, &ReshapeOptionsArgs { new_shape }).as_union_value();
        let options = (BuiltinOptions::ReshapeOptions, options);
        self.operator(BuiltinOperator::RESHAPE, &[input.index, data], &output, options);
        output
    }

    pub(super) fn fully_connected(
        &mut self,
        name: &str,
        layer: Layer,
        values: &QuantizedLayer,
        input: &Activation,
        fused_activation_function: ActivationFunctionType,
        quantization: Quantization,
    ) -> Activation {
        let shape = [layer.outputs(self.classes), layer.weights_per_output()];
        let [weights, biases] = self.parameters(layer, values, &shape, input.quantization.scale);
        let output = self.activation(name, &[1, layer.outputs(self.classes)], quantization);
        let arguments = FullyConnectedOptionsArgs { fused_activation_function, ..Default::default() };
        let options = FullyConnectedOptions::create(&mut self.builder, &arguments).as_union_value();
        let options = (BuiltinOptions::FullyConnectedOptions, options);
        self.operator(BuiltinOperator::FULLY_CONNECTED, &[input.index, weights, biases], &output, options);
        output
    }

    fn metadata(&mut self, network: &QuantizedNetwork, description: &Description<'_>) -> Offsets<Metadata<'static>> {
        let data = postcard::to_allocvec(description).expect("a description has only numbers and names");
        let classes = &network.classes;
        let labels = (!classes.are_numbered()).then(|| (LABELS, classes.text().into_bytes()));
        let none_of_these = network.none_of_these.map(|class| (NONE_OF_THESE, vec![class as u8]));
        let preparation =
            (network.preparation != Preparation::default()).then(|| (PREPARATION, vec![network.preparation.code()]));
        let entries: Vec<_> = [(DESCRIPTION, data)]
            .into_iter()
            .chain(labels)
            .chain(none_of_these)
            .chain(preparation)
            .map(|(name, data)| {
                let buffer = self.buffer(&data);
                let name = Some(self.builder.create_string(name));
                Metadata::create(&mut self.builder, &MetadataArgs { name, buffer })
            })
            .collect();
        self.builder.create_vector(&entries)
    }

    /// The names that a signature runner uses for the input and the output.
    fn signature(&mut self, input: &Activation, output: &Activation) -> Offsets<SignatureDef<'static>> {
        let builder = &mut self.builder;
        let [inputs, outputs] = [(IMAGE, input), (LOGITS, output)].map(|(name, tensor)| {
            let name = Some(builder.create_string(name));
            let map = TensorMap::create(builder, &TensorMapArgs { name, tensor_index: tensor.index as u32 });
            Some(builder.create_vector(&[map]))
        });
        let signature_key = Some(builder.create_string(SIGNATURE));
        let arguments = SignatureDefArgs { inputs, outputs, signature_key, subgraph_index: 0 };
        let signature = SignatureDef::create(builder, &arguments);
        builder.create_vector(&[signature])
    }

    fn graph(&mut self, input: &Activation, output: &Activation) -> Offsets<SubGraph<'static>> {
        let builder = &mut self.builder;
        let arguments = SubGraphArgs {
            tensors: Some(builder.create_vector(&self.tensors)),
            inputs: Some(builder.create_vector(&[input.index])),
            outputs: Some(builder.create_vector(&[output.index])),
            operators: Some(builder.create_vector(&self.operators)),
            name: Some(builder.create_string("main")),
        };
        let graph = SubGraph::create(builder, &arguments);
        builder.create_vector(&[graph])
    }

    pub(super) fn finish(
        mut self,
        input: &Activation,
        output: &Activation,
        source: Option<(&QuantizedNetwork, &Description<'_>)>,
    ) -> Vec<u8> {
        let metadata = source.map(|(network, description)| self.metadata(network, description));
        let signature_defs = Some(self.signature(input, output));
        let subgraphs = Some(self.graph(input, output));
        let builder = &mut self.builder;
        let codes: Vec<_> = self.codes.iter().map(|code| operator_code(builder, *code)).collect();
        let arguments = ModelArgs {
            version: SCHEMA_VERSION,
            operator_codes: Some(builder.create_vector(&codes)),
            subgraphs,
            description: source.map(|(network, description)| builder.create_string(&summary(network, description))),
            buffers: Some(builder.create_vector(&self.buffers)),
            metadata,
            signature_defs,
        };
        let model = Model::create(builder, &arguments);
        finish_model_buffer(builder, model);
        builder.finished_data().to_vec()
    }
}

fn dimensions(shape: &[usize]) -> Vec<i32> {
    shape.iter().map(|length| *length as i32).collect()
}

/// An operator code with the lowest version that supports int8 with one scale per channel.
fn operator_code(
    builder: &mut FlatBufferBuilder<'static>,
    builtin_code: BuiltinOperator,
) -> WIPOffset<OperatorCode<'static>> {
    let version = match builtin_code {
        BuiltinOperator::CONV_2D => 3,
        BuiltinOperator::AVERAGE_POOL_2D | BuiltinOperator::MAX_POOL_2D => 2,
        BuiltinOperator::FULLY_CONNECTED => 4,
        _ => 1,
    };
    // Old readers use only the one-byte code; the codes of these operators fit.
    let deprecated_builtin_code = builtin_code.0 as i8;
    OperatorCode::create(builder, &OperatorCodeArgs { deprecated_builtin_code, version, builtin_code })
}

/// The description as one line of text.
fn summary(network: &QuantizedNetwork, description: &Description<'_>) -> String {
    let mut text = format!("LeNet-5 in int8 with {} classes", network.classes.count());
    if !description.data_set.is_empty() {
        text += &format!(", trained on {}", description.data_set);
    }
    for (name, accuracy) in [("int8", description.int8_accuracy), ("float", description.float_accuracy)] {
        if let Some(accuracy) = accuracy {
            text += &format!("; {name} accuracy {:.2} %", 100.0 * accuracy);
        }
    }
    if let Some(seed) = description.seed {
        text += &format!("; seed {seed}");
    }
    if !description.tool.is_empty() {
        text += &format!("; {}", description.tool);
    }
    text
}
