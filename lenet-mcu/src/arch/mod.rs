//! What only `unsafe` code can do: the start of a program, the model slot and the fault handler; for the
//! benchmark a counter of instructions or cycles, the stack and the size of the code; files of the workstation.
//!
//! The workspace denies `unsafe_code`; the modules here are the firmware's only exceptions, and each
//! says why what it does is sound.

mod code;
mod counter;
mod entry;
mod fault;
/// Semihosting: the command line, and files of the workstation.
pub mod host;
mod model_slot;
/// How much stack a function takes.
pub mod stack;

pub use code::inference_bytes;
pub use counter::{Check, Counter, CounterError, Unit};
pub use model_slot::model_slot;

/// The runtime, for the macro [`entry`](crate::entry).
#[doc(hidden)]
pub use cortex_m_rt;
