//! LeNet-5 on a Cortex-M microcontroller.
//!
//! The network itself is [`lenet_core`], the very code the workstation's tests run. This crate adds
//! what a board needs around it, once for all binaries:
//!
//! 1. [`board`]: which board this is. Its memory layout comes from `boards.txt`, by way of the build script.
//! 2. [`slot`]: the model slot, a fixed part of the flash apart from the code.
//! 3. [`console`]: text to the workstation that holds the debugger, or the emulator.
//! 4. [`exit`](mod@exit): how a program ends, well or not; the panic handler is there.
//! 5. [`arch`]: what only `unsafe` code can do. No other module has any.
//! 6. [`digits`], [`text`] and [`demo`]: the demonstration.
//! 7. [`arguments`] and [`images`]: the command line, and the images it names.
//! 8. [`inference`] and [`bench`](mod@bench): what an inference takes. [`verify`]: skipping changes nothing.
//!
//! A binary names the program it runs and nothing else:
//!
//! ```ignore
//! #![no_std]
//! #![no_main]
//!
//! lenet_mcu::entry!(lenet_mcu::demo::run);
//! ```

#![no_std]

pub mod arch;
pub mod arguments;
pub mod bench;
pub mod board;
pub mod console;
pub mod demo;
pub mod digits;
pub mod exit;
pub mod images;
pub mod inference;
pub mod slot;
pub mod text;
pub mod verify;
