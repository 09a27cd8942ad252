use lenet_core::architecture::{CONV1_CHANNELS, CONV2_CHANNELS, Layer};
use lenet_core::format::Description;
use lenet_core::preparation::Preparation;
use lenet_core::quantization::Quantization;
use lenet_core::{Pool, Pools};
use proptest::prelude::*;

use super::schema_generated::{ActivationFunctionType, BuiltinOperator, TensorType, root_as_model};
use super::write::{Writer, write};
use super::{decode_tflite, encode_tflite};
use crate::classes::Classes;
use crate::formats::ModelFile;
use crate::int8::{QuantizedNetwork, multiplier_from_real};

const COMMITTED: &[u8] = include_bytes!("../../../../data/digits-10k/digits-10k.lenet");
const NONE: ActivationFunctionType = ActivationFunctionType::NONE;

fn committed() -> QuantizedNetwork {
    QuantizedNetwork::from(&ModelFile::new(COMMITTED).model().unwrap())
}

/// The committed network as a graph without metadata describes it.
fn bare() -> QuantizedNetwork {
    QuantizedNetwork { preparation: Preparation::AsTheyAre, ..committed() }
}

fn exported() -> Vec<u8> {
    let file = ModelFile::new(COMMITTED);
    encode_tflite(&committed(), &file.model().unwrap().description()).unwrap()
}

fn refusal(bytes: &[u8]) -> String {
    decode_tflite(bytes).expect_err("it must be refused")
}

#[test]
fn a_model_exported_and_imported_is_the_same_file() {
    assert_eq!(decode_tflite(&exported()).unwrap().bytes(), COMMITTED);
    let pools = [Pool::Average, Pool::Maximum];
    for (pool1, pool2) in pools.into_iter().flat_map(|pool1| pools.map(|pool2| (pool1, pool2))) {
        let network = QuantizedNetwork { pools: Pools { pool1, pool2 }, ..committed() };
        let description = Description {
            data_set: "ünicode",
            float_accuracy: None,
            int8_accuracy: Some(f32::MIN_POSITIVE),
            seed: Some(u64::MAX),
            tool: "",
        };
        let file = decode_tflite(&encode_tflite(&network, &description).unwrap()).unwrap();
        assert_eq!(file.bytes(), network.encode(&description).unwrap().bytes());
    }
}

#[test]
fn the_data_of_tensors_starts_at_multiples_of_16() {
    let bytes = exported();
    let buffers: Vec<_> = root_as_model(&bytes).unwrap().buffers().unwrap().iter().collect();
    assert!(buffers[0].data().is_none());
    // Weights and biases of five layers, a shape, the description, the preparation.
    assert_eq!(buffers.len(), 1 + 13);
    for data in buffers[1..].iter().map(|buffer| buffer.data().unwrap()) {
        assert_eq!((data.bytes().as_ptr().addr() - bytes.as_ptr().addr()) % 16, 0);
    }
}

#[test]
fn a_multiplier_that_contradicts_the_scales_is_not_exported() {
    let mut network = committed();
    network.layers[2].multiplier[5].mantissa ^= 1;
    let message = encode_tflite(&network, &Description::default()).unwrap_err();
    assert!(message.contains("multiplier of fc1 channel 5"), "{message}");
}

#[test]
fn one_scale_for_all_weights_of_a_layer_is_read() {
    let mut per_tensor = committed();
    let mut expected = committed();
    for (index, layer) in per_tensor.layers.iter_mut().enumerate() {
        let scale = layer.weight_scale[0];
        layer.weight_scale.truncate(1);
        let [input, output] = [index, index + 1].map(|tensor| f64::from(expected.activations[tensor].scale));
        let multiplier = multiplier_from_real(input * f64::from(scale) / output).unwrap();
        let layer = &mut expected.layers[index];
        layer.weight_scale.fill(scale);
        layer.multiplier.fill(multiplier);
    }
    let description = Description::default();
    let file = decode_tflite(&write(&per_tensor, &description)).unwrap();
    assert_eq!(file.bytes(), expected.encode(&description).unwrap().bytes());
}

/// A file with the first `layers` fully connected layers, without their ReLUs, without RESHAPE and without metadata.
fn plain(layers: usize) -> Vec<u8> {
    let network = committed();
    let [image, conv1, conv2, fc1, fc2, logits] = network.activations;
    let mut writer = Writer::new(10);
    let pixels = writer.activation("", &[1, 28, 28, 1], image);
    let mut x = writer.convolution(Layer::Conv1, &network.layers[0], &pixels, 28, ActivationFunctionType::RELU, conv1);
    x = writer.pool("", Pool::Average, &x, [1, 12, 12, CONV1_CHANNELS]);
    x = writer.convolution(Layer::Conv2, &network.layers[1], &x, 12, ActivationFunctionType::RELU, conv2);
    x = writer.pool("", Pool::Maximum, &x, [1, 4, 4, CONV2_CHANNELS]);
    let dense = [(Layer::Fc1, fc1), (Layer::Fc2, fc2), (Layer::Fc3, logits)];
    for ((layer, quantization), values) in dense.into_iter().zip(&network.layers[2..]).take(layers) {
        x = writer.fully_connected("", layer, values, &x, NONE, quantization);
    }
    writer.finish(&pixels, &x, None)
}

#[test]
fn reshape_relu_and_metadata_may_be_left_out() {
    let file = decode_tflite(&plain(3)).unwrap();
    let model = file.model().unwrap();
    assert_eq!(QuantizedNetwork::from(&model), bare());
    assert_eq!((model.description().data_set, model.description().tool), ("", crate::TOOL));
}

#[test]
fn other_files_and_other_networks_are_refused_by_name() {
    for bytes in [COMMITTED, b"", b"TFL3", b"1234TFL"] {
        assert!(refusal(bytes).contains("not a .tflite file"));
    }
    let message = refusal(&exported()[..20_000]);
    assert!(message.contains("damaged .tflite file"), "{message}");
    let message = refusal(&plain(2));
    assert!(message.contains("MAX_POOL_2D, FULLY_CONNECTED, FULLY_CONNECTED; LeNet-5 has CONV_2D"), "{message}");
}

#[test]
fn what_a_model_file_cannot_represent_is_refused_by_name() {
    type Edit = fn(&mut QuantizedNetwork);
    let cases: [(Edit, &str); 9] = [
        (|n| n.activations[2].zero_point = 5, "the output of conv2 (tensor \"conv2\") has the zero point 5"),
        (|n| n.activations[0].zero_point = 0, "the input (tensor \"image\") has the zero point 0"),
        (|n| n.layers[1].weights[160] = -128, "a weight of conv2 channel 1 is -128"),
        (|n| n.layers[3].weight_scale[7] = 30.0, "the multiplier of fc2 channel 7, s_in * s_w / s_out, is "),
        (|n| n.layers[3].weight_scale[7] = f32::NAN, "the scale NaN in channel 7"),
        (|n| n.activations[3].scale = f32::INFINITY, "the multiplier of fc1 channel 0"),
        (|n| n.layers[4].bias[9] = i32::MAX, "the accumulator of fc3 channel 9 could overflow"),
        (|n| n.layers[4].bias.truncate(9), "has 36 bytes of data; 40 are needed"),
        (|n| n.layers[2].weight_scale.truncate(7), "has 7 scales; 1 or 120 are needed"),
    ];
    for (edit, expected) in cases {
        let mut network = committed();
        edit(&mut network);
        let message = refusal(&write(&network, &Description::default()));
        assert!(message.contains(expected), "{message:?} does not say {expected:?}");
    }
}

/// Networks beyond the bounds of the fast kernels are other networks' common case.
#[test]
fn heavy_channels_and_large_multipliers_are_read() {
    let mut network = committed();
    network.layers[1].weights[300..450].fill(-55);
    // A multiplier of 1/2.
    let [input, output] = [network.activations[2].scale, network.activations[3].scale].map(f64::from);
    network.layers[2].weight_scale[7] = (0.5 * output / input) as f32;
    network.layers[2].multiplier[7] =
        multiplier_from_real(input * f64::from(network.layers[2].weight_scale[7]) / output).unwrap();
    let file = decode_tflite(&encode_tflite(&network, &Description::default()).unwrap()).unwrap();
    assert_eq!(QuantizedNetwork::from(&file.model().unwrap()), network);
    assert!(network.unpackable().unwrap().to_string().contains("conv2 channel 2 add up to 8250 steps"));
}

#[test]
fn labels_and_any_number_of_classes_go_there_and_back() {
    for count in [2, 3, 26, 64] {
        let mut network = committed();
        let fc3 = &mut network.layers[4];
        let of_ten = fc3.clone();
        let place = |class: usize| class % 10;
        fc3.bias = (0..count).map(|class| of_ten.bias[place(class)]).collect();
        fc3.multiplier = (0..count).map(|class| of_ten.multiplier[place(class)]).collect();
        fc3.weight_scale = (0..count).map(|class| of_ten.weight_scale[place(class)]).collect();
        fc3.weights = (0..count).flat_map(|class| of_ten.weights[place(class) * 84..][..84].to_vec()).collect();
        network.classes = Classes::new((0..count).map(|class| format!("Klasse {class} ß"))).unwrap();
        network.none_of_these = (count > 3).then_some(count - 1);
        let bytes = encode_tflite(&network, &Description::default()).unwrap();
        let file = decode_tflite(&bytes).unwrap();
        assert_eq!(QuantizedNetwork::from(&file.model().unwrap()), network);
    }
    let mut network = committed();
    network.classes = Classes::new(('A'..='J').map(String::from)).unwrap();
    let mut bytes = encode_tflite(&network, &Description::default()).unwrap();
    let place = bytes.windows(5).position(|bytes| bytes == b"A\nB\nC").unwrap();
    bytes[place + 1] = b'.';
    let message = refusal(&bytes);
    assert!(message.contains("lenet.labels is damaged: it has 9 labels for 10 classes"), "{message}");
}

/// The positions of all bytes that are not weights. Damage there hits the offsets, lengths and numbers of the graph.
fn structure(bytes: &[u8]) -> Vec<usize> {
    let buffers = root_as_model(bytes).unwrap().buffers().unwrap();
    let mut is_data = vec![false; bytes.len()];
    for data in buffers.iter().filter_map(|buffer| buffer.data()).filter(|data| data.len() > 100) {
        let start = data.bytes().as_ptr().addr() - bytes.as_ptr().addr();
        is_data[start..start + data.len()].fill(true);
    }
    (0..bytes.len()).filter(|index| !is_data[*index]).collect()
}

/// Reading damaged bytes gives a valid model or a message.
fn check_damaged(bytes: &[u8]) -> Result<(), TestCaseError> {
    match decode_tflite(bytes) {
        Ok(file) => prop_assert!(file.model().is_ok()),
        Err(message) => prop_assert!(!message.is_empty()),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        length in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = exported();
        let places = structure(&bytes);
        for (place, value) in changes {
            bytes[*place.get(&places)] = value;
        }
        if let Some(length) = length {
            bytes.truncate(length.index(bytes.len()));
        }
        check_damaged(&bytes)?;
    }
}

#[test]
fn every_truncation_is_refused() {
    let bytes = exported();
    for length in 0..bytes.len() {
        refusal(&bytes[..length]);
    }
}

/// The committed network with other types of input and output, and a softmax at the end: what TFLite's converter writes
/// for a Keras model with `inference_input_type` and `inference_output_type`.
struct Wrapped {
    /// Type, scale and zero point of the input, if it is not the network's own.
    input: Option<(TensorType, f32, i64)>,
    softmax: bool,
    output: Option<(TensorType, f32, i64)>,
    activation: ActivationFunctionType,
    /// The scale of conv1's output.
    range: f32,
}

const PLAIN: Wrapped = Wrapped { input: None, softmax: false, output: None, activation: NONE, range: 0.0 };

impl Wrapped {
    fn file(&self) -> Vec<u8> {
        let network = self.network();
        let [image, conv1, conv2, fc1, fc2, logits] = network.activations;
        let mut writer = Writer::new(10);
        let outer = self.input.map(|(type_, scale, zero_point)| {
            writer.other_activation("outer", &[1, 28, 28, 1], type_, scale, zero_point)
        });
        let pixels = writer.activation("image", &[1, 28, 28, 1], image);
        if let Some(outer) = &outer {
            writer.bare_operator(BuiltinOperator::QUANTIZE, outer, &pixels);
        }
        let mut x = writer.convolution(Layer::Conv1, &network.layers[0], &pixels, 28, self.activation, conv1);
        x = writer.pool("pool1", Pool::Average, &x, [1, 12, 12, CONV1_CHANNELS]);
        x = writer.convolution(Layer::Conv2, &network.layers[1], &x, 12, ActivationFunctionType::RELU, conv2);
        x = writer.pool("pool2", Pool::Maximum, &x, [1, 4, 4, CONV2_CHANNELS]);
        let dense = [(Layer::Fc1, fc1), (Layer::Fc2, fc2), (Layer::Fc3, logits)];
        for ((layer, quantization), values) in dense.into_iter().zip(&network.layers[2..]) {
            x = writer.fully_connected("", layer, values, &x, NONE, quantization);
        }
        if self.softmax {
            let output = writer.activation("softmax", &[1, 10], Quantization { scale: 1.0 / 256.0, zero_point: -128 });
            writer.bare_operator(BuiltinOperator::SOFTMAX, &x, &output);
            x = output;
        }
        if let Some((type_, scale, zero_point)) = self.output {
            let output = writer.other_activation("output", &[1, 10], type_, scale, zero_point);
            writer.bare_operator(BuiltinOperator::QUANTIZE, &x, &output);
            x = output;
        }
        writer.finish(outer.as_ref().unwrap_or(&pixels), &x, None)
    }

    /// The network that the file holds.
    fn network(&self) -> QuantizedNetwork {
        let mut network = bare();
        if self.range > 0.0 {
            network.activations[1].scale = self.range;
            for (layer, [input, output]) in [(0, [0, 1]), (1, [1, 2])] {
                let [input, output] = [input, output].map(|tensor| f64::from(network.activations[tensor].scale));
                let layer = &mut network.layers[layer];
                for (scale, multiplier) in layer.weight_scale.iter().zip(&mut layer.multiplier) {
                    *multiplier = multiplier_from_real(input * f64::from(*scale) / output).unwrap();
                }
            }
        }
        network
    }
}

#[test]
fn a_softmax_and_uint8_input_and_output_are_read() {
    let scale = committed().activations[0].scale;
    let logits = committed().activations[5];
    let (uint8, of_logits) = (TensorType::UINT8, i64::from(logits.zero_point) + 128);
    for file in [
        Wrapped { softmax: true, ..PLAIN },
        Wrapped { input: Some((uint8, scale, 0)), ..PLAIN },
        Wrapped { input: Some((uint8, scale, 0)), output: Some((uint8, logits.scale, of_logits)), ..PLAIN },
        Wrapped { input: Some((uint8, scale, 0)), softmax: true, output: Some((uint8, 1.0 / 256.0, 0)), ..PLAIN },
    ] {
        let read = decode_tflite(&file.file()).unwrap();
        assert_eq!(QuantizedNetwork::from(&read.model().unwrap()), bare());
    }
    for (file, expected) in [
        (Wrapped { input: Some((uint8, scale, 3)), ..PLAIN }, "\"outer\") has the scale"),
        (Wrapped { input: Some((uint8, 2.0 * scale, 0)), ..PLAIN }, "as the uint8 form of an int8 tensor it must have"),
        (Wrapped { output: Some((uint8, 1.0, 0)), ..PLAIN }, "\"output\") has the scale 1"),
        (Wrapped { input: Some((TensorType::INT16, scale, 0)), ..PLAIN }, "is INT16; it must be FLOAT32 or UINT8"),
    ] {
        let message = refusal(&file.file());
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn relu6_is_read_where_int8_ends_below_6_too() {
    let relu6 = ActivationFunctionType::RELU6;
    for range in [5.9f32, 6.0] {
        let file = Wrapped { activation: relu6, range: range / 255.0, ..PLAIN };
        let read = decode_tflite(&file.file()).unwrap();
        assert_eq!(QuantizedNetwork::from(&read.model().unwrap()), file.network());
    }
    let message = refusal(&Wrapped { activation: relu6, range: 6.1 / 255.0, ..PLAIN }.file());
    assert!(message.contains("RELU6") && message.contains("a range up to 6.10, beyond 6"), "{message}");
    let message = refusal(&Wrapped { activation: ActivationFunctionType::TANH, ..PLAIN }.file());
    assert!(message.contains("ends in TANH"), "{message}");
}

#[test]
fn networks_that_are_not_in_int8_are_named_with_the_missing_option() {
    for (input, weights, half, kind, option) in [
        (TensorType::FLOAT32, TensorType::FLOAT32, false, "network in float", "converter.optimizations"),
        (TensorType::FLOAT32, TensorType::INT8, false, "dynamic-range", "converter.representative_dataset is missing"),
        (TensorType::FLOAT32, TensorType::FLOAT32, true, "with float16 weights", "representative_dataset"),
        (TensorType::INT16, TensorType::INT8, false, "16-bit activations", "target_spec.supported_ops"),
        (TensorType::UINT8, TensorType::UINT8, false, "uint8, as TensorFlow 1 did", "TensorFlow 2"),
    ] {
        let mut writer = Writer::new(10);
        let pixels = writer.other_activation("image", &[1, 28, 28, 1], input, 1.0, 0);
        let kernel = writer.other_activation("kernel", &[6, 5, 5, 1], weights, 1.0, 0);
        let output = writer.other_activation("conv1", &[1, 24, 24, 6], input, 1.0, 0);
        for _ in 0..if half { 2 } else { 0 } {
            let stored = writer.other_activation("stored", &[6, 5, 5, 1], TensorType::FLOAT16, 1.0, 0);
            writer.bare_operator(BuiltinOperator::DEQUANTIZE, &stored, &kernel);
        }
        writer.bare_operator_of(BuiltinOperator::CONV_2D, &[&pixels, &kernel], &output);
        let message = refusal(&writer.finish(&pixels, &output, None));
        assert!(message.contains(kind) && message.contains(option), "{message}");
    }
}
