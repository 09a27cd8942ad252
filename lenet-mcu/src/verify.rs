//! Checks that skipping blank input does not change the result, and that the board computes the same activations as the
//! workstation: classifies every image with and without skipping, compares the two layer by layer, and prints for each
//! layer a CRC-32 over its activations for all images.

use core::fmt::Write;

use lenet_core::checksum::{Crc32, crc32};
use lenet_core::{Blank, IMAGE_BYTES, LeNet5, Logits, Workspace};

use crate::arguments::Arguments;
use crate::console::Console;
use crate::failure::Failure;
use crate::images::Images;
use crate::text::About;
use crate::{board, inference, slot};

/// Runs the check.
///
/// # Errors
/// When the model, the image file or the command line is invalid, when the output cannot be printed, and when skipping
/// changes an activation or a logit.
pub fn run(console: &mut Console) -> Result<(), Failure> {
    let model = slot::model()?;
    let mut images = Images::open(Arguments::read()?)?;
    let mut network = LeNet5::new(model);
    let mut pixels = [0; IMAGE_BYTES];
    let mut crcs = [(); 5].map(|()| Crc32::new());
    let [pool1, pool2, fc1, fc2, logits] = &mut crcs;
    while let Some(image) = images.read_next(&mut pixels)? {
        // The RAM may be too small for two sets of activations, so checksums are compared.
        let logits_of_dense = inference::classify(&mut network, &pixels, Blank::Compute);
        let dense = checksums(network.workspace(), &logits_of_dense);
        let logits_of_skipping = inference::classify(&mut network, &pixels, Blank::Skip);
        let skipping = checksums(network.workspace(), &logits_of_skipping);
        for ((name, dense), skipping) in LAYERS.into_iter().zip(dense).zip(skipping) {
            if dense != skipping {
                return Err(Failure::SkippingDiffers { image, layer: name });
            }
        }
        let workspace = network.workspace();
        workspace.pool1().for_each(|u| pool1.update(&[u]));
        pool2.update(workspace.pool2());
        fc1.update(workspace.fc1());
        fc2.update(workspace.fc2());
        logits.update_logits(&logits_of_skipping);
    }
    writeln!(console, "LeNet-5 on {} ({})", board::NAME, board::CORE)?;
    writeln!(console, "{}", About(&model))?;
    writeln!(console, "{} images: skipping blank input changes nothing. CRC-32 by layer:", images.count())?;
    for (name, crc) in LAYERS.into_iter().zip(crcs) {
        writeln!(console, "{name} {:08x}", crc.finish())?;
    }
    Ok(())
}

const LAYERS: [&str; 5] = ["pool1", "pool2", "fc1", "fc2", "logits"];

/// The CRC-32s of one image's activations and logits, in the order of [`LAYERS`].
fn checksums(workspace: &Workspace, logits: &Logits) -> [u32; 5] {
    let mut pool1 = Crc32::new();
    workspace.pool1().for_each(|u| pool1.update(&[u]));
    let mut of_logits = Crc32::new();
    of_logits.update_logits(logits);
    let [pool2, fc1, fc2] = [&workspace.pool2()[..], workspace.fc1(), workspace.fc2()].map(crc32);
    [pool1.finish(), pool2, fc1, fc2, of_logits.finish()]
}
