//! The workstation's side of the project: everything the `lenet` command does, as a library.
//!
//! - [`data`]: data sets; [`fetch`] downloads them.
//! - [`network`]: LeNet-5 in floating point, forward and backward; [`training`] fits it.
//! - [`quantization`]: from the float network to an int8 one; [`formats`] reads and writes both.
//! - [`reference`](mod@reference): an independent model of the int8 network, to test `lenet-core` against.
//! - [`evaluation`]: accuracy, and a checksum over all logits; [`inspection`]: a network in figures; [`comparison`]:
//!   where a float network and the int8 one made from it part, and what to do about it.
//! - [`prediction`]: what a network makes of images from anywhere; [`analysis`]: why it said what it said.
//! - [`picture`]: digits as pictures; [`report`]: a run as one page to read.
//! - [`run`]: the folder a training writes; [`checkpoint`]: what an unfinished one is resumed from;
//!   [`files`]: output files, whole or not at all.
//! - [`commands`]: the subcommands, one file each.

pub mod analysis;
pub mod checkpoint;
mod colour;
pub mod commands;
pub mod comparison;
pub mod data;
mod error;
pub mod evaluation;
pub mod fetch;
pub mod files;
pub mod formats;
pub mod inspection;
pub mod network;
mod numbers;
pub mod picture;
pub mod prediction;
pub mod quantization;
pub mod reference;
pub mod report;
pub mod run;
pub mod training;

pub use error::{Error, Result};

/// Name and version of this program, as files carry it.
pub const TOOL: &str = concat!("lenet ", env!("CARGO_PKG_VERSION"));
