use std::iter::Peekable;
use std::vec::IntoIter;

use lenet_core::architecture::{
    CONV1_CHANNELS, CONV2_CHANNELS, IMAGE_SIDE, KERNEL_SIDE, Layer, POOL1_SIDE, POOL2_SIDE,
};
use lenet_core::format::Description;
use lenet_core::labels::{MAX_CLASSES, MIN_CLASSES};
use lenet_core::quantization::{ACTIVATION_ZERO_POINT, Quantization};
use lenet_core::{Pool, Pools};

use super::graph::{Found, Graph, Step, operator_name};
use super::schema_generated::{
    ActivationFunctionType, BuiltinOperator, FullyConnectedOptionsWeightsFormat, Padding, TensorType,
};
use super::{DESCRIPTION, LABELS, NONE_OF_THESE, bias_scale};
use crate::classes::Classes;
use crate::error::Error;
use crate::formats::ModelFile;
use crate::int8::{QuantizedLayer, QuantizedNetwork, multiplier_from_real};

/// Relative difference allowed between a bias's scale and the product of the scales of input and weights; the same as
/// in LiteRT.
const BIAS_SCALE_TOLERANCE: f64 = 1e-6;

/// Reads the int8 network in a `.tflite` file that [`encode_tflite`](super::encode_tflite) or TFLite's converter wrote,
/// with one scale for all weights of a layer or one per output channel.
///
/// The pixels and all activations except the logits must have the zero point -128, as they do after a ReLU. The
/// following operators are skipped, since they do not change the network: any RESHAPE, which moves no value; the
/// operators that compute its shape, since the batch is one image; a QUANTIZE of float or uint8 pixels at the start; at
/// the end a SOFTMAX, which changes no prediction, and a DEQUANTIZE or a QUANTIZE to uint8. Without this program's metadata, the description names only this program as the
/// tool.
///
/// # Errors
/// A message that says what was found, what this network needs, and, where there is a way out, what to do.
pub fn decode_tflite(bytes: &[u8]) -> Result<ModelFile, String> {
    let graph = Graph::read(bytes)?;
    let description = description(&graph)?;
    let network = network(&graph)?;
    network.encode(&description).map_err(|error| match error {
        Error::Quantize(problem) => cannot_hold(&problem),
        other => other.to_string(),
    })
}

/// Whether the bytes have the identifier of a TensorFlow Lite file.
pub(in crate::formats) fn is_tflite(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(b"TFL3")
}

fn cannot_hold(problem: &str) -> String {
    format!("{problem}; a .lenet file cannot represent that exactly. Quantize the float network with `lenet quantize`")
}

fn description<'a>(graph: &Graph<'a>) -> Result<Description<'a>, String> {
    match graph.metadata(DESCRIPTION) {
        None => Ok(Description { tool: crate::TOOL, ..Description::default() }),
        Some(bytes) => match postcard::take_from_bytes(bytes) {
            Ok((description, [])) => Ok(description),
            _ => Err(format!("its metadata {DESCRIPTION} is damaged; export the file again")),
        },
    }
}

fn network(graph: &Graph<'_>) -> Result<QuantizedNetwork, String> {
    use BuiltinOperator as O;
    let mut steps = graph.steps()?;
    check_quantized(graph, &steps)?;
    steps.retain(|step| !matches!(step.code, O::SHAPE | O::STRIDED_SLICE | O::PACK));
    let pools = pools(&steps)?;
    let classes = classes(graph, count_classes(graph, &steps)?)?;
    let none_of_these = none_of_these(graph, &classes)?;
    let mut chain = Chain::new(graph, steps, classes.count())?;
    let image = chain.quantization;
    let (conv1_values, conv1) = chain.convolution(Layer::Conv1, IMAGE_SIDE)?;
    chain.pool("pool1", [1, POOL1_SIDE, POOL1_SIDE, CONV1_CHANNELS])?;
    let (conv2_values, conv2) = chain.convolution(Layer::Conv2, POOL1_SIDE)?;
    chain.pool("pool2", [1, POOL2_SIDE, POOL2_SIDE, CONV2_CHANNELS])?;
    let (fc1_values, fc1) = chain.fully_connected(Layer::Fc1)?;
    let (fc2_values, fc2) = chain.fully_connected(Layer::Fc2)?;
    let (fc3_values, logits) = chain.fully_connected(Layer::Fc3)?;
    chain.end()?;
    Ok(QuantizedNetwork {
        classes,
        none_of_these,
        pools,
        activations: [image, conv1, conv2, fc1, fc2, logits],
        layers: [conv1_values, conv2_values, fc1_values, fc2_values, fc3_values],
    })
}

/// The number of classes: the outputs of the last operator with weights.
fn count_classes(graph: &Graph<'_>, steps: &[Step<'_>]) -> Result<usize, String> {
    let last = steps.iter().rev().find(|step| step.code == BuiltinOperator::FULLY_CONNECTED);
    let weights = last.and_then(|step| step.input(1)).ok_or("fc3 has no weights")?;
    let count = graph.tensor(weights, "the weights of fc3")?.shape().first().copied().unwrap_or_default();
    if (MIN_CLASSES..=MAX_CLASSES).contains(&count) {
        return Ok(count);
    }
    Err(format!("fc3 has {count} outputs; a network has {MIN_CLASSES} to {MAX_CLASSES} classes"))
}

/// The labels in the metadata, or the numbers of the classes.
fn classes(graph: &Graph<'_>, count: usize) -> Result<Classes, String> {
    let Some(bytes) = graph.metadata(LABELS) else { return Classes::numbered(count) };
    let damaged = |problem: &str| format!("its metadata {LABELS} is damaged: {problem}; export the file again");
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is not UTF-8"))?;
    let classes = Classes::new(text.lines()).map_err(|problem| damaged(&problem))?;
    match classes.count() {
        labels if labels == count => Ok(classes),
        labels => Err(damaged(&format!("it has {labels} labels for {count} classes"))),
    }
}

fn none_of_these(graph: &Graph<'_>, classes: &Classes) -> Result<Option<usize>, String> {
    match graph.metadata(NONE_OF_THESE) {
        None => Ok(None),
        Some([class]) if usize::from(*class) < classes.count() => Ok(Some(usize::from(*class))),
        Some(_) => Err(format!("its metadata {NONE_OF_THESE} is damaged; export the file again")),
    }
}

/// The pool kinds, if the operators are those of LeNet-5.
fn pools(steps: &[Step<'_>]) -> Result<Pools, String> {
    use BuiltinOperator as O;
    let codes: Vec<BuiltinOperator> = steps.iter().map(|step| step.code).collect();
    let without_reshape: Vec<BuiltinOperator> = codes.iter().copied().filter(|code| *code != O::RESHAPE).collect();
    let network = without_reshape.strip_prefix(&[O::QUANTIZE]).unwrap_or(&without_reshape);
    let network = network.strip_suffix(&[O::DEQUANTIZE]).or(network.strip_suffix(&[O::QUANTIZE])).unwrap_or(network);
    let network = network.strip_suffix(&[O::SOFTMAX]).unwrap_or(network);
    if let [O::CONV_2D, first, O::CONV_2D, second, O::FULLY_CONNECTED, O::FULLY_CONNECTED, O::FULLY_CONNECTED] = network
        && let (Some(pool1), Some(pool2)) = (pool_kind(*first), pool_kind(*second))
    {
        return Ok(Pools { pool1, pool2 });
    }
    let names: Vec<String> = codes.iter().map(|code| operator_name(*code)).collect();
    Err(format!(
        "its operators are {}; LeNet-5 has CONV_2D, AVERAGE_POOL_2D or MAX_POOL_2D, CONV_2D, AVERAGE_POOL_2D or \
         MAX_POOL_2D, and three times FULLY_CONNECTED, with RESHAPE where needed, and possibly a SOFTMAX at the end",
        if names.is_empty() { "none".into() } else { names.join(", ") }
    ))
}

fn pool_kind(code: BuiltinOperator) -> Option<Pool> {
    match code {
        BuiltinOperator::AVERAGE_POOL_2D => Some(Pool::Average),
        BuiltinOperator::MAX_POOL_2D => Some(Pool::Maximum),
        _ => None,
    }
}

/// The operators from the image to the logits. Each reads the output of the one before it.
struct Chain<'g, 'a> {
    graph: &'g Graph<'a>,
    steps: Peekable<IntoIter<Step<'a>>>,
    /// The tensor index of the last consumed operator's output.
    current: i32,
    /// The scale and zero point of that tensor.
    quantization: Quantization,
    classes: usize,
}

impl<'g, 'a> Chain<'g, 'a> {
    fn new(graph: &'g Graph<'a>, steps: Vec<Step<'a>>, classes: usize) -> Result<Self, String> {
        let mut steps = steps.into_iter().peekable();
        let mut current = graph.input()?;
        let mut image = graph.tensor(current, "the input")?;
        if let Some(quantize) = steps.next_if(|step| step.code == BuiltinOperator::QUANTIZE) {
            image.expect_values_of(&[TensorType::FLOAT32, TensorType::UINT8], IMAGE_SIDE * IMAGE_SIDE)?;
            check_reads(&quantize, current)?;
            current = quantize.output()?;
            let quantized = graph.tensor(current, "the quantized input")?;
            check_same_values(&image, &quantized)?;
            image = quantized;
        }
        image.expect_values(TensorType::INT8, IMAGE_SIDE * IMAGE_SIDE)?;
        let quantization = image.quantization()?;
        check_zero_point(&image, quantization)?;
        Ok(Self { graph, steps, current, quantization, classes })
    }

    /// The next operator, which must read the current tensor, and its output, which becomes the current tensor.
    fn next(&mut self, what: &str) -> Result<(Step<'a>, Found<'a>), String> {
        let step = self.steps.next().ok_or_else(|| format!("{what} is missing"))?;
        check_reads(&step, self.current)?;
        self.current = step.output()?;
        let output = self.graph.tensor(self.current, &format!("the output of {what}"))?;
        Ok((step, output))
    }

    /// The next operator that is not a RESHAPE.
    fn next_layer(&mut self, what: &str) -> Result<(Step<'a>, Found<'a>), String> {
        self.skip_reshapes()?;
        self.next(what)
    }

    fn skip_reshapes(&mut self) -> Result<(), String> {
        while self.steps.peek().is_some_and(|step| step.code == BuiltinOperator::RESHAPE) {
            let values = self.graph.tensor(self.current, "the input of RESHAPE")?.values();
            let (_, output) = self.next("RESHAPE")?;
            output.expect_values(TensorType::INT8, values.unwrap_or_default())?;
            self.check_unchanged(&output)?;
        }
        Ok(())
    }

    /// Pools and RESHAPE work on the stored integers, so output and input must have the same quantization.
    fn check_unchanged(&self, output: &Found<'_>) -> Result<(), String> {
        let found = output.quantization()?;
        if found == self.quantization {
            return Ok(());
        }
        Err(format!(
            "{} has the scale {} and the zero point {}; it needs those of its input, {} and {}",
            output.what(),
            found.scale,
            found.zero_point,
            self.quantization.scale,
            self.quantization.zero_point
        ))
    }

    fn convolution(&mut self, layer: Layer, side: usize) -> Result<(QuantizedLayer, Quantization), String> {
        let inputs = layer.weights_per_output() / (KERNEL_SIDE * KERNEL_SIDE);
        self.skip_reshapes()?;
        let input = self.graph.tensor(self.current, &format!("the input of {layer}"))?;
        input.expect(TensorType::INT8, &[1, side, side, inputs])?;
        let (step, output) = self.next(&layer.to_string())?;
        let options = step.operator.builtin_options_as_conv_2_doptions();
        let options = options.ok_or_else(|| format!("{} has no options", step.name()))?;
        let found = (options.padding(), options.stride_h(), options.stride_w());
        if found != (Padding::VALID, 1, 1) {
            let (padding, height, width) = found;
            return Err(format!(
                "{} has padding {padding:?} and strides {height} and {width}; LeNet-5 needs VALID, 1 and 1",
                step.name()
            ));
        }
        let dilation = (options.dilation_h_factor(), options.dilation_w_factor());
        if dilation != (1, 1) {
            return Err(format!("{} has dilation {dilation:?}; LeNet-5 needs (1, 1)", step.name()));
        }
        let side = side - KERNEL_SIDE + 1;
        output.expect(TensorType::INT8, &[1, side, side, layer.outputs(self.classes)])?;
        let shape = [layer.outputs(self.classes), KERNEL_SIDE, KERNEL_SIDE, inputs];
        self.layer(&step, &output, layer, &shape, options.fused_activation_function())
    }

    fn pool(&mut self, name: &str, shape: [usize; 4]) -> Result<(), String> {
        let (step, output) = self.next_layer(name)?;
        let options = step.operator.builtin_options_as_pool_2_doptions();
        let options = options.ok_or_else(|| format!("{} has no options", step.name()))?;
        let filter = [options.filter_height(), options.filter_width(), options.stride_h(), options.stride_w()];
        // The sides are even, so the padding does not matter.
        if filter != [2; 4] {
            return Err(format!("{} has a filter and strides of {filter:?}; LeNet-5 needs 2x2 and 2x2", step.name()));
        }
        output.expect(TensorType::INT8, &shape)?;
        check_activation(&step, options.fused_activation_function(), self.quantization)?;
        self.check_unchanged(&output)
    }

    fn fully_connected(&mut self, layer: Layer) -> Result<(QuantizedLayer, Quantization), String> {
        let input = self.graph.tensor(self.current, &format!("the input of {layer}"))?;
        input.expect_values(TensorType::INT8, layer.weights_per_output())?;
        let (step, output) = self.next_layer(&layer.to_string())?;
        let options = step.operator.builtin_options_as_fully_connected_options();
        let options = options.ok_or_else(|| format!("{} has no options", step.name()))?;
        if options.weights_format() != FullyConnectedOptionsWeightsFormat::DEFAULT {
            return Err(format!(
                "{} has weights in the format {:?}; only DEFAULT is supported",
                step.name(),
                options.weights_format()
            ));
        }
        output.expect_values(TensorType::INT8, layer.outputs(self.classes))?;
        let shape = [layer.outputs(self.classes), layer.weights_per_output()];
        self.layer(&step, &output, layer, &shape, options.fused_activation_function())
    }

    /// What convolutions and fully connected layers share: weights, biases and the quantization of the output.
    fn layer(
        &mut self,
        step: &Step<'a>,
        output: &Found<'a>,
        layer: Layer,
        shape: &[usize],
        activation: ActivationFunctionType,
    ) -> Result<(QuantizedLayer, Quantization), String> {
        let quantization = output.quantization()?;
        if layer != Layer::Fc3 {
            check_zero_point(output, quantization)?;
        }
        check_activation(step, activation, quantization)?;
        let index = step.input(1).ok_or_else(|| format!("{} has no weights", step.name()))?;
        let weights = self.graph.tensor(index, &format!("the weights of {layer}"))?;
        weights.expect(TensorType::INT8, shape)?;
        let mut values = QuantizedLayer {
            weight_scale: weights.channel_scales(layer.outputs(self.classes))?,
            weights: self.graph.data(&weights, shape.iter().product())?.iter().map(|byte| *byte as i8).collect(),
            ..QuantizedLayer::default()
        };
        values.bias = self.biases(step, layer, &values.weight_scale)?;
        for (channel, scale) in values.weight_scale.iter().enumerate() {
            let real = f64::from(self.quantization.scale) * f64::from(*scale) / f64::from(quantization.scale);
            let Some(multiplier) = multiplier_from_real(real) else {
                return Err(cannot_hold(&format!(
                    "the multiplier of {layer} channel {channel}, s_in * s_w / s_out, is {real:e}; it must be at least \
                     2^-32 and below 1"
                )));
            };
            values.multiplier.push(multiplier);
        }
        self.quantization = quantization;
        Ok((values, quantization))
    }

    fn biases(&self, step: &Step<'a>, layer: Layer, weight_scales: &[f32]) -> Result<Vec<i32>, String> {
        let Some(index) = step.input(2) else {
            return Ok(vec![0; layer.outputs(self.classes)]);
        };
        let biases = self.graph.tensor(index, &format!("the biases of {layer}"))?;
        biases.expect(TensorType::INT32, &[layer.outputs(self.classes)])?;
        let scales = biases.channel_scales(layer.outputs(self.classes))?;
        for (channel, (found, weight_scale)) in scales.iter().zip(weight_scales).enumerate() {
            let needed = f64::from(bias_scale(self.quantization.scale, *weight_scale));
            // False when one of them is NaN.
            let close = (f64::from(*found) - needed).abs() <= BIAS_SCALE_TOLERANCE * needed;
            if !close {
                return Err(format!(
                    "{} has the scale {found:e} in channel {channel}; it must be the product of the scales of input \
                     and weights, {needed:e}",
                    biases.what()
                ));
            }
        }
        let data = self.graph.data(&biases, size_of::<i32>() * layer.outputs(self.classes))?;
        Ok(data.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect())
    }

    fn end(&mut self) -> Result<(), String> {
        self.skip_reshapes()?;
        if self.steps.peek().is_some_and(|step| step.code == BuiltinOperator::SOFTMAX) {
            let (_, output) = self.next("SOFTMAX")?;
            output.expect_values(TensorType::INT8, self.classes)?;
        }
        if let Some(code) = self.steps.peek().map(|step| step.code) {
            let before = self.graph.tensor(self.current, "the logits")?;
            let (_, output) = self.next(&operator_name(code))?;
            if code == BuiltinOperator::QUANTIZE {
                output.expect_values(TensorType::UINT8, self.classes)?;
                check_same_values(&output, &before)?;
            } else {
                output.expect_values(TensorType::FLOAT32, self.classes)?;
            }
        }
        if self.graph.output()? == self.current {
            return Ok(());
        }
        Err("the output of its graph is not the output of its last operator".into())
    }
}

fn check_reads(step: &Step<'_>, tensor: i32) -> Result<(), String> {
    if step.input(0) == Some(tensor) {
        return Ok(());
    }
    Err(format!("{} does not read the output of the operator before it", step.name()))
}

/// Checks that a network is in int8 throughout, and says what is missing if it is not.
fn check_quantized(graph: &Graph<'_>, steps: &[Step<'_>]) -> Result<(), String> {
    let weighted = |step: &&Step<'_>| matches!(step.code, BuiltinOperator::CONV_2D | BuiltinOperator::FULLY_CONNECTED);
    let Some(step) = steps.iter().find(weighted) else { return Ok(()) };
    let type_of = |number: usize| Some(graph.tensor(step.input(number)?, "").ok()?.element());
    let (Some(input), Some(weights)) = (type_of(0), type_of(1)) else { return Ok(()) };
    let (kind, missing) = match (input, weights) {
        (TensorType::INT8, TensorType::INT8) => return Ok(()),
        (TensorType::FLOAT32, TensorType::INT8 | TensorType::INT4) => (
            "with dynamic-range quantization: its weights are integers, its activations float",
            "converter.representative_dataset is missing, a function that yields some training images",
        ),
        (TensorType::FLOAT32, TensorType::FLOAT16 | TensorType::FLOAT32) if has_half_weights(steps) => (
            "with float16 weights",
            "set converter.optimizations = [tf.lite.Optimize.DEFAULT] and converter.representative_dataset, and leave \
             out target_spec.supported_types",
        ),
        (TensorType::FLOAT32, _) => (
            "in float",
            "converter.optimizations = [tf.lite.Optimize.DEFAULT] and converter.representative_dataset are missing",
        ),
        (TensorType::INT16, _) => (
            "with 16-bit activations",
            "leave out EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8 from target_spec.supported_ops",
        ),
        (TensorType::UINT8, _) => {
            ("quantized to uint8, as TensorFlow 1 did", "convert the float network again with TensorFlow 2")
        }
        _ => return Ok(()),
    };
    Err(format!(
        "this is a TFLite network {kind}, but int8 is needed throughout: {missing}. Or quantize the float network with \
         `lenet quantize`"
    ))
}

/// The converter stores float16 weights and turns them into float32 at the start.
fn has_half_weights(steps: &[Step<'_>]) -> bool {
    steps.iter().filter(|step| step.code == BuiltinOperator::DEQUANTIZE).count() > 1
}

/// A uint8 tensor holds the same values as an int8 one if it has the same scale, and its zero point is 128 higher.
fn check_same_values(other: &Found<'_>, int8: &Found<'_>) -> Result<(), String> {
    if other.element() != TensorType::UINT8 {
        return Ok(());
    }
    let (found, needed) = (other.scale_and_zero_point()?, int8.scale_and_zero_point()?);
    if found == (needed.0, needed.1 + 128) {
        return Ok(());
    }
    Err(cannot_hold(&format!(
        "{} has the scale {} and the zero point {}; as the uint8 form of an int8 tensor it must have {} and {}",
        other.what(),
        found.0,
        found.1,
        needed.0,
        needed.1 + 128
    )))
}

fn check_zero_point(found: &Found<'_>, quantization: Quantization) -> Result<(), String> {
    if quantization.zero_point == ACTIVATION_ZERO_POINT {
        return Ok(());
    }
    Err(cannot_hold(&format!(
        "{} has the zero point {}; it must be {ACTIVATION_ZERO_POINT}, as pixels and ReLU outputs start at 0",
        found.what(),
        quantization.zero_point
    )))
}

/// Without a fused activation the output is clamped to int8, which has the effect of a ReLU when -128 stands for zero.
fn check_activation(
    step: &Step<'_>,
    activation: ActivationFunctionType,
    quantization: Quantization,
) -> Result<(), String> {
    match activation {
        ActivationFunctionType::NONE => Ok(()),
        ActivationFunctionType::RELU if quantization.zero_point == ACTIVATION_ZERO_POINT => Ok(()),
        ActivationFunctionType::RELU6 if quantization.zero_point == ACTIVATION_ZERO_POINT => {
            // TFLite clamps at the integer nearest to 6. At 127 or above, int8 clamps there anyway.
            let six = f64::from(quantization.zero_point) + (6.0 / f64::from(quantization.scale)).round();
            if six >= f64::from(i8::MAX) {
                return Ok(());
            }
            let largest = f64::from(quantization.scale) * 255.0;
            Err(cannot_hold(&format!(
                "{} ends in RELU6, and its output has a range up to {largest:.2}, beyond 6; LeNet-5 has RELU there",
                step.name()
            )))
        }
        ActivationFunctionType::RELU | ActivationFunctionType::RELU6 => {
            Err(format!("{} ends in a ReLU; the logits of LeNet-5 have none", step.name()))
        }
        other => Err(format!("{} ends in {other:?}; LeNet-5 has RELU or nothing there", step.name())),
    }
}
