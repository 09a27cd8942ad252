//! The model slot: the last part of the flash, at a fixed address apart from the code.
//!
//! The firmware is built with a model in the slot, but does not depend on it: any `.lenet` file can be
//! flashed there. What the slot holds is checked at every start.

use core::fmt;

use lenet_core::{Error, Model};

use crate::arch;

/// Why the slot's content cannot be used, where the slot is, and what to do.
#[derive(Clone, Copy, Debug)]
pub struct BadSlot(Error);

impl fmt::Display for BadSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = arch::model_slot();
        writeln!(f, "the model slot at {:p} ({} bytes) cannot be used:", slot.as_ptr(), slot.len())?;
        writeln!(f, "{}.", self.0)?;
        write!(f, "Flash a .lenet model file at {:p}, for example with probe-rs download.", slot.as_ptr())
    }
}

/// Checks the slot's content and returns the model in it.
///
/// # Errors
/// When it holds no valid model.
pub fn model() -> Result<Model<'static>, BadSlot> {
    // The slot goes on behind the file, so there is no end to check.
    Model::from_prefix(arch::model_slot()).map(|(model, _length)| model).map_err(BadSlot)
}
