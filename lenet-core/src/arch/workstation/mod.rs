//! The workstation's kernels: one image, with the same bits as the portable ones, at the speed of vector instructions.
//!
//! They are behind the feature `workstation`, because they use pulp, an allocator and a processor that is asked at run
//! time for its instruction set.
//!
//! # The method
//!
//! Everything is computed in `i32` lanes. An input lane holds a *pair*: two activations in [0, 255], or two weights in
//! [-127, 127], as 16-bit numbers. One instruction multiplies the pairs of a whole vector and adds the two products of
//! each lane (see `pairs`). That is twice the work of float lanes, without any conversion. The lanes are
//!
//! - in conv1, whose 6 channels would not fill a vector, sixteen pooling windows of one channel;
//! - in the other layers, sixteen output channels; all lanes have the same pair of activations.
//!
//! # Why the bits are the same
//!
//! The sum of a pair's products is at most `2 * 255 * 127 < 2^16`, or four times that for a channel whose multiplier
//! `BelowQuarter` has divided by four; it is exact in 32 bits. An accumulator starts from its
//! bias, and loading the model has proved that no partial sum leaves 32 bits, in any order
//! ([`AccumulatorOverflow`](crate::Error::AccumulatorOverflow)). So each sum is the same integer that the portable
//! kernels compute. Padding lanes and padding taps have weight 0. `requantize` shows why requantization and pools give
//! the same results. `tests/tests/host_classifier.rs` compares the logits and every activation with the portable
//! kernels', on each instruction set.

#![allow(clippy::needless_range_loop, reason = "the layers are written with the indices of their formulas")]

mod classifier;
mod conv1;
mod conv2;
mod instruction_set;
mod linear;
mod pairs;
mod parameters;
mod requantize;

pub use classifier::Classifier;
pub use instruction_set::InstructionSet;
pub use requantize::{Requantizer, average};
