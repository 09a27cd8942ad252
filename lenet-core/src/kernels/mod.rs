//! The arithmetic of each layer: pure functions from arrays to an array, generic over the shapes,
//! so that a wrong shape does not compile.
//!
//! Activations are unsigned bytes `u = q + 128` in HWC order. The formulas are derived in
//! [`quantization`](crate::quantization).

mod conv_pool;
mod fully_connected;
mod pool;

pub use conv_pool::conv_pool;
pub use fully_connected::{fully_connected, fully_connected_logits};
pub use pool::{average, maximum};
