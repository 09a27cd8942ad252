//! LeNet-5 on a Cortex-M microcontroller.
//!
//! The network itself is in [`lenet_core`], the same code that the workstation's tests run. This crate adds what the
//! programs for a board share. Read the modules in this order; none uses a later one.
//!
//! 1. [`board`]: the name and core of the board. The build script generates the memory layout from `boards.txt`.
//! 2. [`console`]: text output to the emulator or debugger.
//! 3. [`exit`](mod@exit): how a program ends. The panic handler is there too.
//! 4. [`arch`]: everything that needs `unsafe` code, the fault handler for instance.
//! 5. [`slot`]: the model slot, a fixed area of the flash that is separate from the code.
//! 6. [`arguments`], [`digits`] and [`images`]: the command line, the built-in digits, and the images to classify.
//! 7. [`failure`]: the errors with which a program can end.
//! 8. [`text`] and [`inference`]: text formatting, and the call that is measured.
//! 9. The programs: [`demo`], [`bench`](mod@bench), [`verify`], and [`prepare`](mod@prepare) with its [`frames`].
//!
//! A binary only names the program that it runs:
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
pub mod failure;
pub mod frames;
pub mod images;
pub mod inference;
pub mod prepare;
pub mod slot;
pub mod text;
pub mod verify;
