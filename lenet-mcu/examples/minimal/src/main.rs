//! The smallest firmware that uses lenet-core: a model, an image and a result.
//!
//! It classifies the image and stores the class in [`CLASS`]. It prints nothing and needs no debugger. Whatever your
//! program does with the class, such as lighting an LED, goes where the loop is.

#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod arch;

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU8, Ordering};

use lenet_core::{LeNet5, Model, Pixels, include_model};

/// The model file, aligned as the network needs it.
static MODEL: &[u8] = include_model!("../../../../data/digits-10k/digits-10k.lenet");

/// A handwritten seven: 28 rows of 28 pixels, from 0 (paper) to 255 (ink), which are the last bytes of a PGM file.
static IMAGE: &Pixels = include_bytes!("../seven.pgm").last_chunk().expect("the file is shorter than an image");

/// The class of the image, 0 to 9, or one of the two values below.
// Nothing here reads it: without `used` the compiler would remove it.
#[used]
static CLASS: AtomicU8 = AtomicU8::new(NOT_YET);

/// The network has not finished.
const NOT_YET: u8 = 255;
/// The model file is damaged, or its version is not supported.
const BAD_MODEL: u8 = 254;

fn main() -> ! {
    // Everything is checked here, once. After that nothing can fail.
    let class = match Model::from_bytes(MODEL) {
        Ok(model) => LeNet5::new(model).classify(IMAGE).class() as u8,
        Err(_) => BAD_MODEL,
    };
    CLASS.store(class, Ordering::Relaxed);
    loop {
        core::hint::spin_loop();
    }
}

/// Required by Rust, but never called: neither lenet-core nor the code above panics.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
