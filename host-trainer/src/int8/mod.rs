//! The int8 network as plain numbers. Of this crate, this folder uses only the names of classes.
//!
//! - [`QuantizedNetwork`]: all integers and scales of a network.
//! - [`multiplier_from_real`]: converts a real multiplier to the form stored in a model file.
//! - [`order`]: converts between the int8 network's order of weights and activations and PyTorch's.
//! - [`reference`](mod@reference): computes the same network in f64, to test `lenet-core` against.

mod multiplier;
mod network;
pub mod order;
pub mod reference;

pub use multiplier::{is_bias_scale, multiplier_from_real};
pub use network::{QuantizedLayer, QuantizedNetwork, Unpackable};
