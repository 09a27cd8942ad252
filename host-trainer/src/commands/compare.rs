//! `lenet compare`: an int8 model against the float network it came from.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::{DataArguments, ThreadArguments};
use crate::comparison::compare;
use crate::error::{Error, Result};
use crate::formats::{NetworkFile, read_float};

/// Arguments of `lenet compare`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The float network.
    #[arg(value_name = "FLOAT")]
    float: PathBuf,
    /// The int8 model.
    #[arg(value_name = "INT8")]
    int8: PathBuf,
    #[command(flatten)]
    data: DataArguments,
    /// Use only the first N test images.
    #[arg(long, value_name = "N")]
    images: Option<NonZeroUsize>,
    #[command(flatten)]
    threads: ThreadArguments,
}

/// Runs the subcommand.
///
/// # Errors
/// TODO
pub fn run(arguments: &Arguments) -> Result<()> {
    let float = read_float(&arguments.float)?;
    let NetworkFile::Int8(int8) = NetworkFile::read(&arguments.int8)? else { panic!() };
    let pool = arguments.threads.pool()?;
    let data = pool.install(|| arguments.data.load())?;
    let split = data.test.first(arguments.images.map_or(usize::MAX, NonZeroUsize::get));
    let refused = |source| Error::Model { path: arguments.int8.clone(), source };
    let comparison =
        pool.install(|| -> Result<_> { Ok(compare(&float.network, int8.model().map_err(refused)?, &split)) })?;
    println!("{}", serde_json::to_string(&comparison).expect("numbers and names"));
    for w in comparison.warnings() {
        eprintln!("{w}; {}", w.advice());
    }
    Ok(())
}
