//! `lenet export`: converts a network to another format.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{PoolArguments, QuietArguments};
use crate::error::{Error, Result};
use crate::files::{Existing, check_writable, write_whole};
use crate::formats::flash::{FAMILIES, encode_hex, encode_uf2};
use crate::formats::{
    CSource, FloatFile, ModelFile, NetworkFile, encode_c, encode_npz, encode_onnx_float, encode_onnx_int8, encode_rust,
    encode_safetensors, encode_tflite,
};
use crate::inspection::encode_json;
use crate::int8::QuantizedNetwork;

/// Arguments of `lenet export`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lenet export runs/tutorial/model.lenet --format bin -o model.bin
  lenet export runs/tutorial/model.lenet --format tflite -o model.tflite
  lenet export model.pt --format safetensors -o model.safetensors
  lenet export model.lenet --format c -o digits.c      (and digits.h)
  lenet export model.lenet --format hex --base 0x2f800 -o model.hex
  lenet export model.lenet --format uf2 --family rp2040 --base 0x10100000 \\
      -o model.uf2")]
pub struct Arguments {
    /// Float network (.safetensors, .pt, .npz) or int8 model (.lenet, .tflite).
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    pools: PoolArguments,
    /// Format to write.
    #[arg(long, value_enum)]
    format: Format,
    /// For hex and uf2: flash address of the model, decimal, or hexadecimal with 0x.
    #[arg(long, value_name = "ADDRESS", value_parser = parse_u32)]
    base: Option<u32>,
    /// For uf2: board family, as a name such as rp2040, samd21, nrf52840 or stm32f4, or as its numeric
    /// ID.
    #[arg(long, value_name = "NAME|ID", value_parser = parse_family)]
    family: Option<u32>,
    /// File to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Overwrite the output if it exists.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    quiet: QuietArguments,
}

/// An export format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Bytes of the int8 model, for a flashing tool.
    Bin,
    /// int8 model for LiteRT (TensorFlow Lite).
    Tflite,
    /// Float network, or int8 network in QDQ form, for ONNX Runtime and others.
    Onnx,
    /// Float network in float32, with the tensor names of the PyTorch model.
    Safetensors,
    /// Float network as a NumPy archive; the zip comment holds pools and other metadata.
    Npz,
    /// Bytes of the int8 model at address --base, as Intel HEX.
    Hex,
    /// Bytes of the int8 model at address --base, as UF2 for boards of --family.
    Uf2,
    /// int8 network in C99, code and weights: NAME.c and NAME.h.
    C,
    /// Bytes of the int8 model as Rust source, for `include!`.
    Rust,
    /// Scales, zero points, multipliers and biases of the int8 model.
    Json,
}

impl Format {
    fn name(self) -> String {
        self.to_possible_value().expect("no format is hidden").get_name().to_owned()
    }
}

/// A file to write: its path and content.
type Output = (PathBuf, Vec<u8>);

/// Runs the subcommand.
///
/// # Errors
/// An unreadable network, one of the wrong kind for the format, an unwritable output.
pub fn run(arguments: &Arguments) -> Result<()> {
    arguments.check_usage()?;
    let existing = if arguments.force { Existing::Overwrite } else { Existing::Keep };
    check_writable(&arguments.output, existing)?;
    let file =
        arguments.pools.complete(&arguments.model, NetworkFile::read(&arguments.model)?, arguments.quiet.quiet)?;
    let outputs = encode(arguments, &file)?;
    for (path, _) in &outputs {
        check_writable(path, existing)?;
    }
    for (path, bytes) in &outputs {
        write_whole(path, bytes, existing)?;
        if !arguments.quiet.quiet {
            println!("wrote  {}", path.display());
        }
    }
    Ok(())
}

fn encode(arguments: &Arguments, file: &NetworkFile) -> Result<Vec<Output>> {
    let one = |bytes: Vec<u8>| vec![(arguments.output.clone(), bytes)];
    let path = &arguments.model;
    match arguments.format {
        Format::Bin => Ok(one(int8(arguments, file)?.bytes().to_vec())),
        Format::Tflite => tflite(path, int8(arguments, file)?).map(one),
        Format::Onnx => onnx(path, file).map(one),
        Format::Safetensors => {
            let float = float(arguments, file)?;
            Ok(one(encode_safetensors(&float.network, &float.entries())))
        }
        Format::Npz => {
            let float = float(arguments, file)?;
            encode_npz(&float.network, &float.entries()).map(one).map_err(Error::file(path))
        }
        Format::Hex => {
            let text = encode_hex(int8(arguments, file)?, arguments.base()?).map_err(base_refused)?;
            Ok(one(text.into_bytes()))
        }
        Format::Uf2 => {
            let family = arguments.family.ok_or_else(|| missing("--family NAME|ID", arguments.format))?;
            Ok(one(encode_uf2(int8(arguments, file)?, arguments.base()?, family).map_err(base_refused)?))
        }
        Format::C => {
            let name = arguments.source_name("c")?;
            let CSource { header, source } = encode_c(int8(arguments, file)?, name).map_err(Error::model(path))?;
            let header_path = arguments.output.with_extension("h");
            Ok(vec![(arguments.output.clone(), source.into_bytes()), (header_path, header.into_bytes())])
        }
        Format::Rust => {
            let name = arguments.source_name("rs")?;
            Ok(one(encode_rust(int8(arguments, file)?, name).map_err(Error::model(path))?.into_bytes()))
        }
        Format::Json => Ok(one(encode_json(int8(arguments, file)?).map_err(Error::model(path))?.into_bytes())),
    }
}

fn onnx(path: &Path, file: &NetworkFile) -> Result<Vec<u8>> {
    match file {
        NetworkFile::Float(file) => Ok(encode_onnx_float(file)),
        NetworkFile::Int8(file) => {
            let model = file.model().map_err(Error::model(path))?;
            Ok(encode_onnx_int8(&QuantizedNetwork::from(&model), &model.description()))
        }
    }
}

fn tflite(path: &Path, file: &ModelFile) -> Result<Vec<u8>> {
    let model = file.model().map_err(Error::model(path))?;
    encode_tflite(&QuantizedNetwork::from(&model), &model.description()).map_err(Error::file(path))
}

impl Arguments {
    /// Rejects options that do not apply to the format and asks for missing ones, before anything is read.
    fn check_usage(&self) -> Result<()> {
        let (based, for_family) = match self.format {
            Format::Hex => (true, false),
            Format::Uf2 => (true, true),
            _ => (false, false),
        };
        for (given, allowed, option) in
            [(self.base.is_some(), based, "--base ADDRESS"), (self.family.is_some(), for_family, "--family NAME|ID")]
        {
            match (given, allowed) {
                (true, false) => {
                    let format = self.format.name();
                    return Err(Error::Usage(format!("{option} does not apply to --format {format}; leave it out")));
                }
                (false, true) => return Err(missing(option, self.format)),
                _ => (),
            }
        }
        match self.format {
            Format::C => self.source_name("c").map(drop),
            Format::Rust => self.source_name("rs").map(drop),
            _ => Ok(()),
        }
    }

    fn base(&self) -> Result<u32> {
        self.base.ok_or_else(|| missing("--base ADDRESS", self.format))
    }

    /// The output's name without its ending. Names in the generated source code derive from it.
    fn source_name(&self, ending: &str) -> Result<&str> {
        let stem = self.output.file_stem().and_then(|stem| stem.to_str());
        let plain = |stem: &&str| stem.chars().all(|c| c.is_ascii_alphanumeric() || "-_. ".contains(c));
        let right_ending = self.output.extension().is_some_and(|found| found == ending);
        stem.filter(plain).filter(|_| right_ending).ok_or_else(|| {
            let format = self.format.name();
            Error::Usage(format!(
                "{} cannot be the output of --format {format}; give NAME.{ending}, with only letters, digits, '-', '_' \
                 and '.' in NAME",
                self.output.display()
            ))
        })
    }
}

fn missing(option: &str, format: Format) -> Error {
    Error::Usage(format!("--format {} needs {option}", format.name()))
}

fn base_refused(problem: String) -> Error {
    Error::Usage(format!("--base {problem}"))
}

fn parse_u32(text: &str) -> std::result::Result<u32, String> {
    let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // On its own, `from_str_radix` would accept a sign.
        Some(digits) if digits.starts_with(|c: char| c.is_ascii_hexdigit()) => u32::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None => text.parse().ok(),
    };
    number.ok_or_else(|| "it must be a number of at most 32 bits, decimal, or hexadecimal with 0x".into())
}

fn parse_family(text: &str) -> std::result::Result<u32, String> {
    let named = FAMILIES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    named.map(|(_, id)| *id).or_else(|| parse_u32(text).ok()).ok_or_else(|| {
        let names: Vec<&str> = FAMILIES.iter().map(|(name, _)| *name).collect();
        format!("it must be a number of at most 32 bits, or one of {}", names.join(", "))
    })
}

/// The int8 model, or an error that says how to get one.
fn int8<'a>(arguments: &Arguments, file: &'a NetworkFile) -> Result<&'a ModelFile> {
    match file {
        NetworkFile::Int8(file) => Ok(file),
        NetworkFile::Float(_) => Err(wrong_kind(
            &arguments.model,
            arguments.format,
            "an int8 model, but this is a float network; quantize it first with `lenet quantize`",
        )),
    }
}

/// The float network, or an error that says which file to give.
fn float<'a>(arguments: &Arguments, file: &'a NetworkFile) -> Result<&'a FloatFile> {
    match file {
        NetworkFile::Float(file) => Ok(file),
        NetworkFile::Int8(_) => Err(wrong_kind(
            &arguments.model,
            arguments.format,
            "a float network, but this is an int8 model; give the float network it was quantized from",
        )),
    }
}

fn wrong_kind(path: &Path, format: Format, needs: &str) -> Error {
    Error::File { path: path.to_owned(), problem: format!("--format {} needs {needs}", format.name()) }
}
