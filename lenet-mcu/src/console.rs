//! Text output by semihosting: the emulator, or the debugger that holds the board, prints it.
//!
//! Each semihosting call stops the processor, on a real board for milliseconds. So text is collected
//! and passed on line by line.

use core::fmt;

use cortex_m_semihosting::hio::{self, HostStream};
use heapless::Vec;

/// Longer lines are passed on in pieces.
const LINE_BYTES: usize = 96;

/// One of the workstation's output streams.
pub struct Console {
    stream: HostStream,
    line: Vec<u8, LINE_BYTES>,
}

impl Console {
    /// The standard output.
    ///
    /// # Errors
    /// When the other side of the semihosting refuses to open it.
    pub fn stdout() -> Result<Self, fmt::Error> {
        Self::new(hio::hstdout())
    }

    /// The standard error output.
    ///
    /// # Errors
    /// When the other side of the semihosting refuses to open it.
    pub fn stderr() -> Result<Self, fmt::Error> {
        Self::new(hio::hstderr())
    }

    fn new(stream: Result<HostStream, ()>) -> Result<Self, fmt::Error> {
        Ok(Self { stream: stream.map_err(|()| fmt::Error)?, line: Vec::new() })
    }

    /// Passes on what was collected of a line.
    ///
    /// # Errors
    /// When the other side does not take it.
    pub fn flush(&mut self) -> fmt::Result {
        let written = self.stream.write_all(&self.line).map_err(|()| fmt::Error);
        self.line.clear();
        written
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.line.is_full() {
                self.flush()?;
            }
            // There is room: the line was not full, or has just been emptied.
            let _ = self.line.push(byte);
            if byte == b'\n' {
                self.flush()?;
            }
        }
        Ok(())
    }
}
