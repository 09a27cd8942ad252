//! How a program ends: it reports success or failure to the emulator or debugger, and stops.

use core::fmt::{self, Display, Write};
use core::panic::PanicInfo;

use cortex_m_semihosting::debug::{EXIT_FAILURE, EXIT_SUCCESS, ExitStatus};

use crate::console::Console;

/// Runs a program, and ends with success, or with failure after printing the error.
pub fn run<E: Display + From<fmt::Error>>(program: impl FnOnce(&mut Console) -> Result<(), E>) -> ! {
    match complete(program) {
        Ok(()) => stop(EXIT_SUCCESS),
        Err(error) => fail(error),
    }
}

fn complete<E: From<fmt::Error>>(program: impl FnOnce(&mut Console) -> Result<(), E>) -> Result<(), E> {
    let mut console = Console::stdout()?;
    program(&mut console)?;
    Ok(console.flush()?)
}

/// Prints an error message, if that is still possible, and ends with failure.
pub fn fail(message: impl Display) -> ! {
    if let Ok(mut console) = Console::stderr() {
        // If this fails too, there is nowhere left to report it.
        let _ = writeln!(console, "error: {message}");
    }
    stop(EXIT_FAILURE)
}

fn stop(status: ExitStatus) -> ! {
    cortex_m_semihosting::debug::exit(status);
    // The emulator never gets here. A debugger may let the board continue.
    loop {
        cortex_m::asm::wfi();
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    fail(info)
}
