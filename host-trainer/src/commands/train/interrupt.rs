use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on the first Ctrl-C only raises a flag, so that work can end in good order; the second
/// ends the program at once.
pub(super) fn catch() -> Result<()> {
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(Error::INTERRUPTED_CODE.into());
        }
    })
    .map_err(|error| Error::Usage(format!("cannot watch for Ctrl-C: {error}")))
}

/// Whether there was a Ctrl-C.
pub(super) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
