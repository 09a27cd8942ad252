//! LeNet-5 in int8 fixed point, for a microcontroller and for the workstation that tests it.
//!
//! This crate is the single definition of the project's integer arithmetic: the accuracy tests on the workstation and
//! the firmware on the board run this code, so what you validate is what you flash.
//!
//! ```
//! # fn main() -> Result<(), lenet_core::Error> {
//! use lenet_core::{LeNet5, Model, include_model};
//!
//! static MODEL: &[u8] = include_model!("../models/digits-10k.lenet");
//!
//! let mut network = LeNet5::new(Model::from_bytes(MODEL)?);
//! let pixels = [0; 784]; // 28 x 28, 0 is background and 255 is full ink
//! let logits = network.classify(&pixels);
//! assert!(logits.class() < 10);
//! # Ok(())
//! # }
//! ```
//!
//! # The contract
//!
//! [`Model::from_bytes`] checks everything once. After it succeeds, no call fails, panics, allocates or overflows,
//! whatever the pixels are. Inference uses no floating point; only `Logits::probabilities`, `Logits::top` and
//! [`Logits::real`] do, for a person to read.
//!
//! # Where things are
//!
//! Read the modules in this order; none uses a later one.
//!
//! 1. [`architecture`]: the network's shapes, and the names of its tensors and layers.
//! 2. [`preparation`]: from a picture or from strokes to the network's pixels. [`quantization`]: what an int8 value
//!    means, and how accumulators are rounded.
//! 3. [`labels`]: the names of the classes. [`logits`]: the output, and which class it stands for.
//! 4. [`format`](mod@format): the bytes of a model file. [`model`]: the file, checked once and read in place.
//! 5. [`pooling`]: the 2x2 pools. [`arch`]: the other kernels, one family for each kind of processor.
//! 6. [`network`]: [`LeNet5`], which owns every buffer that an inference needs.
//!
//! # Features
//!
//! - `predictions`, on by default: `Logits::probabilities` and `Logits::top`. Without it, the crate does not depend
//!   on micromath and heapless.
//! - `workstation`, off by default: `workstation::Classifier`, which uses the vector instructions of a desktop
//!   processor and an allocator. It has no effect on targets without an operating system.

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
// Only `arch` makes exceptions, for assembly.
#![deny(unsafe_code)]

#[cfg(workstation)]
extern crate alloc;
#[cfg(test)]
extern crate std;

#[cfg(target_endian = "big")]
compile_error!("the model file is little-endian and read in place: big-endian targets are not supported");

pub mod arch;
pub mod architecture;
pub mod checksum;
pub mod format;
pub mod labels;
pub mod logits;
pub mod model;
pub mod network;
pub mod pooling;
#[cfg(feature = "predictions")]
pub mod prediction;
pub mod preparation;
pub mod quantization;

mod include;

#[cfg(workstation)]
pub use arch::workstation;
pub use arch::{Blank, Workspace};
pub use architecture::{IMAGE_BYTES, Layer, Pixels, Pool, Pools, Tensor};
pub use format::Error;
pub use labels::{Labels, MAX_CLASSES};
pub use logits::{Logits, argmax};
pub use model::Model;
pub use network::LeNet5;
#[cfg(feature = "predictions")]
pub use prediction::Candidate;
