//! Access to a verified file that cannot panic, whatever indices it has and whatever fields it lacks.

use flatbuffers::{Follow, Vector};
use lenet_core::quantization::Quantization;

use super::SCHEMA_VERSION;
use super::schema_generated::{
    BuiltinOperator, MODEL_IDENTIFIER, Model, Operator, OperatorCode, QuantizationParameters, SubGraph, Tensor,
    TensorType, root_as_model,
};

/// The only graph of a file.
pub(super) struct Graph<'a> {
    model: Model<'a>,
    graph: SubGraph<'a>,
}

impl<'a> Graph<'a> {
    /// Verifies the bytes, which can be anything.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        if bytes.get(4..8) != Some(MODEL_IDENTIFIER.as_bytes()) {
            return Err(format!("not a .tflite file: bytes 4 to 8 are not \"{MODEL_IDENTIFIER}\""));
        }
        let model = root_as_model(bytes).map_err(|error| {
            let error = error.to_string();
            let cause = error.lines().next().unwrap_or_default().trim_end_matches('.');
            format!("damaged .tflite file ({cause}); export or copy it again")
        })?;
        if model.version() != SCHEMA_VERSION {
            return Err(format!("its schema version is {}; only {SCHEMA_VERSION} is supported", model.version()));
        }
        let graphs = model.subgraphs().map_or(0, |graphs| graphs.len());
        match item(model.subgraphs(), 0) {
            Some(graph) if graphs == 1 => Ok(Self { model, graph }),
            _ => Err(format!("it has {graphs} graphs; only a file with one graph is supported")),
        }
    }

    /// The index of the only input.
    pub(super) fn input(&self) -> Result<i32, String> {
        only(self.graph.inputs()).map_err(|found| format!("its graph has {found} inputs; LeNet-5 has one, the image"))
    }

    /// The index of the only output.
    pub(super) fn output(&self) -> Result<i32, String> {
        only(self.graph.outputs())
            .map_err(|found| format!("its graph has {found} outputs; LeNet-5 has one, the logits"))
    }

    /// The operators in execution order.
    pub(super) fn steps(&self) -> Result<Vec<Step<'a>>, String> {
        let operators = self.graph.operators().into_iter().flatten().enumerate();
        let step = |(index, operator): (usize, Operator<'a>)| {
            let code = item(self.model.operator_codes(), operator.opcode_index() as usize)
                .ok_or_else(|| format!("operator {index} has no operator code"))?;
            Ok(Step { index, code: builtin(&code), operator })
        };
        operators.map(step).collect()
    }

    /// A tensor; `what` is its role in the network, for messages.
    pub(super) fn tensor(&self, index: i32, what: &str) -> Result<Found<'a>, String> {
        let tensor = usize::try_from(index).ok().and_then(|index| item(self.graph.tensors(), index));
        let tensor = tensor.ok_or_else(|| format!("{what} should be tensor {index}, but there is no such tensor"))?;
        let what = format!("{what} (tensor \"{}\")", tensor.name().unwrap_or_default());
        Ok(Found { what, tensor })
    }

    /// The data of a tensor, which must be `length` bytes.
    pub(super) fn data(&self, found: &Found<'a>, length: usize) -> Result<&'a [u8], String> {
        let data = self.buffer(found.tensor.buffer()).unwrap_or_default();
        if data.len() == length {
            Ok(data)
        } else {
            Err(format!("{} has {} bytes of data; {length} are needed", found.what, data.len()))
        }
    }

    /// The content of the metadata entry with this name, if there is one.
    pub(super) fn metadata(&self, name: &str) -> Option<&'a [u8]> {
        let mut entries = self.model.metadata().into_iter().flatten();
        let entry = entries.find(|entry| entry.name() == Some(name))?;
        Some(self.buffer(entry.buffer()).unwrap_or_default())
    }

    fn buffer(&self, index: u32) -> Option<&'a [u8]> {
        item(self.model.buffers(), index as usize)?.data().map(|data| data.bytes())
    }
}

/// An operator of the graph.
pub(super) struct Step<'a> {
    index: usize,
    /// Which operator it is.
    pub(super) code: BuiltinOperator,
    /// Its inputs, outputs and options.
    pub(super) operator: Operator<'a>,
}

impl Step<'_> {
    /// The operator's number and name, for messages.
    pub(super) fn name(&self) -> String {
        format!("operator {} ({})", self.index, operator_name(self.code))
    }

    /// The tensor index of an input; `None` when the input is omitted.
    pub(super) fn input(&self, number: usize) -> Option<i32> {
        item(self.operator.inputs(), number).filter(|index| *index >= 0)
    }

    /// The index of the only output.
    pub(super) fn output(&self) -> Result<i32, String> {
        only(self.operator.outputs()).map_err(|found| format!("{} has {found} outputs instead of one", self.name()))
    }
}

/// A tensor of the file, with its role in the network.
pub(super) struct Found<'a> {
    what: String,
    tensor: Tensor<'a>,
}

impl Found<'_> {
    /// The dimensions; a negative one counts as 0.
    pub(super) fn shape(&self) -> Vec<usize> {
        let lengths = self.tensor.shape().into_iter().flatten();
        lengths.map(|length| usize::try_from(length).unwrap_or(0)).collect()
    }

    /// The number of values in the shape; `None` on overflow.
    pub(super) fn values(&self) -> Option<usize> {
        self.shape().iter().try_fold(1, |product: usize, length| product.checked_mul(*length))
    }

    /// Fails unless the tensor has this type and shape.
    pub(super) fn expect(&self, type_: TensorType, shape: &[usize]) -> Result<(), String> {
        self.expect_type(&[type_])?;
        if self.shape() == shape {
            Ok(())
        } else {
            Err(format!("{} has shape {:?}; LeNet-5 needs {shape:?}", self.what, self.shape()))
        }
    }

    /// Fails unless the tensor has this type and this number of values, in any shape.
    pub(super) fn expect_values(&self, type_: TensorType, values: usize) -> Result<(), String> {
        self.expect_values_of(&[type_], values)
    }

    /// Fails unless the tensor has one of these types and this number of values, in any shape.
    pub(super) fn expect_values_of(&self, types: &[TensorType], values: usize) -> Result<(), String> {
        self.expect_type(types)?;
        if self.values() == Some(values) {
            Ok(())
        } else {
            Err(format!("{} has shape {:?}; LeNet-5 needs {values} values", self.what, self.shape()))
        }
    }

    fn expect_type(&self, types: &[TensorType]) -> Result<(), String> {
        let found = self.tensor.type_();
        if types.contains(&found) {
            return Ok(());
        }
        let types: Vec<String> = types.iter().map(|type_| format!("{type_:?}")).collect();
        Err(format!("{} is {found:?}; it must be {}", self.what, types.join(" or ")))
    }

    /// The type of its values.
    pub(super) fn element(&self) -> TensorType {
        self.tensor.type_()
    }

    /// The scale and zero point of an activation.
    pub(super) fn quantization(&self) -> Result<Quantization, String> {
        let (scale, zero_point) = self.scale_and_zero_point()?;
        match i8::try_from(zero_point) {
            Ok(zero_point) => Ok(Quantization { scale, zero_point }),
            Err(_) => Err(format!("{} has the zero point {zero_point}, which does not fit in int8", self.what)),
        }
    }

    /// The scale and zero point of an activation of any type.
    pub(super) fn scale_and_zero_point(&self) -> Result<(f32, i64), String> {
        let (scales, zero_points) = self.scales();
        let ([scale], [zero_point]) = (scales.as_slice(), zero_points.as_slice()) else {
            return Err(format!(
                "{} has {} scales and {} zero points; one of each is needed",
                self.what,
                scales.len(),
                zero_points.len()
            ));
        };
        // Far outside of any 8-bit type, the sum with 128 would overflow.
        Ok((*scale, (*zero_point).clamp(i64::from(i32::MIN), i64::from(i32::MAX))))
    }

    /// The scales of the `channels` in the first dimension. A single scale applies to all of them. Zero points must be
    /// 0.
    pub(super) fn channel_scales(&self, channels: usize) -> Result<Vec<f32>, String> {
        let (scales, zero_points) = self.scales();
        if let Some(found) = zero_points.iter().find(|zero_point| **zero_point != 0) {
            return Err(format!(
                "{} has the zero point {found}; it must be symmetric, with the zero point 0",
                self.what
            ));
        }
        match scales.as_slice() {
            [scale] => Ok(vec![*scale; channels]),
            _ if scales.len() != channels => {
                Err(format!("{} has {} scales; 1 or {channels} are needed", self.what, scales.len()))
            }
            _ if self.parameters().is_some_and(|parameters| parameters.quantized_dimension() != 0) => {
                Err(format!("{} has scales along a dimension that is not the output channels", self.what))
            }
            _ => Ok(scales),
        }
    }

    /// The tensor's role and name, for messages.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    fn parameters(&self) -> Option<QuantizationParameters<'_>> {
        self.tensor.quantization()
    }

    fn scales(&self) -> (Vec<f32>, Vec<i64>) {
        self.parameters().map_or_else(Default::default, |parameters| {
            let scales = parameters.scale().into_iter().flatten().collect();
            (scales, parameters.zero_point().into_iter().flatten().collect())
        })
    }
}

/// TFLite's name for an operator, or its number when it has no name here.
pub(super) fn operator_name(code: BuiltinOperator) -> String {
    code.variant_name().map_or_else(|| format!("operator code {}", code.0), str::to_owned)
}

/// Old writers set only the one-byte code. New ones set both fields, with 127 in the byte for codes that do not fit.
fn builtin(code: &OperatorCode<'_>) -> BuiltinOperator {
    code.builtin_code().max(BuiltinOperator(code.deprecated_builtin_code().into()))
}

fn item<'a, T: Follow<'a> + 'a>(vector: Option<Vector<'a, T>>, index: usize) -> Option<T::Inner> {
    vector.filter(|vector| index < vector.len()).map(|vector| vector.get(index))
}

/// The only index, or how many there are.
fn only(indices: Option<Vector<'_, i32>>) -> Result<i32, usize> {
    match indices {
        Some(indices) if indices.len() == 1 => Ok(indices.get(0)),
        other => Err(other.map_or(0, |indices| indices.len())),
    }
}
