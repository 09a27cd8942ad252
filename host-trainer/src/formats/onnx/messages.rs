//! The subset of ONNX's protocol buffer messages that is used here, with the field numbers of `onnx.proto`.

use prost::Message;

/// A whole file.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ModelProto {
    /// Version of the file format.
    #[prost(int64, optional, tag = "1")]
    pub(super) ir_version: Option<i64>,
    /// Program that wrote the file.
    #[prost(string, optional, tag = "2")]
    pub(super) producer_name: Option<String>,
    /// Version of that program.
    #[prost(string, optional, tag = "3")]
    pub(super) producer_version: Option<String>,
    /// Description for people.
    #[prost(string, optional, tag = "6")]
    pub(super) doc_string: Option<String>,
    /// The network.
    #[prost(message, optional, tag = "7")]
    pub(super) graph: Option<GraphProto>,
    /// Versions of the operators.
    #[prost(message, repeated, tag = "8")]
    pub(super) opset_import: Vec<OperatorSetIdProto>,
    /// Key-value pairs.
    #[prost(message, repeated, tag = "14")]
    pub(super) metadata_props: Vec<StringStringEntryProto>,
}

/// A set of operators and its version.
#[derive(Clone, PartialEq, Message)]
pub(super) struct OperatorSetIdProto {
    /// Name of the set; empty for ONNX's own operators.
    #[prost(string, optional, tag = "1")]
    pub(super) domain: Option<String>,
    /// Version.
    #[prost(int64, optional, tag = "2")]
    pub(super) version: Option<i64>,
}

/// A key-value pair.
#[derive(Clone, PartialEq, Message)]
pub(super) struct StringStringEntryProto {
    /// Key.
    #[prost(string, optional, tag = "1")]
    pub(super) key: Option<String>,
    /// Value.
    #[prost(string, optional, tag = "2")]
    pub(super) value: Option<String>,
}

/// A network: nodes in execution order, constants, inputs and outputs.
#[derive(Clone, PartialEq, Message)]
pub(super) struct GraphProto {
    /// Nodes, in execution order.
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<NodeProto>,
    /// Name.
    #[prost(string, optional, tag = "2")]
    pub(super) name: Option<String>,
    /// Constants.
    #[prost(message, repeated, tag = "5")]
    pub(super) initializer: Vec<TensorProto>,
    /// Description for people.
    #[prost(string, optional, tag = "10")]
    pub(super) doc_string: Option<String>,
    /// Inputs.
    #[prost(message, repeated, tag = "11")]
    pub(super) input: Vec<ValueInfoProto>,
    /// Outputs.
    #[prost(message, repeated, tag = "12")]
    pub(super) output: Vec<ValueInfoProto>,
}

/// An operation in the graph.
#[derive(Clone, PartialEq, Message)]
pub(super) struct NodeProto {
    /// Names of its inputs; an empty name is an omitted optional input.
    #[prost(string, repeated, tag = "1")]
    pub(super) input: Vec<String>,
    /// Names of its outputs.
    #[prost(string, repeated, tag = "2")]
    pub(super) output: Vec<String>,
    /// Name.
    #[prost(string, optional, tag = "3")]
    pub(super) name: Option<String>,
    /// Operator.
    #[prost(string, optional, tag = "4")]
    pub(super) op_type: Option<String>,
    /// Attributes.
    #[prost(message, repeated, tag = "5")]
    pub(super) attribute: Vec<AttributeProto>,
}

/// An attribute of a node.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AttributeProto {
    /// Name.
    #[prost(string, optional, tag = "1")]
    pub(super) name: Option<String>,
    /// The number.
    #[prost(float, optional, tag = "2")]
    pub(super) f: Option<f32>,
    /// The integer.
    #[prost(int64, optional, tag = "3")]
    pub(super) i: Option<i64>,
    /// The text.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub(super) s: Option<Vec<u8>>,
    /// The tensor.
    #[prost(message, optional, tag = "5")]
    pub(super) t: Option<TensorProto>,
    /// The list of integers.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub(super) ints: Vec<i64>,
    /// Which of them it is: [`Self::INT`], [`Self::INTS`] or another.
    #[prost(int32, optional, tag = "20")]
    pub(super) kind: Option<i32>,
}

impl AttributeProto {
    /// [`kind`](Self::kind) of one integer.
    pub(super) const INT: i32 = 2;
    /// [`kind`](Self::kind) of a list of integers.
    pub(super) const INTS: i32 = 7;
}

/// A constant.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorProto {
    /// Shape.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub(super) dims: Vec<i64>,
    /// [`Self::FLOAT`], [`Self::INT8`], [`Self::INT32`] or another.
    #[prost(int32, optional, tag = "2")]
    pub(super) data_type: Option<i32>,
    /// Values, if they are f32 and not in [`raw_data`](Self::raw_data).
    #[prost(float, repeated, tag = "4")]
    pub(super) float_data: Vec<f32>,
    /// Values, if they are integers of up to 32 bits and not in [`raw_data`](Self::raw_data).
    #[prost(int32, repeated, tag = "5")]
    pub(super) int32_data: Vec<i32>,
    /// Name.
    #[prost(string, optional, tag = "8")]
    pub(super) name: Option<String>,
    /// Values in row-major order, little-endian.
    #[prost(bytes = "vec", optional, tag = "9")]
    pub(super) raw_data: Option<Vec<u8>>,
    /// Where the values are, if they are in a file of their own: `location`, `offset` and `length`.
    #[prost(message, repeated, tag = "13")]
    pub(super) external_data: Vec<StringStringEntryProto>,
    /// [`Self::EXTERNAL`] if they are in a file of their own.
    #[prost(int32, optional, tag = "14")]
    pub(super) data_location: Option<i32>,
}

impl TensorProto {
    /// Type of an f32.
    pub(super) const FLOAT: i32 = 1;
    /// Type of an i8.
    pub(super) const INT8: i32 = 3;
    /// Type of an i32.
    pub(super) const INT32: i32 = 6;
    /// [`data_location`](Self::data_location) of values in a file of their own.
    pub(super) const EXTERNAL: i32 = 1;
}

/// Name and type of an input or output.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ValueInfoProto {
    /// Name.
    #[prost(string, optional, tag = "1")]
    pub(super) name: Option<String>,
    /// Type.
    #[prost(message, optional, tag = "2")]
    pub(super) r#type: Option<TypeProto>,
}

/// A tensor's type.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TypeProto {
    /// A dense tensor, the only kind used here.
    #[prost(message, optional, tag = "1")]
    pub(super) tensor_type: Option<TensorType>,
}

/// Element type and shape.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorType {
    /// As [`TensorProto::data_type`].
    #[prost(int32, optional, tag = "1")]
    pub(super) elem_type: Option<i32>,
    /// Shape.
    #[prost(message, optional, tag = "2")]
    pub(super) shape: Option<TensorShapeProto>,
}

/// A shape.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorShapeProto {
    /// Axes.
    #[prost(message, repeated, tag = "1")]
    pub(super) dim: Vec<Dimension>,
}

/// Length of an axis: a number or a name.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Dimension {
    /// The number.
    #[prost(int64, optional, tag = "1")]
    pub(super) dim_value: Option<i64>,
    /// The name of a length that may vary.
    #[prost(string, optional, tag = "2")]
    pub(super) dim_param: Option<String>,
}
