//! What the kernels of all architectures share: the pools, and what makes an accumulator an activation.
//!
//! The multiplications are in [`arch`](crate::arch). Activations are unsigned bytes `u = q + 128`; the
//! formulas are derived in [`quantization`](crate::quantization).

mod fully_connected;
mod pool;

pub(crate) use fully_connected::{fully_connected, fully_connected_logits};
pub(crate) use pool::pool_window;
pub use pool::{average, maximum};
