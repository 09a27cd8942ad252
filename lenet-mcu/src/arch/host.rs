#![allow(unsafe_code)] // Semihosting calls are handed addresses.

use core::cell::UnsafeCell;
use core::ffi::CStr;

use cortex_m_semihosting::{nr, syscall};

/// What the command line may have at most, with the zero byte at its end.
const COMMAND_LINE_BYTES: usize = 512;

/// What a failed semihosting call returns.
const FAILED: usize = usize::MAX;

/// The command line that the emulator or debugger gives the program, the program's name first. None without one,
/// with one that is too long, and when asked for a second time.
pub fn command_line() -> Option<&'static CStr> {
    let buffer = cortex_m::singleton!(COMMAND_LINE: [u8; COMMAND_LINE_BYTES] = [0; COMMAND_LINE_BYTES])?;
    // The other side writes the length behind the pointer.
    let block = UnsafeCell::new([buffer.as_mut_ptr() as usize, COMMAND_LINE_BYTES]);
    // SAFETY: the other side writes at most so many bytes to the buffer, which is borrowed mutably, and two words
    // to the block, which is a cell.
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
    /// Opens it.
    pub fn open(path: &CStr) -> Option<Self> {
        let block = [path.as_ptr() as usize, nr::open::R_BINARY, path.count_bytes()];
        // SAFETY: the other side reads the path, of this length without the zero byte that follows it.
        match unsafe { syscall(nr::OPEN, &block) } {
            FAILED => None,
            handle => Some(Self { handle }),
        }
    }

    /// Its length in bytes.
    pub fn bytes(&self) -> Option<usize> {
        // SAFETY: the call has no effect on memory.
        match unsafe { syscall(nr::FLEN, &[self.handle]) } {
            FAILED => None,
            length => Some(length),
        }
    }

    /// Reads on, to fill the buffer.
    pub fn read_exact(&mut self, buffer: &mut [u8]) -> Option<()> {
        let block = [self.handle, buffer.as_mut_ptr() as usize, buffer.len()];
        // SAFETY: the other side writes at most so many bytes to the buffer, which is borrowed mutably.
        let missing = unsafe { syscall(nr::READ, &block) };
        (missing == 0).then_some(())
    }
}
