//! What only `unsafe` code can do: the start of a program, the model slot and the fault handler.
//!
//! The workspace denies `unsafe_code`; the modules here are the firmware's only exceptions, and each
//! says why what it does is sound.

mod entry;
mod fault;
mod model_slot;

pub use model_slot::model_slot;

/// The runtime, for the macro [`entry`](crate::entry).
#[doc(hidden)]
pub use cortex_m_rt;
