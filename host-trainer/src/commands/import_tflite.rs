//! `lenet import-tflite`: converts a `.tflite` file to a `.lenet` model.

use std::path::PathBuf;

use clap::Args;

use super::QuietArguments;
use crate::error::{Error, Result};
use crate::files::{Existing, check_writable, write_whole};
use crate::formats::decode_tflite;
use crate::input::{self, Limit};

/// Arguments of `lenet import-tflite`.
#[derive(Args, Debug)]
#[command(after_help = "\
The file must contain LeNet-5 in int8 (inputs, outputs, activations, weights)
with a batch size of 1. Nothing is quantized again: a network that cannot be
converted bit for bit is rejected, and the message says why.

Example:
  lenet import-tflite tutorial.tflite -o tutorial.lenet")]
pub struct Arguments {
    /// File written by TFLite's converter or by `lenet export --format tflite`.
    #[arg(value_name = "FILE.tflite")]
    file: PathBuf,
    /// Model file to write (.lenet).
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Overwrite the output if it exists.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    quiet: QuietArguments,
}

/// Runs the subcommand.
///
/// # Errors
/// An unreadable file, a file that does not contain this network, an unwritable output.
pub fn run(arguments: &Arguments) -> Result<()> {
    let existing = if arguments.force { Existing::Overwrite } else { Existing::Keep };
    check_writable(&arguments.output, existing)?;
    let bytes = input::read(&arguments.file, Limit::NETWORK)?;
    let model = decode_tflite(&bytes).map_err(Error::file(&arguments.file))?;
    write_whole(&arguments.output, model.bytes(), existing)?;
    if !arguments.quiet.quiet {
        println!("wrote  {}", arguments.output.display());
    }
    Ok(())
}
