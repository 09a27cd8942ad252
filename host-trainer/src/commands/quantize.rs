//! `lenet quantize`: from a float network to a model file.

use std::path::PathBuf;

use clap::Args;

use super::{DataArguments, ThreadArguments, quantize_and_measure};
use crate::error::Result;
use crate::files::{Existing, check_writable, write_whole};
use crate::formats::read_float;

/// Arguments of `lenet quantize`.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  lenet quantize runs/tutorial/model.safetensors --data mnist -o tutorial.lenet")]
pub struct Arguments {
    /// The float network.
    #[arg(value_name = "FLOAT.safetensors")]
    float: PathBuf,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    threads: ThreadArguments,
    /// The model file to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Overwrite it if it exists.
    #[arg(long)]
    force: bool,
}

/// Runs the subcommand.
///
/// # Errors
/// An unreadable or unsuitable network, unreadable data, an unwritable output.
pub fn run(arguments: &Arguments) -> Result<()> {
    let existing = if arguments.force { Existing::Overwrite } else { Existing::Keep };
    check_writable(&arguments.output, existing)?;
    let float = read_float(&arguments.float)?;
    let pool = arguments.threads.pool()?;
    let data = pool.install(|| arguments.data.load())?;
    let quantized =
        pool.install(|| quantize_and_measure(&float.network, &data.train, &data.test, &data.name, float.seed()))?;
    write_whole(&arguments.output, quantized.file.bytes(), existing)?;
    quantized.print("test");
    println!("wrote  {}", arguments.output.display());
    Ok(())
}
