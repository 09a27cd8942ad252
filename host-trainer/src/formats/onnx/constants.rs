//! The constants of a graph: initializers, `Constant` nodes, and what is computed from them before anything else.

use std::collections::HashMap;

use super::messages::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// Reads a file beside the ONNX file.
pub(super) type Beside<'b> = &'b dyn Fn(&str) -> Result<Vec<u8>, String>;

/// More values than any tensor of the network has: fc1 has 30,720 weights.
const MAX_VALUES: usize = 1 << 16;

/// Nodes between a constant and its use that are followed.
const MAX_DERIVED: usize = 8;

/// An array of numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Array<T> {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<T>,
}

impl<T: Copy> Array<T> {
    /// With rows and columns exchanged; `None` if it is not a matrix.
    pub(super) fn transposed(&self) -> Option<Self> {
        let [rows, columns] = self.shape[..] else { return None };
        let values = (0..rows * columns).map(|place| self.values[place % rows * columns + place / rows]).collect();
        Some(Self { shape: vec![columns, rows], values })
    }
}

/// The constants of a graph, by name.
pub(super) struct Constants<'a> {
    tensors: HashMap<&'a str, &'a TensorProto>,
    /// Nodes whose only input is a constant, by the name of their output.
    derived: HashMap<&'a str, &'a NodeProto>,
    /// What each external file holds.
    files: HashMap<String, Vec<u8>>,
}

impl<'a> Constants<'a> {
    pub(super) fn of(graph: &'a GraphProto, beside: Beside<'_>) -> Result<Self, String> {
        let mut constants = Self { tensors: HashMap::new(), derived: HashMap::new(), files: HashMap::new() };
        for tensor in &graph.initializer {
            constants.tensors.extend(tensor.name.as_deref().map(|name| (name, tensor)));
        }
        for node in &graph.node {
            let [output] = node.output.as_slice() else { continue };
            if operator(node) == "Constant" {
                constants
                    .tensors
                    .extend(attribute(node, "value").and_then(|a| a.t.as_ref()).map(|t| (output.as_str(), t)));
            } else if node.input.first().is_some_and(|input| constants.has(input)) && !is_layer(node) {
                constants.derived.insert(output, node);
            }
        }
        for tensor in constants.tensors.values() {
            if let Some(location) = location(tensor)
                && !constants.files.contains_key(location)
            {
                let bytes = beside(location)?;
                constants.files.insert(location.to_owned(), bytes);
            }
        }
        Ok(constants)
    }

    /// Whether a name is that of a constant, or of something computed from one.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name) || self.derived.contains_key(name)
    }

    /// The node that computes this name from a constant.
    pub(super) fn derived(&self, name: &str) -> Option<&'a NodeProto> {
        self.derived.get(name).copied()
    }

    /// Numbers in floating point. `Identity` and `Transpose` of a matrix are followed.
    pub(super) fn floats(&self, name: &str) -> Result<Array<f32>, String> {
        let (mut source, mut transposed) = (name, false);
        // Nodes may form a circle, so only a few are followed.
        for _ in 0..MAX_DERIVED {
            let Some(node) = self.derived(source) else { break };
            transposed ^= match operator(node) {
                "Identity" => false,
                "Transpose" => true,
                _ => return Err(not_constant(name)),
            };
            source = node.input.first().ok_or_else(|| not_constant(name))?;
        }
        let array = self.plain_floats(source)?;
        if transposed { array.transposed().ok_or_else(|| not_constant(name)) } else { Ok(array) }
    }

    fn plain_floats(&self, name: &str) -> Result<Array<f32>, String> {
        let (tensor, shape) = self.tensor(name, TensorProto::FLOAT)?;
        let values = if tensor.float_data.is_empty() {
            self.bytes(tensor)?.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        } else {
            tensor.float_data.clone()
        };
        checked(name, shape, values)
    }

    /// 8-bit integers.
    pub(super) fn int8(&self, name: &str) -> Result<Array<i8>, String> {
        let (tensor, shape) = self.tensor(name, TensorProto::INT8)?;
        let values = if tensor.int32_data.is_empty() {
            self.bytes(tensor)?.iter().map(|byte| *byte as i8).collect()
        } else {
            tensor.int32_data.iter().map(|value| *value as i8).collect()
        };
        checked(name, shape, values)
    }

    /// 32-bit integers.
    pub(super) fn int32(&self, name: &str) -> Result<Array<i32>, String> {
        let (tensor, shape) = self.tensor(name, TensorProto::INT32)?;
        let values = if tensor.int32_data.is_empty() {
            self.bytes(tensor)?.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect()
        } else {
            tensor.int32_data.clone()
        };
        checked(name, shape, values)
    }

    fn tensor(&self, name: &str, data_type: i32) -> Result<(&'a TensorProto, Vec<usize>), String> {
        let tensor = self.tensors.get(name).copied().ok_or_else(|| not_constant(name))?;
        if tensor.data_type != Some(data_type) {
            return Err(format!(
                "its constant {} has the ONNX type {}; {data_type} is needed (1 is float32, 3 int8, 6 int32)",
                short(name),
                tensor.data_type.unwrap_or_default()
            ));
        }
        Ok((tensor, tensor.dims.iter().map(|length| usize::try_from(*length).unwrap_or(0)).collect()))
    }

    fn bytes<'s>(&'s self, tensor: &'s TensorProto) -> Result<&'s [u8], String> {
        let Some(location) = location(tensor) else { return Ok(tensor.raw_data.as_deref().unwrap_or_default()) };
        let file = self.files.get(location).map(Vec::as_slice).unwrap_or_default();
        let entry = |key: &str| {
            let entry = tensor.external_data.iter().find(|entry| entry.key.as_deref() == Some(key));
            entry.and_then(|entry| entry.value.as_deref()?.parse::<usize>().ok())
        };
        let offset = entry("offset").unwrap_or(0);
        let end = entry("length").map_or(file.len(), |length| offset.saturating_add(length));
        file.get(offset..end).ok_or_else(|| format!("{} ends before its last weight; copy it again", short(location)))
    }
}

/// The file that a tensor's values are in, if they are in one of their own.
fn location(tensor: &TensorProto) -> Option<&str> {
    let entry = tensor.external_data.iter().find(|entry| entry.key.as_deref() == Some("location"));
    entry.and_then(|entry| entry.value.as_deref()).filter(|_| tensor.data_location == Some(TensorProto::EXTERNAL))
}

fn checked<T>(name: &str, shape: Vec<usize>, values: Vec<T>) -> Result<Array<T>, String> {
    let count = shape.iter().try_fold(1usize, |product, length| product.checked_mul(*length));
    if count == Some(values.len()) && values.len() <= MAX_VALUES {
        return Ok(Array { shape, values });
    }
    Err(format!("its constant {} has the shape {shape:?}, but {} values", short(name), values.len()))
}

fn not_constant(name: &str) -> String {
    format!("its weights {} are not a constant; export the model with constant weights", short(name))
}

pub(super) fn short(name: &str) -> String {
    super::super::named::short(name, 60)
}

/// The name of a node's operator.
pub(super) fn operator(node: &NodeProto) -> &str {
    node.op_type.as_deref().unwrap_or_default()
}

/// An attribute of a node.
pub(super) fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name.as_deref() == Some(name))
}

/// Whether a node computes with two values, so that a constant as its first input does not make it one.
fn is_layer(node: &NodeProto) -> bool {
    ["Conv", "Gemm", "MatMul", "Add", "Reshape"].contains(&operator(node))
}
