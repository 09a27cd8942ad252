//! ONNX files: the float network, and the int8 network in QDQ form.
//!
//! In QDQ form (quantize, dequantize) every activation passes through `QuantizeLinear` and `DequantizeLinear`, int8
//! weights and int32 biases through `DequantizeLinear`, and runtimes fuse them with the float operators in between into
//! integer kernels. The file has the weights, scales and zero points of the `.lenet` file but not its arithmetic: ONNX
//! rounds ties to even, and runtimes requantize and average in float. The logits are therefore close, but not
//! bit-identical; `tests/interop/run` measures how close.

mod chain;
mod constants;
mod graph;
mod messages;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use lenet_core::architecture::KERNEL_SIDE;
use lenet_core::format::Description;
use lenet_core::quantization::Quantization;
use lenet_core::{Layer, Pool};
use prost::Message;

pub(super) use read::is_onnx;
pub use read::{OnnxNetwork, decode_onnx};

use super::FloatFile;
use super::float_file::{class_entries, preparation_entry, with_facts};
use crate::TOOL;
use crate::int8::order::pytorch_order;
use crate::int8::{QuantizedLayer, QuantizedNetwork};
use crate::network::NAMES;
use graph::Graph;
use messages::{GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto};

/// The version of the operator set. 13 is the oldest that has everything needed here.
const OPSET: i64 = 17;
/// The version of the file format that goes with it.
const IR_VERSION: i64 = 8;

const KERNEL: [usize; 2] = [KERNEL_SIDE, KERNEL_SIDE];

/// Writes a float network as ONNX, with PyTorch's parameter names.
pub fn encode_onnx_float(file: &FloatFile) -> Vec<u8> {
    let (pools, arrays) = (file.network.pools, file.network.parameters.arrays());
    let mut graph = Graph::default();
    for (name, array) in NAMES.iter().zip(&arrays) {
        graph.floats(name, array.shape(), array.iter().copied());
    }
    let x = graph.node("Conv", &["input", NAMES[0], NAMES[1]], "conv1", &[]);
    let x = graph.node("Relu", &[&x], "conv1_relu", &[]);
    let x = graph.pool(pools.pool1, &x, "pool1");
    let x = graph.node("Conv", &[&x, NAMES[2], NAMES[3]], "conv2", &[]);
    let x = graph.node("Relu", &[&x], "conv2_relu", &[]);
    let x = graph.pool(pools.pool2, &x, "pool2");
    let x = graph.node("Flatten", &[&x], "features", &[]);
    let x = graph.node("Gemm", &[&x, NAMES[4], NAMES[5]], "fc1", &[("transB", 1).into()]);
    let x = graph.node("Relu", &[&x], "fc1_relu", &[]);
    let x = graph.node("Gemm", &[&x, NAMES[6], NAMES[7]], "fc2", &[("transB", 1).into()]);
    let x = graph.node("Relu", &[&x], "fc2_relu", &[]);
    graph.node("Gemm", &[&x, NAMES[8], NAMES[9]], "logits", &[("transB", 1).into()]);
    encode(
        graph.finish("LeNet-5", "input", "logits", file.network.classes.count()),
        with_facts(&file.entries(), &file.network),
    )
}

/// Writes an int8 network as ONNX in QDQ form.
pub fn encode_onnx_int8(network: &QuantizedNetwork, description: &Description<'_>) -> Vec<u8> {
    let mut int8 = Int8 { graph: Graph::default(), network };
    let x = int8.requantize("input", "input", 0);
    let x = int8.convolve(&x, Layer::Conv1, network.pools.pool1, "pool1");
    let x = int8.convolve(&x, Layer::Conv2, network.pools.pool2, "pool2");
    let x = int8.graph.node("Flatten", &[&x], "features", &[]);
    let x = int8.connect(&x, Layer::Fc1);
    let x = int8.connect(&x, Layer::Fc2);
    let output = int8.connect(&x, Layer::Fc3);
    let metadata = [
        ("data", Some(description.data_set.to_owned())),
        ("float_accuracy", description.float_accuracy.map(|x| x.to_string())),
        ("int8_accuracy", description.int8_accuracy.map(|x| x.to_string())),
        ("seed", description.seed.map(|x| x.to_string())),
        ("tool", Some(description.tool.to_owned())),
    ];
    let metadata = metadata.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    let metadata = metadata
        .chain(class_entries(&network.classes, network.none_of_these))
        .chain(preparation_entry(network.preparation))
        .collect();
    encode(int8.graph.finish("LeNet-5 int8", "input", &output, network.classes.count()), metadata)
}

/// `metadata` is sorted, so that the same network gives the same bytes.
fn encode(graph: GraphProto, metadata: BTreeMap<String, String>) -> Vec<u8> {
    let (name, version) = TOOL.split_once(' ').unwrap_or((TOOL, ""));
    let entry = |(key, value)| StringStringEntryProto { key: Some(key), value: Some(value) };
    let model = ModelProto {
        ir_version: Some(IR_VERSION),
        producer_name: Some(name.into()),
        producer_version: Some(version.into()),
        doc_string: Some("LeNet-5 for 28 x 28 grey images".into()),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
        metadata_props: metadata.into_iter().map(entry).collect(),
    };
    model.encode_to_vec()
}

/// The graph of an int8 network, under construction.
struct Int8<'a> {
    graph: Graph,
    network: &'a QuantizedNetwork,
}

impl Int8<'_> {
    /// Quantizes `x` with a tensor's scale and zero point, and dequantizes it again. `tensor` is the index in
    /// [`lenet_core::Tensor::ALL`].
    fn requantize(&mut self, x: &str, name: &str, tensor: usize) -> String {
        let Quantization { scale, zero_point } = self.network.activations[tensor];
        let scale = self.graph.floats(&format!("{name}_scale"), &[], [scale]);
        let zero_point = self.graph.int8(&format!("{name}_zero_point"), &[], [zero_point]);
        let q = self.graph.node("QuantizeLinear", &[x, &scale, &zero_point], &format!("{name}_int8"), &[]);
        self.graph.node("DequantizeLinear", &[&q, &scale, &zero_point], &format!("{name}_real"), &[])
    }

    fn parameters(&mut self, layer: Layer, shape: &[usize]) -> [String; 2] {
        let QuantizedLayer { bias, weight_scale, weights, .. } = &self.network.layers[layer as usize];
        let input_scale = self.network.activations[layer as usize].scale;
        let name = layer.to_string();
        let scale = self.graph.floats(&format!("{name}_weight_scale"), &shape[..1], weight_scale.iter().copied());
        let weight = self.graph.int8(&format!("{name}_weight_int8"), shape, pytorch_order(layer, weights));
        let bias_scale = weight_scale.iter().map(|scale| (f64::from(input_scale) * f64::from(*scale)) as f32);
        let bias_scale = self.graph.floats(&format!("{name}_bias_scale"), &shape[..1], bias_scale);
        let bias = self.graph.int32(&format!("{name}_bias_int32"), &shape[..1], bias.iter().copied());
        let axis = [("axis", 0).into()];
        [
            self.graph.node("DequantizeLinear", &[&weight, &scale], &format!("{name}_weight"), &axis),
            self.graph.node("DequantizeLinear", &[&bias, &bias_scale], &format!("{name}_bias"), &axis),
        ]
    }

    fn outputs(&self, layer: Layer) -> usize {
        self.network.layers[layer as usize].bias.len()
    }

    /// A convolution with ReLU, followed by its pool.
    fn convolve(&mut self, x: &str, layer: Layer, pool: Pool, pool_name: &str) -> String {
        let inputs = layer.weights_per_output() / KERNEL.iter().product::<usize>();
        let [weight, bias] = self.parameters(layer, &[self.outputs(layer), inputs, KERNEL[0], KERNEL[1]]);
        let (name, tensor) = (layer.to_string(), layer as usize + 1);
        let x = self.graph.node("Conv", &[x, &weight, &bias], &name, &[]);
        let x = self.graph.node("Relu", &[&x], &format!("{name}_relu"), &[]);
        let x = self.requantize(&x, &name, tensor);
        let x = self.graph.pool(pool, &x, pool_name);
        self.requantize(&x, pool_name, tensor)
    }

    /// A fully connected layer, with ReLU unless it is the last one.
    fn connect(&mut self, x: &str, layer: Layer) -> String {
        let [weight, bias] = self.parameters(layer, &[self.outputs(layer), layer.weights_per_output()]);
        let name = layer.to_string();
        let mut x = self.graph.node("Gemm", &[x, &weight, &bias], &name, &[("transB", 1).into()]);
        if layer != Layer::Fc3 {
            x = self.graph.node("Relu", &[&x], &format!("{name}_relu"), &[]);
        }
        self.requantize(&x, &name, layer as usize + 1)
    }
}
