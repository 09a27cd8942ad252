//! The workstation part of the project: everything the `lenet` command does, as a library.
//!
//! # The rooms
//!
//! A room is a module of this crate with everything below it. Rooms stack: a room uses only rooms on the floors below
//! it, so no two rooms use each other. `tests/tests/rooms.rs` checks that, among files too.
//!
//! | floor | room | what it does |
//! |---|---|---|
//! | 8 | [`commands`] | the subcommands of `lenet`, one file each |
//! | 7 | [`report`] | a finished run as one HTML page |
//! | 6 | [`run`] | the folder that a training run writes |
//! | 5 | [`checkpoint`] | the file an interrupted run resumes from |
//! | | [`prediction`] | classes for images from anywhere, and which images to reject |
//! | 4 | [`training`] | fits a float network, with or without quantization-aware training |
//! | | [`inspection`] | what a network file holds, in figures |
//! | | [`analysis`] | why an image was misread |
//! | 3 | [`quantization`] | turns a float network into an int8 one |
//! | | [`formats`] | reads and writes network files |
//! | | [`evaluation`] | accuracy, and a checksum over all logits |
//! | | [`comparison`] | where an int8 network diverges from its float network, and what to do about it |
//! | | [`fetch`] | downloads data sets |
//! | 2 | [`network`] | LeNet-5 in floating point, forward and backward |
//! | | [`data`] | data sets and images |
//! | | [`files`] | output files that appear whole or not at all |
//! | | [`picture`] | digits as pictures, on the terminal and as PNG |
//! | 1 | [`int8`] | the numbers of an int8 network, and an independent model of it to test `lenet-core` against |
//! | | `input` | the one place that reads files, each up to a limit |
//! | 0 | [`classes`] | how many classes there are, and their labels |
//! | | `error`, `content`, `npy`, `numbers`, `colour` | [`Error`](enum@Error); what the first bytes of a file say it is; headers of NumPy arrays; numbers as text; whether to print in colours |

pub mod analysis;
pub mod checkpoint;
pub mod classes;
mod colour;
pub mod commands;
pub mod comparison;
mod content;
pub mod data;
mod error;
pub mod evaluation;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod files;
pub mod formats;
mod input;
pub mod inspection;
pub mod int8;
pub mod network;
mod npy;
mod numbers;
pub mod picture;
pub mod prediction;
pub mod quantization;
pub mod report;
pub mod run;
pub mod training;

pub use error::{Error, Result};

/// Name and version of this program, as recorded in the files it writes.
pub const TOOL: &str = concat!("lenet ", env!("CARGO_PKG_VERSION"));
