//! Reads ONNX files of this network: the two kinds that this program writes, and what `torch.onnx.export` makes of the
//! PyTorch model.

use std::collections::HashMap;

use lenet_core::format::Description;
use lenet_core::labels::{MAX_CLASSES, MIN_CLASSES};
use lenet_core::quantization::Quantization;
use lenet_core::{Layer, Pool, Pools};
use prost::Message;

use super::chain::{Step, steps};
use super::constants::{Array, Beside, Constants, operator, short};
use super::messages::{GraphProto, ModelProto};
use crate::error::Error;
use crate::formats::float_file::{classes_in, preparation_in};
use crate::formats::{FloatFile, ModelFile};
use crate::int8::order::int8_order;
use crate::int8::{QuantizedLayer, QuantizedNetwork, is_bias_scale, multiplier_from_real};
use crate::network::Parameters;

/// A network read from an ONNX file.
#[derive(Clone, Debug)]
pub enum OnnxNetwork {
    /// In floating point.
    Float(Box<FloatFile>),
    /// In int8, from a file in QDQ form.
    Int8(ModelFile),
}

/// Whether the bytes are an ONNX file: a message that starts with the version of the format and has a graph.
pub(in crate::formats) fn is_onnx(bytes: &[u8]) -> bool {
    const VERSION_FIELD: u8 = 0x08;
    bytes.first() == Some(&VERSION_FIELD)
        && ModelProto::decode(bytes).is_ok_and(|model| model.ir_version.is_some() && model.graph.is_some())
}

/// Reads the network in an ONNX file. `beside` reads a file that lies beside it, where PyTorch's exporter puts weights.
///
/// The graph is a chain of `Conv`, `Relu`, pool, `Conv`, `Relu`, pool, and three fully connected layers with `Relu`
/// between them, each a `Gemm`, or a `MatMul` and an `Add`. A maximum pool may come before its `Relu`. Reshapes, dropouts
/// and a final softmax change no prediction and are skipped.
///
/// # Errors
/// Names the first node or constant that LeNet-5 does not have, and what it needs.
pub fn decode_onnx(bytes: &[u8], beside: &dyn Fn(&str) -> Result<Vec<u8>, String>) -> Result<OnnxNetwork, String> {
    let model = ModelProto::decode(bytes).map_err(|error| format!("damaged ONNX file ({error}); export it again"))?;
    let metadata: HashMap<String, String> = model
        .metadata_props
        .iter()
        .filter_map(|entry| Some((entry.key.clone()?, entry.value.clone().unwrap_or_default())))
        .collect();
    let graph = model.graph.ok_or("this ONNX file has no graph; export it again")?;
    let found = read(&graph, metadata, beside);
    found.map_err(|problem| {
        format!(
            "{problem}; an ONNX file is read if it is LeNet-5 as `lenet export` or torch.onnx.export writes it. Save the \
             weights instead: torch.save(model.state_dict(), \"weights.pt\")"
        )
    })
}

fn read(graph: &GraphProto, metadata: HashMap<String, String>, beside: Beside<'_>) -> Result<OnnxNetwork, String> {
    let constants = Constants::of(graph, beside)?;
    let steps = steps(graph, &constants)?;
    let layers = Layers::of(&steps)?;
    if steps.iter().any(|step| matches!(step, Step::Quantized(_))) {
        return int8(&layers, &constants, &metadata).map(OnnxNetwork::Int8);
    }
    float(&layers, &constants, metadata).map(|file| OnnxNetwork::Float(Box::new(file)))
}

/// Weights and bias of a layer, as names of constants.
struct LayerNames<'s> {
    weight: &'s str,
    bias: Option<&'s str>,
    /// Whether a row of the weight has the inputs of one output.
    by_output: bool,
}

/// What the steps of LeNet-5 have that is not the same in all files.
struct Layers<'s> {
    pools: Pools,
    names: Vec<LayerNames<'s>>,
    /// For the image and each layer, the quantization of its output; none in a float network.
    activations: [Option<Quantization>; 6],
}

impl<'s> Layers<'s> {
    fn of(steps: &'s [Step<'s>]) -> Result<Self, String> {
        let mut names = Vec::new();
        let mut pools = Vec::new();
        let mut activations = [None; 6];
        let mut shape = String::new();
        for step in steps {
            match step {
                Step::Conv { weight, bias } => {
                    shape.push('C');
                    names.push(LayerNames { weight, bias: *bias, by_output: true });
                }
                Step::Dense { weight, bias, transposed } => {
                    shape.push('D');
                    names.push(LayerNames { weight, bias: *bias, by_output: *transposed });
                }
                Step::Relu => shape.push('R'),
                Step::Pool(pool) => {
                    shape.push(if *pool == Pool::Maximum { 'M' } else { 'A' });
                    pools.push(*pool);
                }
                Step::Quantized(quantization) => match activations.get_mut(names.len()) {
                    Some(place @ None) => *place = Some(*quantization),
                    Some(Some(known)) if known == quantization => (),
                    _ => return Err("a layer's output is quantized in two ways".into()),
                },
            }
        }
        // A ReLU and a maximum can be exchanged.
        let usual = shape.replace("CMR", "CRM");
        let is_lenet = ["CRACRA", "CRACRM", "CRMCRA", "CRMCRM"].iter().any(|start| usual == format!("{start}DRDRD"));
        match pools[..] {
            [pool1, pool2] if is_lenet => Ok(Self { pools: Pools { pool1, pool2 }, names, activations }),
            _ => Err(format!(
                "its layers are {}; LeNet-5 has Conv, Relu, pool, Conv, Relu, pool, and three fully connected layers \
                 with Relu between them",
                described(&shape)
            )),
        }
    }
}

/// The steps in words.
fn described(shape: &str) -> String {
    let words: Vec<&str> = shape
        .chars()
        .map(|step| match step {
            'C' => "Conv",
            'D' => "fully connected",
            'R' => "Relu",
            'M' => "MaxPool",
            _ => "AveragePool",
        })
        .take(20)
        .collect();
    if words.is_empty() { "none".into() } else { words.join(", ") }
}

fn class_count(shape: &[usize], by_output: bool) -> Result<usize, String> {
    let classes = match (shape, by_output) {
        ([classes, _], true) | ([_, classes], false) => *classes,
        _ => 0,
    };
    if (MIN_CLASSES..=MAX_CLASSES).contains(&classes) {
        return Ok(classes);
    }
    Err(format!("fc3 has {classes} outputs; a network has {MIN_CLASSES} to {MAX_CLASSES} classes"))
}

fn float(
    layers: &Layers<'_>,
    constants: &Constants<'_>,
    mut metadata: HashMap<String, String>,
) -> Result<FloatFile, String> {
    let last = &layers.names[4];
    let classes = class_count(&constants.floats(last.weight)?.shape, last.by_output)?;
    let mut parameters = Parameters::zeros(classes);
    let shapes = Parameters::<f32>::shapes(classes);
    for (index, target) in parameters.slices_mut().into_iter().enumerate() {
        let (names, layer) = (&layers.names[index / 2], Layer::ALL[index / 2]);
        let is_bias = index % 2 == 1;
        let Some(name) = (if is_bias { names.bias } else { Some(names.weight) }) else { continue };
        let mut array = constants.floats(name)?;
        if !is_bias && !names.by_output {
            array = array.transposed().ok_or_else(|| format!("the weights of {layer} are not a matrix"))?;
        }
        if array.shape != shapes[index] {
            return Err(wrong_shape(layer, is_bias, &array.shape, &shapes[index]));
        }
        target.copy_from_slice(&array.values);
    }
    metadata.insert("pool1".into(), layers.pools.pool1.to_string());
    metadata.insert("pool2".into(), layers.pools.pool2.to_string());
    FloatFile::new(parameters, metadata, None)
}

fn wrong_shape(layer: Layer, is_bias: bool, found: &[usize], needed: &[usize]) -> String {
    let what = if is_bias { "biases" } else { "weights" };
    format!("the {what} of {layer} have the shape {found:?}; LeNet-5 needs {needed:?}")
}

fn int8(
    layers: &Layers<'_>,
    constants: &Constants<'_>,
    metadata: &HashMap<String, String>,
) -> Result<ModelFile, String> {
    let mut activations = [Quantization { scale: 1.0, zero_point: 0 }; 6];
    for (place, found) in activations.iter_mut().zip(layers.activations) {
        *place = found.ok_or("some of its layers are quantized and some are not")?;
    }
    let (weights, _) = dequantized(constants, layers.names[4].weight)?;
    let classes = class_count(&constants.int8(weights)?.shape, layers.names[4].by_output)?;
    let shapes = Parameters::<f32>::shapes(classes);
    let mut read = Vec::new();
    for (index, (layer, names)) in Layer::ALL.into_iter().zip(&layers.names).enumerate() {
        let (weights, scales) = dequantized(constants, names.weight)?;
        let (weights, scales) = (constants.int8(weights)?, constants.floats(scales)?);
        if !names.by_output || weights.shape != shapes[2 * index] {
            return Err(wrong_shape(layer, false, &weights.shape, &shapes[2 * index]));
        }
        let outputs = shapes[2 * index + 1][0];
        let weight_scale = per_channel(&scales, outputs, layer)?;
        let bias = match names.bias {
            None => vec![0; outputs],
            Some(name) => bias(constants, name, layer, activations[index].scale, &weight_scale)?,
        };
        let multiplier = weight_scale.iter().enumerate().map(|(channel, scale)| {
            let [input, output] = [activations[index], activations[index + 1]].map(|tensor| f64::from(tensor.scale));
            multiplier_from_real(input * f64::from(*scale) / output)
                .ok_or_else(|| format!("the multiplier of {layer} channel {channel} is not below 1"))
        });
        let multiplier = multiplier.collect::<Result<_, String>>()?;
        read.push(QuantizedLayer { bias, multiplier, weight_scale, weights: int8_order(layer, &weights.values) });
    }
    let (classes, none_of_these) = classes_in(metadata, classes)?;
    let network = QuantizedNetwork {
        classes,
        none_of_these,
        preparation: preparation_in(metadata)?,
        pools: layers.pools,
        activations,
        layers: read.try_into().map_err(|_| "it does not have five layers")?,
    };
    let number = |key: &str| metadata.get(key).and_then(|value| value.parse().ok());
    let description = Description {
        data_set: metadata.get("data").map_or("", String::as_str),
        float_accuracy: number("float_accuracy"),
        int8_accuracy: number("int8_accuracy"),
        seed: metadata.get("seed").and_then(|seed| seed.parse().ok()),
        tool: metadata.get("tool").map_or(crate::TOOL, String::as_str),
    };
    network.encode(&description).map_err(|error| match error {
        Error::Quantize(problem) => problem,
        other => other.to_string(),
    })
}

/// The integers and the scales of a `DequantizeLinear` of constants.
fn dequantized<'a>(constants: &Constants<'a>, name: &str) -> Result<(&'a str, &'a str), String> {
    let node = constants.derived(name).filter(|node| operator(node) == "DequantizeLinear");
    match node.map(|node| node.input.as_slice()) {
        // A zero point would have to be 0, which is what its absence means.
        Some([integers, scales]) => Ok((integers, scales)),
        _ => Err(format!("{} is not dequantized from integers with the zero point 0", short(name))),
    }
}

fn per_channel(scales: &Array<f32>, outputs: usize, layer: Layer) -> Result<Vec<f32>, String> {
    match scales.values.as_slice() {
        [scale] => Ok(vec![*scale; outputs]),
        all if all.len() == outputs => Ok(all.to_vec()),
        all => Err(format!("{layer} has {} weight scales; 1 or {outputs} are needed", all.len())),
    }
}

fn bias(
    constants: &Constants<'_>,
    name: &str,
    layer: Layer,
    input_scale: f32,
    weight_scales: &[f32],
) -> Result<Vec<i32>, String> {
    let (integers, scales) = dequantized(constants, name)?;
    let (integers, scales) = (constants.int32(integers)?, constants.floats(scales)?);
    if integers.shape != [weight_scales.len()] {
        return Err(wrong_shape(layer, true, &integers.shape, &[weight_scales.len()]));
    }
    for (channel, (found, weight)) in
        per_channel(&scales, weight_scales.len(), layer)?.iter().zip(weight_scales).enumerate()
    {
        let needed = f64::from(input_scale) * f64::from(*weight);
        if !is_bias_scale(*found, needed) {
            return Err(format!(
                "the bias of {layer} has the scale {found:e} in channel {channel}; it must be the product of the scales \
                 of input and weights, {needed:e}"
            ));
        }
    }
    Ok(integers.values)
}
