//! The numbers of an int8 model as JSON, for people and scripts: everything except the weights, which are in the
//! `.lenet`, C and TFLite files.

use std::io::{self, Write};

use lenet_core::Layer;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::Span;
use super::int8::{Description, Int8Summary, LayerSummary, TensorSummary, real_multipliers};
use crate::formats::ModelFile;
use crate::int8::{QuantizedLayer, QuantizedNetwork};

#[derive(Serialize)]
struct Document<'a> {
    format_version: u16,
    model_bytes: usize,
    crc32: String,
    identity: String,
    labels: Vec<String>,
    none_of_these: Option<usize>,
    preparation: String,
    description: Description,
    pool1: String,
    pool2: String,
    tensors: Vec<TensorSummary>,
    layers: Vec<LayerFields<'a>>,
}

#[derive(Serialize)]
struct LayerFields<'a> {
    name: String,
    weight_shape: Vec<usize>,
    weight: Span<i8>,
    weight_scale: &'a [f32],
    bias: &'a [i32],
    multiplier_mantissa: Vec<i32>,
    multiplier_exponent: Vec<i32>,
    multiplier: Vec<f64>,
}

/// Writes a model's scales, zero points, multipliers and biases as JSON. The fields and their order:
///
/// - `format_version`, `model_bytes`, `crc32` and `identity` (eight hex digits) of the `.lenet` file;
/// - `labels`, by class; `none_of_these`, the class that stands for anything else, or `null`; `preparation` of inputs,
///   `none` or `drawing`;
/// - `description`: `data_set`; `float_accuracy`, `int8_accuracy` (fractions) and `seed`, `null` if unknown; `tool`;
/// - `pool1`, `pool2`: `average` or `maximum`;
/// - `tensors`, from input to logits: `name`, the `scale` and `zero_point` of `real = scale * (q - zero_point)`, and
///   `real.minimum` and `real.maximum`, the real values of -128 and 127;
/// - `layers`, from conv1 to fc3: `name`, `weight_shape` (output, row, column, input, or output, input),
///   `weight.minimum` and `weight.maximum`, the lowest and highest int8 weight; and with one value per output channel
///   `weight_scale`, `bias`, `multiplier_mantissa`, `multiplier_exponent` and `multiplier`, which is
///   `multiplier_mantissa / 2^31 * 2^multiplier_exponent`.
///
/// # Errors
/// [`lenet_core::Error`] when the file is not a valid model.
pub fn encode_json(file: &ModelFile) -> Result<String, lenet_core::Error> {
    let network = QuantizedNetwork::from(&file.model()?);
    let summary = Int8Summary::new(file)?;
    let layers = summary.layers.into_iter().zip(Layer::ALL).zip(&network.layers);
    let document = Document {
        layers: layers.map(|((summary, layer), values)| layer_fields(layer, summary, values)).collect(),
        format_version: summary.format_version,
        model_bytes: summary.model_bytes,
        crc32: summary.crc32,
        identity: summary.identity,
        labels: summary.labels,
        none_of_these: summary.none_of_these,
        preparation: summary.preparation,
        description: summary.description,
        pool1: summary.pool1,
        pool2: summary.pool2,
        tensors: summary.tensors,
    };
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, OuterLines::default());
    document.serialize(&mut serializer).expect("the document has only numbers and names");
    bytes.push(b'\n');
    Ok(String::from_utf8(bytes).expect("JSON is UTF-8"))
}

fn layer_fields(layer: Layer, summary: LayerSummary, values: &QuantizedLayer) -> LayerFields<'_> {
    LayerFields {
        name: layer.to_string(),
        weight_shape: summary.weight_shape,
        weight: summary.weight,
        weight_scale: &values.weight_scale,
        bias: &values.bias,
        multiplier_mantissa: values.multiplier.iter().map(|multiplier| multiplier.mantissa).collect(),
        multiplier_exponent: values.multiplier.iter().map(|multiplier| multiplier.exponent).collect(),
        multiplier: real_multipliers(values).collect(),
    }
}

/// Lists and objects up to this level have one line per item; deeper ones are on one line.
const OUTER_LEVELS: usize = 3;

/// Formats JSON so that people can read it: a list of numbers takes one line.
#[derive(Default)]
struct OuterLines {
    level: usize,
}

impl OuterLines {
    fn open(&mut self, writer: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.level += 1;
        writer.write_all(bracket)
    }

    fn close(&mut self, writer: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        if self.level <= OUTER_LEVELS {
            write!(writer, "\n{:indent$}", "", indent = 2 * (self.level - 1))?;
        }
        self.level -= 1;
        writer.write_all(bracket)
    }

    fn separate(&self, writer: &mut (impl Write + ?Sized), first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        match (self.level <= OUTER_LEVELS, first) {
            (true, _) => write!(writer, "\n{:indent$}", "", indent = 2 * self.level),
            (false, true) => Ok(()),
            (false, false) => writer.write_all(b" "),
        }
    }
}

impl Formatter for OuterLines {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.separate(writer, first)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.separate(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}
