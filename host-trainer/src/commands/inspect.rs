//! `lenet inspect`: shows what is in a network file.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::PoolArguments;
use crate::error::{Error, Result};
use crate::formats::flash::{FAMILIES, FlashImage};
use crate::formats::{FileFacts, NetworkFile};
use crate::inspection::{Bars, FloatSummary, Int8Summary, LayerSummary, Span};
use crate::numbers::{percent, thousands};

/// Width of the output, in characters.
const WIDTH: usize = 80;
/// Width of a field's name and the space after it.
const NAME_WIDTH: usize = 10;
/// What a model without packed convolutions costs, as `lenet-mcu/emulate BOARD bench` counts it.
const PLAIN_COST: &str = "4 to 10 times the instructions";

/// Arguments of `lenet inspect`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lenet inspect data/digits-10k/digits-10k.lenet
  lenet inspect runs/tutorial/model.safetensors --json")]
pub struct Arguments {
    /// Float network or int8 model, in any format that can be read.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    pools: PoolArguments,
    /// Draw with ASCII characters only.
    #[arg(long)]
    ascii: bool,
    /// Print the result as one JSON object.
    #[arg(long, conflicts_with = "ascii")]
    json: bool,
}

#[derive(Serialize)]
struct Inspected {
    kind: &'static str,
    file_bytes: u64,
    /// Where in flash the model goes, if the file says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    flash: Option<Flash>,
    #[serde(flatten)]
    summary: Summary,
}

#[derive(Serialize)]
struct Flash {
    format: &'static str,
    base: String,
    family: Option<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Summary {
    Float(FloatSummary),
    Int8(Box<Int8Summary>),
}

/// Runs the subcommand.
///
/// # Errors
/// An unreadable or invalid network.
pub fn run(arguments: &Arguments) -> Result<()> {
    let path = &arguments.file;
    let (network, FileFacts { bytes, flash }) = NetworkFile::read_with_facts(path)?;
    let network = arguments.pools.complete(path, network, false)?;
    let (kind, summary) = match network {
        NetworkFile::Float(file) => ("float", Summary::Float(FloatSummary::new(&file))),
        NetworkFile::Int8(file) => {
            ("int8", Summary::Int8(Box::new(Int8Summary::new(&file).map_err(Error::model(path))?)))
        }
    };
    let inspected = Inspected { kind, file_bytes: bytes as u64, flash: flash.as_ref().map(flash_fields), summary };
    if arguments.json {
        println!("{}", serde_json::to_string(&inspected).expect("a summary has only numbers and names"));
        return Ok(());
    }
    let bars = if arguments.ascii { Bars::Ascii } else { Bars::Blocks };
    for line in lines(path, &inspected, bars) {
        println!("{line}");
    }
    Ok(())
}

fn flash_fields(image: &FlashImage) -> Flash {
    let name = |id: u32| FAMILIES.iter().find(|(_, known)| *known == id).map(|(name, _)| (*name).to_owned());
    Flash {
        format: image.format(),
        base: format!("{:#010x}", image.base),
        family: image.family.map(|id| name(id).unwrap_or_else(|| format!("{id:#010x}"))),
    }
}

fn lines(path: &Path, inspected: &Inspected, bars: Bars) -> Vec<String> {
    let mut lines = vec![field("file", &path.display().to_string())];
    let network = match inspected.kind {
        "int8" => "LeNet-5 in int8",
        _ => "LeNet-5 in floating point",
    };
    lines.push(field("network", network));
    lines.push(field("size", &format!("{} bytes", thousands(inspected.file_bytes as usize))));
    if let Some(Flash { format, base, family }) = &inspected.flash {
        let family = family.as_ref().map_or(String::new(), |family| format!(" for {family}"));
        lines.push(field("flash", &format!("{format}{family}, at {base}")));
    }
    match &inspected.summary {
        Summary::Int8(summary) => int8_lines(summary, bars, &mut lines),
        Summary::Float(summary) => float_lines(summary, bars, &mut lines),
    }
    lines
}

fn int8_lines(summary: &Int8Summary, bars: Bars, lines: &mut Vec<String>) {
    let Int8Summary { description, .. } = summary;
    let (bytes, version) = (thousands(summary.model_bytes), summary.format_version);
    lines.push(field("model", &format!("{bytes} bytes, format version {version}, CRC-32 {}", summary.crc32)));
    lines.push(field("identity", &summary.identity));
    let labels = format!("{}: {}", summary.labels.len(), summary.labels.join(" "));
    lines.extend(wrapped("classes", &labels));
    if let Some(class) = summary.none_of_these {
        lines.push(field("refusal", &format!("class {}: none of these", summary.labels[class])));
    }
    if summary.preparation != "none" {
        lines.push(field("inputs", "drawings, found in the image, scaled and centred"));
    }
    if let Some(reason) = &summary.plain_convolutions {
        lines.extend(wrapped("kernels", &format!("plain convolutions on Cortex-M, {PLAIN_COST}: {reason}")));
    }
    let seed = description.seed.map_or(String::new(), |seed| format!(", seed {seed}"));
    lines.push(field("trained", &format!("on {}{seed}; quantized by {}", description.data_set, description.tool)));
    let accuracy = |accuracy: Option<f32>| accuracy.map_or("unknown".into(), |a| percent(f64::from(a)));
    let (float, int8) = (accuracy(description.float_accuracy), accuracy(description.int8_accuracy));
    lines.push(field("accuracy", &format!("float {float}, int8 {int8}")));
    lines.push(field("pools", &format!("{}, {}", summary.pool1, summary.pool2)));

    lines.push(String::new());
    lines.push(format!("{:<8} {:>12}  {:>10}  {:>19}", "tensor", "scale", "zero point", "real values"));
    for tensor in &summary.tensors {
        lines.push(format!(
            "{:<8} {:>12}  {:>10}  {:>10} to {}",
            tensor.name,
            real(f64::from(tensor.scale)),
            tensor.zero_point,
            real(tensor.real.minimum),
            real(tensor.real.maximum)
        ));
    }

    lines.push(String::new());
    lines.push(format!(
        "{:<6} {:>8}  {:>8}  {:>7}  {:>11}  {:>7}  {:>8}  {:>9}",
        "layer", "shape", "weights", "bytes", "range", "zero", "at 127", "headroom"
    ));
    lines.extend(summary.layers.iter().map(weights_line));

    lines.push(String::new());
    lines.push(format!("{:<6} {:>22}  {:>22}  {:>25}", "layer", "weight scales", "multipliers", "biases"));
    for layer in &summary.layers {
        let scales =
            Span { minimum: f64::from(layer.weight_scale.minimum), maximum: f64::from(layer.weight_scale.maximum) };
        lines.push(format!(
            "{:<6} {:>22}  {:>22}  {:>25}",
            layer.name,
            real_span(scales),
            real_span(layer.multiplier),
            format!("{} to {}", layer.bias.minimum, layer.bias.maximum)
        ));
    }

    lines.push(String::new());
    lines.push("Histogram of each layer's weights, from -127 to 127:".into());
    for layer in &summary.layers {
        lines.push(format!("{:<6} |{}|", layer.name, layer.histogram.draw(bars)));
    }
}

fn weights_line(layer: &LayerSummary) -> String {
    format!(
        "{:<6} {:>8}  {:>8}  {:>7}  {:>11}  {:>7}  {:>8}  {:>4.1} bits",
        layer.name,
        shape(&layer.weight_shape),
        thousands(layer.weight_shape.iter().product()),
        thousands(layer.file_bytes),
        format!("{} to {}", layer.weight.minimum, layer.weight.maximum),
        tenths(layer.zero_weights),
        tenths(layer.saturated_weights),
        layer.headroom_bits
    )
}

fn float_lines(summary: &FloatSummary, bars: Bars, lines: &mut Vec<String>) {
    lines.push(field("holds", &format!("{} parameters", thousands(summary.parameters))));
    lines.push(field("pools", &format!("{}, {}", summary.pool1, summary.pool2)));
    for (key, value) in &summary.metadata {
        lines.push(field(key, value));
    }

    lines.push(String::new());
    lines.push(format!(
        "{:<18} {:>8}  {:>9}  {:>9}  {:>9}  {:>8}  {:>7}",
        "tensor", "shape", "min", "max", "mean", "std", "zero"
    ));
    for array in &summary.arrays {
        let end = |value: fn(&Span<f64>) -> f64| array.range.as_ref().map_or("none".into(), |range| real(value(range)));
        lines.push(format!(
            "{:<18} {:>8}  {:>9}  {:>9}  {:>9}  {:>8}  {:>7}",
            array.name,
            shape(&array.shape),
            end(|range| range.minimum),
            end(|range| range.maximum),
            real(array.mean),
            real(array.standard_deviation),
            tenths(array.zeros)
        ));
    }
    for array in summary.arrays.iter().filter(|array| array.not_finite > 0) {
        let (count, all) = (thousands(array.not_finite), thousands(array.shape.iter().product()));
        lines.push(format!("WARNING: {count} of {all} values of {} are not finite", array.name));
    }

    lines.push(String::new());
    lines.push("Histogram of each layer's weights, from minus to plus the number at the end:".into());
    for array in &summary.arrays {
        if let Some(layer) = array.name.strip_suffix(".weight") {
            let limit = real(array.histogram.limit);
            lines.push(format!("{layer:<11} |{}| {limit}", array.histogram.draw(bars)));
        }
    }
}

/// A name and a value on one line, cut to the width, with control characters replaced.
/// A field of several lines, broken between words.
fn wrapped(name: &str, value: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in value.split(' ') {
        let last = lines.last_mut().expect("there is a line");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > WIDTH - NAME_WIDTH {
            lines.push(word.to_owned());
        } else {
            *last += if last.is_empty() { "" } else { " " };
            *last += word;
        }
    }
    lines.iter().enumerate().map(|(index, line)| field(if index == 0 { name } else { "" }, line)).collect()
}

fn field(name: &str, value: &str) -> String {
    let clean = |text: &str| -> String { text.chars().map(|c| if c.is_control() { '?' } else { c }).collect() };
    let line = format!("{:<1$}{2}", clean(name), NAME_WIDTH, clean(value));
    if line.chars().count() <= WIDTH {
        return line;
    }
    line.chars().take(WIDTH - 3).chain("...".chars()).collect()
}

fn shape(axes: &[usize]) -> String {
    axes.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

fn tenths(fraction: f64) -> String {
    format!("{:.1} %", 100.0 * fraction)
}

fn real_span(span: Span<f64>) -> String {
    format!("{} to {}", real(span.minimum), real(span.maximum))
}

/// A number in at most nine characters.
fn real(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        0.001..1.0 => format!("{value:.6}"),
        1.0..1000.0 => format!("{value:.4}"),
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let values = [0.0, 0.001, -999.99994, 1e-40, -1.5e300, 1.0 / 255.0, 12345.0];
        assert_eq!(values.map(real), ["0", "0.001000", "-999.9999", "1.00e-40", "-1.50e300", "0.003922", "1.23e4"]);
    }

    #[test]
    fn fields_are_cut_and_clean() {
        let line = field("x", &"é\u{1b}".repeat(100));
        assert_eq!(line.chars().count(), WIDTH);
        assert!(line.ends_with("é?é...") || line.ends_with("?é?..."), "{line}");
        assert_eq!(field("data", "mnist"), "data      mnist");
    }
}
