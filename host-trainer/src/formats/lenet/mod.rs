//! The `.lenet` file, as specified in `lenet-core/FORMAT.md`.
//!
//! [`Model::from_bytes`](lenet_core::Model::from_bytes) reads a file for inference. This folder writes files, and turns
//! them back into plain numbers.

mod decode;
mod encode;
mod file;
mod words;

pub use file::ModelFile;
