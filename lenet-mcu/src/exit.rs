//! How a program ends: it tells the emulator or debugger whether it succeeded, and stops.

use core::fmt::{self, Display, Write};
use core::panic::PanicInfo;

use cortex_m_semihosting::debug::{EXIT_FAILURE, EXIT_SUCCESS, ExitStatus};

use crate::arch::CounterError;
use crate::arguments::BadArguments;
use crate::console::Console;
use crate::images::BadImages;
use crate::slot::BadSlot;

/// Why a program ends before it is done.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The model slot holds no valid model.
    Model(BadSlot),
    /// The console does not take what is printed.
    Console,
    /// The command line cannot be understood.
    Arguments(BadArguments),
    /// The image file cannot be used.
    Images(BadImages),
    /// Nothing can be counted.
    Counter(CounterError),
    /// Skipping blank input has changed what a layer makes of an image.
    SkippingDiffers {
        /// The image, from 0.
        image: usize,
        /// The first layer whose output differs.
        layer: &'static str,
    },
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(bad_slot) => bad_slot.fmt(f),
            Self::Console => f.write_str("the semihosting console does not take the output"),
            Self::Arguments(bad_arguments) => bad_arguments.fmt(f),
            Self::Images(bad_images) => bad_images.fmt(f),
            Self::Counter(error) => error.fmt(f),
            Self::SkippingDiffers { image, layer } => {
                write!(f, "image {image}: skipping blank input gives other bits than computing it, in {layer}")
            }
        }
    }
}

impl From<BadSlot> for Failure {
    fn from(bad_slot: BadSlot) -> Self {
        Self::Model(bad_slot)
    }
}

impl From<BadArguments> for Failure {
    fn from(bad_arguments: BadArguments) -> Self {
        Self::Arguments(bad_arguments)
    }
}

impl From<BadImages> for Failure {
    fn from(bad_images: BadImages) -> Self {
        Self::Images(bad_images)
    }
}

impl From<CounterError> for Failure {
    fn from(error: CounterError) -> Self {
        Self::Counter(error)
    }
}

impl From<fmt::Error> for Failure {
    fn from(fmt::Error: fmt::Error) -> Self {
        Self::Console
    }
}

/// Runs a program and ends with its success or failure.
pub fn run(program: impl FnOnce(&mut Console) -> Result<(), Failure>) -> ! {
    match complete(program) {
        Ok(()) => stop(EXIT_SUCCESS),
        Err(failure) => fail(failure),
    }
}

fn complete(program: impl FnOnce(&mut Console) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut console = Console::stdout()?;
    program(&mut console)?;
    Ok(console.flush()?)
}

/// Says what went wrong, if it still can, and ends with failure.
pub fn fail(message: impl Display) -> ! {
    if let Ok(mut console) = Console::stderr() {
        // Nobody is left to tell that not even this can be printed.
        let _ = writeln!(console, "error: {message}");
    }
    stop(EXIT_FAILURE)
}

fn stop(status: ExitStatus) -> ! {
    cortex_m_semihosting::debug::exit(status);
    // The emulator does not come here; a debugger may let the board go on.
    loop {
        cortex_m::asm::wfi();
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    fail(info)
}
