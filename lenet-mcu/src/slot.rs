//! The model slot: the end of the flash, at a fixed address and separate from the code.
//!
//! The firmware is built with a model in the slot, but any other `.lenet` file can be flashed there later. The contents
//! of the slot are checked at every start.

use core::fmt;

use lenet_core::{Error, Model};

use crate::arch;

/// Why the contents of the slot cannot be used. The message names the address of the slot and the remedy.
#[derive(Clone, Copy, Debug)]
pub struct BadSlot(Error);

impl fmt::Display for BadSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = arch::model_slot();
        writeln!(f, "the model slot at {:p} ({} bytes) does not contain a valid model:", slot.as_ptr(), slot.len())?;
        writeln!(f, "{}.", self.0)?;
        write!(f, "Flash a .lenet model file at {:p}, for example with probe-rs download.", slot.as_ptr())
    }
}

/// Checks the slot and returns the model in it.
///
/// # Errors
/// When the slot does not contain a valid model.
pub fn model() -> Result<Model<'static>, BadSlot> {
    // The slot is longer than the file, so bytes after the file are allowed.
    Model::from_prefix(arch::model_slot()).map(|(model, _length)| model).map_err(BadSlot)
}
