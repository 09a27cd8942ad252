//! `lenet import-tflite`: from a `.tflite` file to a model file.

use std::path::PathBuf;

use clap::Args;

use super::QuietArguments;
use crate::error::{Error, Result};
use crate::files::{Existing, check_writable, write_whole};
use crate::formats::decode_tflite;

/// Arguments of `lenet import-tflite`.
#[derive(Args, Debug)]
#[command(after_help = "\
The file must hold LeNet-5 in int8: inputs, outputs, activations and weights, with
a batch size of 1. Nothing is quantized anew: what cannot be kept bit for bit is
refused, and the message says what it is.

Example:
  lenet import-tflite tutorial.tflite -o tutorial.lenet")]
pub struct Arguments {
    /// A network written by `lenet export --format tflite` or TFLite's converter.
    #[arg(value_name = "FILE.tflite")]
    file: PathBuf,
    /// The model file to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Overwrite it if it exists.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    quiet: QuietArguments,
}

/// Runs the subcommand.
///
/// # Errors
/// An unreadable file, one that does not hold this network, an unwritable output.
pub fn run(arguments: &Arguments) -> Result<()> {
    let existing = if arguments.force { Existing::Overwrite } else { Existing::Keep };
    check_writable(&arguments.output, existing)?;
    let bytes = std::fs::read(&arguments.file).map_err(Error::read(&arguments.file))?;
    let model = decode_tflite(&bytes).map_err(Error::file(&arguments.file))?;
    write_whole(&arguments.output, model.bytes(), existing)?;
    if !arguments.quiet.quiet {
        println!("wrote  {}", arguments.output.display());
    }
    Ok(())
}
