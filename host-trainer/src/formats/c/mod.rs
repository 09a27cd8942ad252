//! The network as C99 source: one header and one source file that need nothing else.
//!
//! The code comes from the templates `network.h.in` and `network.c.in`, which are C except for placeholders between
//! `@`. Every identifier in them starts with `network_` or `NETWORK_`, which is replaced by the model's own prefix.

use std::fmt::Display;

use lenet_core::{Layer, Model, Pool, Tensor, Workspace};

use super::ModelFile;
use super::source::{provenance, rows, write_text};
use crate::TOOL;
use crate::int8::{QuantizedLayer, QuantizedNetwork};

/// A network as C source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSource {
    /// The content of `NAME.h`.
    pub header: String,
    /// The content of `NAME.c`, which includes `NAME.h`.
    pub source: String,
}

/// Writes a model as C99 with one public function, `PREFIX_classify`. `PREFIX` is [`c_prefix`] of `name`, which is the
/// name of the two files without their extension.
///
/// # Errors
/// [`lenet_core::Error`] when the file is not a valid model.
pub fn encode_c(file: &ModelFile, name: &str) -> Result<CSource, lenet_core::Error> {
    let model = file.model()?;
    let network = QuantizedNetwork::from(&model);
    let prefix = c_prefix(name);
    let logits = model.quantization(Tensor::Logits);
    let comment: Vec<String> = provenance(&model).iter().map(|line| format!(" * {line}")).collect();
    let fill = |template: &str| {
        template
            .replace("network_", &format!("{prefix}_"))
            .replace("NETWORK_", &format!("{}_", prefix.to_ascii_uppercase()))
            .replace("@POOL1@", &pool(&prefix, model.pool1()))
            .replace("@POOL2@", &pool(&prefix, model.pool2()))
            .replace("@TOOL@", TOOL)
            .replace("@HEADER@", &format!("{name}.h"))
            .replace("@CRC32@", &format!("0x{:08x}", file.crc32()))
            .replace("@IDENTITY@", &format!("0x{:08x}", model.identity()))
            .replace("@CLASSES@", &model.classes().to_string())
            .replace("@NONE_OF_THESE@", &none_of_these(&model))
            .replace("@LABELS@", &labels(&model))
            .replace("@FLASH_BYTES@", &constant_bytes(model.classes()).to_string())
            .replace("@WORKSPACE_BYTES@", &Workspace::BYTES_ARMV6M.to_string())
            .replace("@LOGIT_SCALE@", &format!("{:e}", logits.scale))
            .replace("@LOGIT_ZERO_POINT@", &logits.zero_point.to_string())
            .replace("@ARRAYS@", &arrays(&prefix, &network))
            .replace("@DESCRIPTION@", &comment.join("\n"))
    };
    Ok(CSource { header: fill(include_str!("network.h.in")), source: fill(include_str!("network.c.in")) })
}

/// A C identifier derived from a file name. Characters that C does not allow become `_`. A name that does not start
/// with a letter gets the prefix `model_`, because C forbids or reserves such names.
pub fn c_prefix(name: &str) -> String {
    let word: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if word.starts_with(|c: char| c.is_ascii_alphabetic()) { word } else { format!("model_{word}") }
}

fn pool(prefix: &str, pool: Pool) -> String {
    format!("{prefix}_{pool}").to_ascii_uppercase()
}

/// Bytes of all arrays: one for each weight and nine for each output channel.
fn constant_bytes(classes: usize) -> usize {
    Layer::ALL.iter().map(|layer| layer.outputs(classes) * (layer.weights_per_output() + 4 + 4 + 1)).sum()
}

/// A definition of the class that stands for anything else, if there is one.
fn none_of_these(model: &Model<'_>) -> String {
    model.none_of_these().map_or_else(String::new, |class| {
        format!("/* This class stands for anything else: an answer of it is a refusal. */\n#define NETWORK_NONE_OF_THESE {class}\n")
    })
}

/// The labels as string literals, one a line.
fn labels(model: &Model<'_>) -> String {
    let literal = |label: &str| format!("    \"{}\",\n", label.bytes().map(c_character).collect::<String>());
    model.labels().iter().map(literal).collect()
}

/// A byte of a string literal. Bytes that are not ASCII, and those that C could misread (two question marks begin a
/// trigraph), become octal escapes, which end after three digits.
fn c_character(byte: u8) -> String {
    match byte {
        b' '..=b'~' if !b"\"\\?".contains(&byte) => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    }
}

fn arrays(prefix: &str, network: &QuantizedNetwork) -> String {
    let aligned = format!("{} ", format!("{prefix}_aligned").to_ascii_uppercase());
    let mut text = String::new();
    for (layer, QuantizedLayer { weights, bias, multiplier, .. }) in Layer::ALL.into_iter().zip(&network.layers) {
        let mantissa: Vec<i32> = multiplier.iter().map(|multiplier| multiplier.mantissa).collect();
        let exponent: Vec<i32> = multiplier.iter().map(|multiplier| multiplier.exponent).collect();
        array(&mut text, &format!("int8_t {prefix}_{layer}_weights[{}] {aligned}", weights.len()), weights);
        array(&mut text, &format!("int32_t {prefix}_{layer}_bias[{}] ", bias.len()), bias);
        array(&mut text, &format!("int32_t {prefix}_{layer}_mantissa[{}] ", mantissa.len()), &mantissa);
        array(&mut text, &format!("int8_t {prefix}_{layer}_exponent[{}] ", exponent.len()), &exponent);
        let fields = ["weights", "bias", "mantissa", "exponent"].map(|field| format!("{prefix}_{layer}_{field}"));
        write_text(&mut text, format_args!("static const {prefix}_layer {prefix}_{layer} = {{\n"));
        write_text(&mut text, format_args!("    {},\n}};\n\n", fields.join(",\n    ")));
    }
    text
}

fn array(text: &mut String, declaration: &str, values: &[impl Display]) {
    write_text(text, format_args!("static const {declaration}= {{\n{}}};\n", rows(values)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_identifiers() {
        let names = ["digits-10k", "10k", "_x", "naïve net", "", "A.b"];
        assert_eq!(names.map(c_prefix), ["digits_10k", "model_10k", "model__x", "na_ve_net", "model_", "A_b"]);
    }

    #[test]
    fn every_placeholder_is_replaced_and_the_figures_match_the_model() {
        let file = ModelFile::new(include_bytes!("../../../../data/digits-10k/digits-10k.lenet"));
        let CSource { header, source } = encode_c(&file, "digits-10k").unwrap();
        for text in [&header, &source] {
            assert!(!text.contains('@') && !text.contains("network_") && !text.contains("NETWORK_"));
        }
        assert!(header.contains(&format!("MODEL_CRC32 UINT32_C(0x{:08x})", file.crc32())), "{header}");
        assert!(source.contains("#include \"digits-10k.h\""));
        assert!(source.contains("(&digits_10k_conv1, DIGITS_10K_AVERAGE, pixels"));
        // 44,190 weights and 236 output channels.
        assert!(header.contains("Constant data: 46314 bytes. RAM: the workspace, 1324 bytes"), "{header}");
    }
}
