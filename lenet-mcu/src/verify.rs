//! The proof that skipping blank input changes nothing, and that a board computes the workstation's activations:
//! classifies every image with skipping and without, compares layer by layer, and prints a CRC-32 over all
//! images' activations of each layer.

use core::fmt::Write;

use lenet_core::checksum::Crc32;
use lenet_core::{Blank, CLASSES, IMAGE_BYTES, LeNet5, Logits};

use crate::arguments::Arguments;
use crate::console::Console;
use crate::exit::Failure;
use crate::images::Images;
use crate::{board, inference, slot};

/// Verifies.
///
/// # Errors
/// When the model, an image file or the command line is at fault, when the output cannot be printed, and when
/// skipping changes an activation or a logit.
pub fn run(console: &mut Console) -> Result<(), Failure> {
    let model = slot::model()?;
    let mut images = Images::open(Arguments::read()?)?;
    let mut network = LeNet5::new(model);
    let mut pixels = [0; IMAGE_BYTES];
    let mut outputs = ["pool1", "pool2", "fc1", "fc2", "logits"].map(Output::new);
    let [pool1, pool2, fc1, fc2, logits] = &mut outputs;
    while let Some(image) = images.read_next(&mut pixels)? {
        let dense_logits = inference::classify(&mut network, &pixels, Blank::Compute);
        let dense = network.workspace().clone();
        let skipping_logits = inference::classify(&mut network, &pixels, Blank::Skip);
        let skipping = network.workspace();
        pool1.add(image, dense.pool1(), skipping.pool1())?;
        pool2.add(image, dense.pool2(), skipping.pool2())?;
        fc1.add(image, dense.fc1(), skipping.fc1())?;
        fc2.add(image, dense.fc2(), skipping.fc2())?;
        logits.add(image, bytes(&dense_logits), bytes(&skipping_logits))?;
    }
    writeln!(console, "LeNet-5 on {} ({})", board::NAME, board::CORE)?;
    writeln!(console, "{} images: skipping changes nothing. CRC-32 of all activations:", images.count())?;
    for Output { name, crc } in outputs {
        writeln!(console, "{name} {:08x}", crc.finish())?;
    }
    Ok(())
}

/// A layer's activations of all images.
struct Output {
    name: &'static str,
    crc: Crc32,
}

impl Output {
    fn new(name: &'static str) -> Self {
        Self { name, crc: Crc32::new() }
    }

    /// Appends an image's, which must be the same with skipping.
    fn add(&mut self, image: usize, dense: impl AsRef<[u8]>, skipping: impl AsRef<[u8]>) -> Result<(), Failure> {
        if dense.as_ref() != skipping.as_ref() {
            return Err(Failure::SkippingDiffers { image, layer: self.name });
        }
        self.crc.update(dense.as_ref());
        Ok(())
    }
}

fn bytes(logits: &Logits) -> [u8; CLASSES] {
    logits.values.map(i8::cast_unsigned)
}
