use lenet_core::Layer;
use prost::Message;

use super::messages::{GraphProto, ModelProto, TensorProto};
use super::*;
use crate::classes::Classes;
use crate::formats::{ModelFile, decode_safetensors};
use crate::network::{Network, Parameters};

const FLOAT: &[u8] = include_bytes!("../../../../data/digits-10k/digits-10k.safetensors");
const INT8: &[u8] = include_bytes!("../../../../data/digits-10k/digits-10k.lenet");

fn graph(bytes: &[u8]) -> GraphProto {
    ModelProto::decode(bytes).unwrap().graph.unwrap()
}

fn constant<'a>(graph: &'a GraphProto, name: &str) -> &'a TensorProto {
    graph.initializer.iter().find(|tensor| tensor.name.as_deref() == Some(name)).unwrap()
}

fn floats(tensor: &TensorProto) -> Vec<f32> {
    assert_eq!(tensor.data_type, Some(TensorProto::FLOAT));
    let bytes = tensor.raw_data.as_ref().unwrap();
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// Every input of a node must be a graph input, a constant or the output of an earlier node, and names must be unique.
fn check_order(graph: &GraphProto) {
    let mut known: Vec<&str> = graph.input.iter().chain(&graph.output[..0]).filter_map(|v| v.name.as_deref()).collect();
    known.extend(graph.initializer.iter().filter_map(|tensor| tensor.name.as_deref()));
    for node in &graph.node {
        assert!(node.input.iter().all(|input| known.contains(&input.as_str())), "{:?}", node.name);
        assert!(!known.contains(&node.output[0].as_str()), "{:?}", node.output);
        known.push(&node.output[0]);
    }
    assert!(known.contains(&graph.output[0].name.as_deref().unwrap()));
    for tensor in &graph.initializer {
        let values: i64 = tensor.dims.iter().product();
        let width = if tensor.data_type == Some(TensorProto::INT8) { 1 } else { 4 };
        assert_eq!(tensor.raw_data.as_ref().unwrap().len() as i64, values * width, "{:?}", tensor.name);
    }
}

#[test]
fn the_float_file_holds_the_network() {
    let file = decode_safetensors(FLOAT).unwrap();
    let bytes = encode_onnx_float(&file);
    assert_eq!(bytes, encode_onnx_float(&file));
    let graph = graph(&bytes);
    check_order(&graph);
    let mut parameters = Parameters::zeros(10);
    for (target, name) in parameters.slices_mut().into_iter().zip(NAMES) {
        target.copy_from_slice(&floats(constant(&graph, name)));
    }
    assert_eq!(Network { parameters, ..file.network.clone() }, file.network);
}

#[test]
fn a_float_file_has_the_shapes_and_labels_of_its_classes() {
    let labels = vec!["A".to_owned(), "B".to_owned(), "plus".to_owned()];
    let classes = Classes::new(&labels).unwrap();
    let network = Network { parameters: Parameters::zeros(3), pools: Default::default(), classes };
    let bytes = encode_onnx_float(&FloatFile::of(network, Default::default()));
    let model = ModelProto::decode(&*bytes).unwrap();
    let labels = model.metadata_props.iter().find(|entry| entry.key.as_deref() == Some("labels")).unwrap();
    assert_eq!(labels.value.as_deref(), Some(r#"["A","B","plus"]"#));
    let graph = graph(&bytes);
    check_order(&graph);
    assert_eq!((&constant(&graph, NAMES[8]).dims[..], &constant(&graph, NAMES[9]).dims[..]), (&[3, 84][..], &[3][..]));
    let shape = graph.output[0].r#type.as_ref().unwrap().tensor_type.as_ref().unwrap().shape.as_ref().unwrap();
    assert_eq!(shape.dim[1].dim_value, Some(3));
}

#[test]
fn an_int8_file_has_labels_that_are_more_than_numbers() {
    let file = ModelFile::new(INT8);
    let mut network = QuantizedNetwork::from(&file.model().unwrap());
    let labels = |network: &QuantizedNetwork| {
        let model = ModelProto::decode(&*encode_onnx_int8(network, &Default::default())).unwrap();
        model
            .metadata_props
            .into_iter()
            .find(|entry| entry.key.as_deref() == Some("labels"))
            .and_then(|entry| entry.value)
    };
    assert_eq!(labels(&network), None);
    network.classes = Classes::new(('A'..='J').map(String::from)).unwrap();
    assert_eq!(labels(&network).as_deref(), Some(r#"["A","B","C","D","E","F","G","H","I","J"]"#));
}

#[test]
fn int8_weights_are_in_pytorchs_order_and_within_a_step_of_the_float_weights() {
    let file = ModelFile::new(INT8);
    let model = file.model().unwrap();
    let bytes = encode_onnx_int8(&QuantizedNetwork::from(&model), &model.description());
    let graph = graph(&bytes);
    check_order(&graph);
    let real = decode_safetensors(FLOAT).unwrap().network.parameters;
    for (layer, real) in Layer::ALL.into_iter().zip(real.arrays().into_iter().step_by(2)) {
        let weight = constant(&graph, &format!("{layer}_weight_int8"));
        assert_eq!(weight.dims, real.shape().iter().map(|length| *length as i64).collect::<Vec<_>>());
        let scales = floats(constant(&graph, &format!("{layer}_weight_scale")));
        let steps = weight.raw_data.as_ref().unwrap();
        for (index, (step, real)) in steps.iter().zip(real.iter()).enumerate() {
            let scale = scales[index / layer.weights_per_output()];
            let dequantized = scale * f32::from(*step as i8);
            assert!((dequantized - real).abs() <= 1.001 * scale, "{layer} {index}: {dequantized} for {real}");
        }
    }
    let operators: Vec<&str> = graph.node.iter().filter_map(|node| node.op_type.as_deref()).collect();
    for (operator, count) in [("QuantizeLinear", 8), ("DequantizeLinear", 18), ("AveragePool", 1), ("MaxPool", 1)] {
        assert_eq!(operators.iter().filter(|found| **found == operator).count(), count, "{operator}");
    }
}

#[test]
fn the_int8_file_holds_the_models_own_numbers() {
    let file = ModelFile::new(INT8);
    let model = file.model().unwrap();
    let network = QuantizedNetwork::from(&model);
    let graph = graph(&encode_onnx_int8(&network, &model.description()));
    let scale_of = |name: &str| floats(constant(&graph, &format!("{name}_scale")))[0];
    for (tensor, name) in ["input", "conv1", "conv2", "fc1", "fc2", "fc3"].into_iter().enumerate() {
        assert_eq!(scale_of(name), network.activations[tensor].scale, "{name}");
        let zero_point = constant(&graph, &format!("{name}_zero_point"));
        assert_eq!(zero_point.data_type, Some(TensorProto::INT8));
        assert_eq!(zero_point.raw_data, Some(network.activations[tensor].zero_point.to_le_bytes().to_vec()), "{name}");
    }
    for (index, layer) in Layer::ALL.into_iter().enumerate() {
        let QuantizedLayer { bias, weight_scale, .. } = &network.layers[index];
        let held = constant(&graph, &format!("{layer}_bias_int32"));
        assert_eq!(held.data_type, Some(TensorProto::INT32));
        assert_eq!(held.raw_data, Some(bias.iter().flat_map(|bias| bias.to_le_bytes()).collect()), "{layer}");
        assert_eq!(floats(constant(&graph, &format!("{layer}_weight_scale"))), weight_scale.to_vec(), "{layer}");
        let input = f64::from(network.activations[index].scale);
        for (held, weight) in floats(constant(&graph, &format!("{layer}_bias_scale"))).into_iter().zip(weight_scale) {
            assert_eq!(held, (input * f64::from(*weight)) as f32, "{layer}");
        }
    }
    // OIHW from OHWI, and a column of CHW from one of HWC: output 7, channel 3 of 6 and of 16.
    let weight = |name: &str, place: usize| constant(&graph, name).raw_data.as_ref().unwrap()[place] as i8;
    let (row, column) = (2, 4);
    let conv2 = &network.layers[Layer::Conv2 as usize].weights;
    assert_eq!(
        weight("conv2_weight_int8", ((7 * 6 + 3) * 5 + row) * 5 + column),
        conv2[((7 * 5 + row) * 5 + column) * 6 + 3]
    );
    let (row, column) = (2, 1);
    let fc1 = &network.layers[Layer::Fc1 as usize].weights;
    assert_eq!(
        weight("fc1_weight_int8", 7 * 256 + (3 * 4 + row) * 4 + column),
        fc1[7 * 256 + (row * 4 + column) * 16 + 3]
    );
}
