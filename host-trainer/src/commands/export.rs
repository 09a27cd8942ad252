//! `lenet export`: a network in another format.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::PoolArguments;
use crate::error::{Error, Result};
use crate::files::{Existing, check_writable, write_whole};
use crate::formats::{FloatFile, ModelFile, NetworkFile, encode_npz, encode_safetensors, encode_tflite};
use crate::quantization::QuantizedNetwork;

/// Arguments of `lenet export`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lenet export runs/tutorial/model.lenet --format bin -o model.bin
  lenet export runs/tutorial/model.lenet --format tflite -o model.tflite
  lenet export model.pt --format safetensors -o model.safetensors")]
pub struct Arguments {
    /// A float network (.safetensors, .pt, .npz) or an int8 model (.lenet).
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    pools: PoolArguments,
    /// What to write.
    #[arg(long, value_enum)]
    format: Format,
    /// The file to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Overwrite it if it exists.
    #[arg(long)]
    force: bool,
}

/// A format to export to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The bytes of the int8 model, for a flasher.
    Bin,
    /// The int8 model as a file for LiteRT (TensorFlow Lite).
    Tflite,
    /// The float network in float32, with the PyTorch model's names.
    Safetensors,
    /// The same as a NumPy archive; pools and other metadata are in its zip comment.
    Npz,
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
    let existing = if arguments.force { Existing::Overwrite } else { Existing::Keep };
    check_writable(&arguments.output, existing)?;
    let file = arguments.pools.read(&arguments.model)?;
    let outputs = encode(arguments, &file)?;
    for (path, _) in &outputs {
        check_writable(path, existing)?;
    }
    for (path, bytes) in &outputs {
        write_whole(path, bytes, existing)?;
        println!("wrote  {}", path.display());
    }
    Ok(())
}

fn encode(arguments: &Arguments, file: &NetworkFile) -> Result<Vec<Output>> {
    let one = |bytes: Vec<u8>| vec![(arguments.output.clone(), bytes)];
    match arguments.format {
        Format::Bin => Ok(one(int8(arguments, file)?.bytes().to_vec())),
        Format::Tflite => tflite(arguments, int8(arguments, file)?).map(one),
        Format::Safetensors => {
            let float = float(arguments, file)?;
            Ok(one(encode_safetensors(&float.network, &float.entries())))
        }
        Format::Npz => {
            let float = float(arguments, file)?;
            let refused = |problem| Error::Weights { path: arguments.model.clone(), problem };
            encode_npz(&float.network, &float.entries()).map(one).map_err(refused)
        }
    }
}

fn tflite(arguments: &Arguments, file: &ModelFile) -> Result<Vec<u8>> {
    let path = || arguments.model.clone();
    let model = file.model().map_err(|source| Error::Model { path: path(), source })?;
    encode_tflite(&QuantizedNetwork::from(&model), &model.description())
        .map_err(|problem| Error::Weights { path: path(), problem })
}

/// The int8 model, or the advice how to get one.
fn int8<'a>(arguments: &Arguments, file: &'a NetworkFile) -> Result<&'a ModelFile> {
    match file {
        NetworkFile::Int8(file) => Ok(file),
        NetworkFile::Float(_) => Err(wrong_kind(
            &arguments.model,
            arguments.format,
            "an int8 model (.lenet), and this is a float network; quantize it first with `lenet quantize`",
        )),
    }
}

/// The float network, or the advice where to find it.
fn float<'a>(arguments: &Arguments, file: &'a NetworkFile) -> Result<&'a FloatFile> {
    match file {
        NetworkFile::Float(file) => Ok(file),
        NetworkFile::Int8(_) => Err(wrong_kind(
            &arguments.model,
            arguments.format,
            "a float network, and this is an int8 model; give the float network it came from",
        )),
    }
}

fn wrong_kind(path: &Path, format: Format, needs: &str) -> Error {
    Error::Weights { path: path.to_owned(), problem: format!("--format {} needs {needs}", format.name()) }
}
