use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Makes the first Ctrl-C only set a flag, so that the run can write its checkpoint and stop. The
/// second ends the program at once.
pub(super) fn catch() -> Result<()> {
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(Error::INTERRUPTED_CODE.into());
        }
    })
    .map_err(|error| Error::Usage(format!("cannot install a handler for Ctrl-C: {error}")))
}

/// Whether Ctrl-C was pressed.
pub(super) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
