use lenet_core::Layer;
use lenet_core::preparation::Preparation;
use prost::Message;

use super::messages::{AttributeProto, GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto};
use super::*;
use crate::classes::Classes;
use crate::formats::{ModelFile, decode_safetensors};
use crate::network::{Network, Parameters};

fn alone(name: &str) -> Result<Vec<u8>, String> {
    Err(format!("{name} is not there"))
}

fn float_of(bytes: &[u8]) -> FloatFile {
    match decode_onnx(bytes, &alone).unwrap() {
        OnnxNetwork::Float(file) => *file,
        OnnxNetwork::Int8(_) => panic!("it is in int8"),
    }
}

fn refusal(graph: GraphProto) -> String {
    let bytes = ModelProto { ir_version: Some(8), graph: Some(graph), ..Default::default() }.encode_to_vec();
    assert!(is_onnx(&bytes));
    decode_onnx(&bytes, &alone).unwrap_err()
}

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
    let network = Network {
        parameters: Parameters::zeros(3),
        pools: Default::default(),
        classes,
        none_of_these: None,
        preparation: Preparation::Drawing,
    };
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

#[test]
fn both_kinds_are_read_back() {
    let file = decode_safetensors(FLOAT).unwrap();
    let read = float_of(&encode_onnx_float(&file));
    assert_eq!((&read.network, &read.metadata, read.seed()), (&file.network, &file.metadata, file.seed()));
    for pools in [(Pool::Average, Pool::Average), (Pool::Maximum, Pool::Maximum), (Pool::Maximum, Pool::Average)] {
        let pools = lenet_core::Pools { pool1: pools.0, pool2: pools.1 };
        let network = Network { pools, ..file.network.clone() };
        let read = float_of(&encode_onnx_float(&FloatFile::of(network.clone(), Default::default())));
        assert_eq!(read.network, network);
        assert!(read.notes().is_empty(), "the graph has the pools");
    }

    let int8 = ModelFile::new(INT8);
    let model = int8.model().unwrap();
    let network = QuantizedNetwork {
        none_of_these: Some(3),
        preparation: Preparation::Drawing,
        ..QuantizedNetwork::from(&model)
    };
    match decode_onnx(&encode_onnx_int8(&network, &model.description()), &alone).unwrap() {
        OnnxNetwork::Int8(read) => {
            assert_eq!(read.bytes(), network.encode(&model.description()).unwrap().bytes());
        }
        OnnxNetwork::Float(_) => panic!("it is in float"),
    }
}

/// The graph of the committed float network.
fn committed() -> GraphProto {
    graph(&encode_onnx_float(&decode_safetensors(FLOAT).unwrap()))
}

fn node(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        input: inputs.iter().map(|input| (*input).to_owned()).collect(),
        output: vec![output.into()],
        name: Some(output.into()),
        op_type: Some(operator.into()),
        attribute: Vec::new(),
    }
}

fn read_graph(graph: GraphProto) -> Network {
    float_of(&ModelProto { ir_version: Some(8), graph: Some(graph), ..Default::default() }.encode_to_vec()).network
}

fn place(graph: &GraphProto, name: &str) -> usize {
    graph.node.iter().position(|node| node.name.as_deref() == Some(name)).unwrap()
}

/// The forms in which `torch.onnx.export` writes the same network.
#[test]
fn other_forms_of_the_same_network_are_read() {
    // A graph without metadata does not say how inputs are prepared.
    let network = Network { preparation: Preparation::AsTheyAre, ..decode_safetensors(FLOAT).unwrap().network };

    // A product and a sum, with the matrix transposed by a node or beforehand.
    let mut split = committed();
    let at = place(&split, "fc1");
    split.node[at] = node("MatMul", &["features", "turned"], "product");
    split.node.insert(at + 1, node("Add", &[NAMES[5], "product"], "fc1"));
    split.node.insert(0, node("Transpose", &[NAMES[4]], "turned"));
    assert_eq!(read_graph(split.clone()), network);
    let weight = split.initializer.iter_mut().find(|tensor| tensor.name.as_deref() == Some(NAMES[4])).unwrap();
    let values = floats(weight);
    weight.dims = vec![256, 120];
    weight.raw_data = None;
    weight.float_data = (0..values.len()).map(|place| values[place % 120 * 256 + place / 120]).collect();
    split.node.remove(0);
    let at = place(&split, "product");
    split.node[at].input[1] = NAMES[4].into();
    assert_eq!(read_graph(split), network);

    // A constant node instead of an initializer, a dropout, and a softmax at the end.
    let mut inserted = committed();
    let tensor = inserted.initializer.remove(1);
    let value = AttributeProto { name: Some("value".into()), t: Some(tensor), kind: Some(4), ..Default::default() };
    inserted.node.insert(0, NodeProto { attribute: vec![value], ..node("Constant", &[], NAMES[1]) });
    let at = place(&inserted, "fc2");
    inserted.node[at].input[0] = "dropped".into();
    inserted.node.insert(at, node("Dropout", &["fc1_relu"], "dropped"));
    inserted.node.push(node("LogSoftmax", &["logits"], "probabilities"));
    inserted.output[0].name = Some("probabilities".into());
    assert_eq!(read_graph(inserted), network);

    // The maximum before the ReLU, and a shape that is computed.
    let mut exchanged = committed();
    let (relu, pool) = (place(&exchanged, "conv2_relu"), place(&exchanged, "pool2"));
    exchanged.node[relu].op_type = Some("MaxPool".into());
    exchanged.node[relu].attribute = std::mem::take(&mut exchanged.node[pool].attribute);
    exchanged.node[pool].op_type = Some("Relu".into());
    let at = place(&exchanged, "features");
    exchanged.node[at] = node("Reshape", &["pool2", "shape"], "features");
    exchanged.node.insert(at, node("Shape", &["pool2"], "shape"));
    assert_eq!(read_graph(exchanged), network);
}

#[test]
fn weights_in_a_file_of_their_own_are_read() {
    let file = decode_safetensors(FLOAT).unwrap();
    let mut graph = committed();
    let mut data = vec![0; 3];
    for tensor in &mut graph.initializer {
        let bytes = tensor.raw_data.take().unwrap();
        let entry = |key: &str, value: String| StringStringEntryProto { key: Some(key.into()), value: Some(value) };
        tensor.external_data = vec![
            entry("location", "m.onnx.data".into()),
            entry("offset", data.len().to_string()),
            entry("length", bytes.len().to_string()),
        ];
        tensor.data_location = Some(TensorProto::EXTERNAL);
        data.extend(bytes);
    }
    let bytes = ModelProto { ir_version: Some(10), graph: Some(graph), ..Default::default() }.encode_to_vec();
    let beside = |name: &str| if name == "m.onnx.data" { Ok(data.clone()) } else { alone(name) };
    let OnnxNetwork::Float(read) = decode_onnx(&bytes, &beside).unwrap() else { panic!() };
    assert_eq!(read.network, Network { preparation: Preparation::AsTheyAre, ..file.network });
    let cut = |name: &str| beside(name).map(|data| data[..1000].to_vec());
    assert!(decode_onnx(&bytes, &cut).unwrap_err().contains("ends before its last weight"));
    assert!(decode_onnx(&bytes, &alone).unwrap_err().contains("m.onnx.data is not there"));
}

#[test]
fn other_networks_are_refused_by_name() {
    let edited = |edit: &dyn Fn(&mut GraphProto)| {
        let mut graph = committed();
        edit(&mut graph);
        refusal(graph)
    };
    let operator = |name: &'static str, operator: &'static str| {
        move |graph: &mut GraphProto| {
            let at = place(graph, name);
            graph.node[at].op_type = Some(operator.into());
        }
    };
    let attribute = |name: &'static str, key: &'static str, values: &'static [i64]| {
        move |graph: &mut GraphProto| {
            let at = place(graph, name);
            graph.node[at].attribute.retain(|attribute| attribute.name.as_deref() != Some(key));
            let (name, ints) = (Some(key.into()), values.to_vec());
            graph.node[at].attribute.push(AttributeProto { name, ints, kind: Some(7), ..Default::default() });
        }
    };
    type Edit = Box<dyn Fn(&mut GraphProto)>;
    let cases: [(Edit, &str); 10] = [
        (Box::new(operator("conv1_relu", "Tanh")), "its node conv1_relu (Tanh) is no part of LeNet-5"),
        (Box::new(operator("fc1_relu", "Identity")), "its layers are Conv, Relu, AveragePool, Conv"),
        (Box::new(attribute("conv1", "pads", &[2; 4])), "(Conv) has pads [2, 2, 2, 2]; LeNet-5 needs [0, 0, 0, 0]"),
        (Box::new(attribute("pool1", "strides", &[1, 1])), "(AveragePool) has strides [1, 1]"),
        (Box::new(|graph| graph.initializer[4].dims = vec![256, 120]), "the weights of fc1 have the shape [256, 120]"),
        (Box::new(|graph| graph.initializer[0].data_type = Some(11)), "has the ONNX type 11"),
        (Box::new(|graph| graph.initializer[0].raw_data = Some(vec![0; 8])), "but 2 values"),
        (Box::new(|graph| drop(graph.initializer.remove(8))), "are not a constant"),
        (Box::new(|graph| graph.node.truncate(3)), "0 nodes use pool1"),
        (Box::new(|graph| graph.node[2].output[0] = "input".into()), "its nodes form a circle"),
    ];
    for (edit, expected) in cases {
        let message = edited(&*edit);
        assert!(message.contains(expected) && message.contains("torch.save"), "{message}");
    }
    // Names that lead in a circle.
    let message = edited(&|graph| {
        drop(graph.initializer.remove(0));
        graph.node.insert(0, node("Identity", &["a"], NAMES[0]));
        graph.node.insert(0, node("Identity", &[NAMES[0]], "a"));
    });
    assert!(message.contains("constant") || message.contains("nodes use"), "{message}");
}
