use lenet_core::architecture::{CONV1_CHANNELS, CONV2_CHANNELS, IMAGE_SIDE, Layer, POOL1_SIDE, POOL2_SIDE};
use lenet_core::format::Description;
use lenet_core::labels::{MAX_CLASSES, MIN_CLASSES};
use lenet_core::preparation::Preparation;
use lenet_core::{Pool, Pools};

use super::chain::{Chain, cannot_hold};
use super::graph::{Graph, Step, operator_name};
use super::schema_generated::{BuiltinOperator, TensorType};
use super::{DESCRIPTION, LABELS, NONE_OF_THESE, PREPARATION};
use crate::classes::Classes;
use crate::error::Error;
use crate::formats::ModelFile;
use crate::int8::QuantizedNetwork;

/// Reads the int8 network in a `.tflite` file that [`encode_tflite`](super::encode_tflite) or TFLite's converter wrote,
/// with one scale for all weights of a layer or one per output channel.
///
/// The pixels and all activations except the logits must have the zero point -128, as they do after a ReLU. The
/// following operators are skipped, since they do not change the network: any RESHAPE, which moves no value; the
/// operators that compute its shape, since the batch is one image; a QUANTIZE of float or uint8 pixels at the start; at
/// the end a SOFTMAX, which changes no prediction, and a DEQUANTIZE or a QUANTIZE to uint8. Without this program's
/// metadata, the description names only this program as the tool.
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
    let preparation = preparation(graph)?;
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
        preparation,
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

fn preparation(graph: &Graph<'_>) -> Result<Preparation, String> {
    let code = match graph.metadata(PREPARATION) {
        None => Some(0),
        Some([code]) => Some(*code),
        Some(_) => None,
    };
    let damaged = || format!("its metadata {PREPARATION} is damaged; export the file again");
    code.and_then(Preparation::from_code).ok_or_else(damaged)
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
