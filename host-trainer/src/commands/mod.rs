//! The subcommands of `lenet`, one file each: arguments, work and output.

// First, because the modules below use its macros.
#[macro_use]
mod output;

mod arguments;
mod cli;
pub mod compare;
pub mod completions;
pub mod errors;
pub mod eval;
pub mod export;
#[cfg(feature = "fetch")]
pub mod fetch;
mod hints;
pub mod import_tflite;
pub mod inspect;
pub mod man;
mod measuring;
pub mod predict;
pub mod quantize;
pub mod report;
pub mod show;
pub mod train;

pub use arguments::{
    DataArguments, NoneOfTheseArgument, PoolArguments, PoolKind, PrepareArgument, QuietArguments, ThreadArguments,
    TurnedDataArguments,
};
pub use cli::Cli;
