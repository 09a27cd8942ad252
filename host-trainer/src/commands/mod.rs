//! The subcommands of `lenet`, one file each: what they take, do and print.

// First, as its macros are for those that follow.
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
pub mod import_tflite;
pub mod inspect;
pub mod man;
mod measuring;
pub mod predict;
pub mod quantize;
pub mod report;
pub mod show;
pub mod train;

pub use arguments::{DataArguments, PoolArguments, PoolKind, QuietArguments, ThreadArguments};
pub use cli::Cli;
