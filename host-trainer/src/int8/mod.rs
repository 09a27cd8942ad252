//! The int8 network as plain numbers. This room uses `lenet-core` and no other room.
//!
//! - [`QuantizedNetwork`]: every integer and scale of a network, before it becomes a file or after it was one.
//! - [`multiplier_from_real`]: a real multiplier in the form that the file stores.
//! - [`order`]: where a weight or an activation of the int8 network is in the float network.
//! - [`reference`](mod@reference): the same network computed in f64, to test `lenet-core` against.

mod multiplier;
mod network;
pub mod order;
pub mod reference;

pub use multiplier::multiplier_from_real;
pub use network::{QuantizedLayer, QuantizedNetwork};
