//! Text output by semihosting: the emulator or the attached debugger prints it.
//!
//! Each semihosting call halts the processor, on a real board for milliseconds. Text is therefore buffered and sent
//! line by line.

use core::fmt;

use cortex_m_semihosting::hio::{self, HostStream};
use heapless::Vec;

/// Size of the buffer. A longer line is sent in pieces.
const LINE_BYTES: usize = 96;

/// An output stream of the workstation.
pub struct Console {
    stream: HostStream,
    line: Vec<u8, LINE_BYTES>,
}

impl Console {
    /// The standard output.
    ///
    /// # Errors
    /// When the emulator or debugger cannot open it.
    pub fn stdout() -> Result<Self, fmt::Error> {
        Self::new(hio::hstdout())
    }

    /// The standard error.
    ///
    /// # Errors
    /// When the emulator or debugger cannot open it.
    pub fn stderr() -> Result<Self, fmt::Error> {
        Self::new(hio::hstderr())
    }

    fn new(stream: Result<HostStream, ()>) -> Result<Self, fmt::Error> {
        Ok(Self { stream: stream.map_err(|()| fmt::Error)?, line: Vec::new() })
    }

    /// Sends what is in the buffer.
    ///
    /// # Errors
    /// When the emulator or debugger refuses it.
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
            // There is room: the buffer was not full, or has just been emptied.
            let _ = self.line.push(byte);
            if byte == b'\n' {
                self.flush()?;
            }
        }
        Ok(())
    }
}
