//! LeNet-5 in int8 fixed point, for a microcontroller and for the workstation that tests it.
//!
//! This crate is the single definition of the project's integer arithmetic. The workstation's
//! accuracy tests and the firmware run this very code, so what is validated is what is flashed.
//!
//! Read the modules in this order:
//!
//! 1. [`architecture`]: the network's shapes, and the names of its tensors and layers.
//! 2. [`quantization`]: what an int8 value means, and the one rounding of the whole network.
//! 3. [`kernels`]: the pools and fully connected layers. [`arch`]: the multiplications, for each processor.
//! 4. [`format`](mod@format): the model file's bytes. [`model`]: the file, checked once and read in place.
//! 5. [`network`]: [`LeNet5`], which owns every buffer an inference needs.
//! 6. [`prediction`]: [`Logits`], the predicted class, probabilities and the best classes.
//!
//! # The contract
//!
//! [`Model::from_bytes`] checks everything there is to check. After it succeeds, no call fails,
//! panics, allocates or overflows, whatever the pixels are. No floating-point operation is part
//! of an inference; [`Logits::probabilities`] is the one place where floats are computed, for a
//! person to read.
//!
//! ```
//! # fn classify(file: &[u8], pixels: &[u8; 784]) -> Result<usize, lenet_core::Error> {
//! let model = lenet_core::Model::from_bytes(file)?;
//! let mut network = lenet_core::LeNet5::new(model);
//! let logits = network.classify(pixels);
//! # Ok(
//! logits.class()
//! # )
//! # }
//! ```

#![no_std]
// Only `arch` makes exceptions, for assembly.
#![deny(unsafe_code)]

#[cfg(test)]
extern crate std;

#[cfg(target_endian = "big")]
compile_error!("the model file is little-endian and read in place: big-endian targets are not supported");

pub mod arch;
pub mod architecture;
pub mod checksum;
mod error;
pub mod format;
pub mod kernels;
pub mod model;
pub mod network;
pub mod prediction;
pub mod quantization;

pub use architecture::{CLASSES, IMAGE_BYTES, Layer, Pixels, Pool, Pools, Tensor};
pub use error::Error;
pub use model::Model;
pub use network::{Blank, LeNet5, Workspace};
pub use prediction::{Candidate, Logits};
