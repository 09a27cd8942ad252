//! The `.lenet` file; `lenet-core/FORMAT.md` specifies it.
//!
//! Reading one for inference is [`Model::from_bytes`](lenet_core::Model::from_bytes). This is the other direction, and
//! the way back to plain numbers.

mod decode;
mod encode;
mod file;
mod words;

pub use file::ModelFile;
