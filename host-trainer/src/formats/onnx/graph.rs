//! Builds an ONNX graph node by node.

use lenet_core::Pool;

use super::messages::{
    AttributeProto, Dimension, GraphProto, NodeProto, TensorProto, TensorShapeProto, TensorType, TypeProto,
    ValueInfoProto,
};

/// A graph under construction. Adding a node or constant returns the name of its output.
#[derive(Default)]
pub(super) struct Graph {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Graph {
    /// Adds an f32 constant.
    pub(super) fn floats(&mut self, name: &str, shape: &[usize], values: impl IntoIterator<Item = f32>) -> String {
        let bytes = values.into_iter().flat_map(f32::to_le_bytes).collect();
        self.constant(name, TensorProto::FLOAT, shape, bytes)
    }

    /// Adds an i8 constant.
    pub(super) fn int8(&mut self, name: &str, shape: &[usize], values: impl IntoIterator<Item = i8>) -> String {
        let bytes = values.into_iter().flat_map(i8::to_le_bytes).collect();
        self.constant(name, TensorProto::INT8, shape, bytes)
    }

    /// Adds an i32 constant.
    pub(super) fn int32(&mut self, name: &str, shape: &[usize], values: impl IntoIterator<Item = i32>) -> String {
        let bytes = values.into_iter().flat_map(i32::to_le_bytes).collect();
        self.constant(name, TensorProto::INT32, shape, bytes)
    }

    fn constant(&mut self, name: &str, data_type: i32, shape: &[usize], raw_data: Vec<u8>) -> String {
        self.constants.push(TensorProto {
            dims: shape.iter().map(|length| *length as i64).collect(),
            data_type: Some(data_type),
            name: Some(name.into()),
            raw_data: Some(raw_data),
            ..TensorProto::default()
        });
        name.into()
    }

    /// Adds an operation whose output is called `name`.
    pub(super) fn node(&mut self, operator: &str, inputs: &[&str], name: &str, attributes: &[Attribute]) -> String {
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|input| (*input).to_owned()).collect(),
            output: vec![name.into()],
            name: Some(name.into()),
            op_type: Some(operator.into()),
            attribute: attributes.iter().map(Attribute::message).collect(),
        });
        name.into()
    }

    /// Adds a pool of 2 x 2 windows.
    pub(super) fn pool(&mut self, pool: Pool, input: &str, name: &str) -> String {
        let operator = match pool {
            Pool::Average => "AveragePool",
            Pool::Maximum => "MaxPool",
        };
        self.node(operator, &[input], name, &[("kernel_shape", &[2, 2][..]).into(), ("strides", &[2, 2][..]).into()])
    }

    /// The finished graph from images, `[N, 1, 28, 28]`, to logits, `[N, classes]`.
    pub(super) fn finish(self, name: &str, input: &str, output: &str, classes: usize) -> GraphProto {
        GraphProto {
            node: self.nodes,
            name: Some(name.into()),
            initializer: self.constants,
            doc_string: Some(
                "input: pixel / 255, background 0 and full ink 1; output: one logit for each class".into(),
            ),
            input: vec![value(input, &[1, 28, 28])],
            output: vec![value(output, &[classes as i64])],
        }
    }
}

/// An f32 tensor whose first axis, the batch, has any length.
fn value(name: &str, shape: &[i64]) -> ValueInfoProto {
    let fixed = shape.iter().map(|length| Dimension { dim_value: Some(*length), dim_param: None });
    let free = Dimension { dim_value: None, dim_param: Some("N".into()) };
    let shape = TensorShapeProto { dim: std::iter::once(free).chain(fixed).collect() };
    let tensor = TensorType { elem_type: Some(TensorProto::FLOAT), shape: Some(shape) };
    ValueInfoProto { name: Some(name.into()), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}

/// An attribute of a node.
pub(super) enum Attribute {
    /// One integer.
    One(&'static str, i64),
    /// A list of integers.
    Several(&'static str, Vec<i64>),
}

impl From<(&'static str, i64)> for Attribute {
    fn from((name, value): (&'static str, i64)) -> Self {
        Self::One(name, value)
    }
}

impl From<(&'static str, &[i64])> for Attribute {
    fn from((name, values): (&'static str, &[i64])) -> Self {
        Self::Several(name, values.to_vec())
    }
}

impl Attribute {
    fn message(&self) -> AttributeProto {
        match self {
            Self::One(name, value) => AttributeProto {
                name: Some((*name).into()),
                i: Some(*value),
                kind: Some(AttributeProto::INT),
                ..AttributeProto::default()
            },
            Self::Several(name, values) => AttributeProto {
                name: Some((*name).into()),
                ints: values.clone(),
                kind: Some(AttributeProto::INTS),
                ..AttributeProto::default()
            },
        }
    }
}
