//! Everything that needs `unsafe` code: the entry point, the model slot and the fault handler; for the benchmark, the
//! counter of instructions or cycles, the stack measurement and the size of the code; access to files on the
//! workstation.
//!
//! The workspace denies `unsafe_code`. These modules are the firmware's only exceptions, and every use of it is
//! justified by a comment.

mod code;
mod counter;
mod entry;
mod fault;
/// Semihosting: the command line, and files on the workstation.
pub mod host;
mod model_slot;
/// Measuring how much stack a function uses.
pub mod stack;

pub use code::{inference_bytes, preparation_bytes};
pub use counter::{Check, Counter, CounterError, Unit};
pub use model_slot::model_slot;

/// The runtime crate, used by the macro [`entry`](crate::entry).
#[doc(hidden)]
pub use cortex_m_rt;
