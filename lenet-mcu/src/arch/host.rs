#![allow(unsafe_code)] // Semihosting calls take addresses.

use core::cell::UnsafeCell;
use core::ffi::CStr;

use cortex_m_semihosting::{nr, syscall};

/// The maximum length of the command line, including the zero byte at its end.
const COMMAND_LINE_BYTES: usize = 512;

/// The return value of a failed semihosting call.
const FAILED: usize = usize::MAX;

/// The command line from the emulator or debugger. The first word is the name of the program. Returns `None` if there
/// is no command line, if it is too long, and on a second call.
pub fn command_line() -> Option<&'static CStr> {
    let buffer = cortex_m::singleton!(COMMAND_LINE: [u8; COMMAND_LINE_BYTES] = [0; COMMAND_LINE_BYTES])?;
    // The emulator or debugger replaces the second word by the length of the command line.
    let block = UnsafeCell::new([buffer.as_mut_ptr() as usize, COMMAND_LINE_BYTES]);
    // SAFETY: the call writes at most this number of bytes to the buffer, which is borrowed mutably, and at most two
    // words to the block, which is a cell.
    let status = unsafe { syscall(nr::GET_CMDLINE, &block) };
    if status == FAILED {
        return None;
    }
    CStr::from_bytes_until_nul(buffer).ok()
}

/// A file on the workstation, open for reading.
#[derive(Debug)]
pub struct File {
    handle: usize,
}

impl File {
    /// Opens the file, or returns `None` if that fails.
    pub fn open(path: &CStr) -> Option<Self> {
        let block = [path.as_ptr() as usize, nr::open::R_BINARY, path.count_bytes()];
        // SAFETY: the call reads the path. The length does not include the zero byte at its end.
        match unsafe { syscall(nr::OPEN, &block) } {
            FAILED => None,
            handle => Some(Self { handle }),
        }
    }

    /// The length in bytes, or `None` if it is unknown.
    pub fn bytes(&self) -> Option<usize> {
        // SAFETY: the call does not write to memory.
        match unsafe { syscall(nr::FLEN, &[self.handle]) } {
            FAILED => None,
            length => Some(length),
        }
    }

    /// Fills the buffer with the next bytes, or returns `None` if the file has fewer or cannot be read.
    pub fn read_exact(&mut self, buffer: &mut [u8]) -> Option<()> {
        let block = [self.handle, buffer.as_mut_ptr() as usize, buffer.len()];
        // SAFETY: the call writes at most this number of bytes to the buffer, which is borrowed mutably.
        let missing = unsafe { syscall(nr::READ, &block) };
        (missing == 0).then_some(())
    }
}
