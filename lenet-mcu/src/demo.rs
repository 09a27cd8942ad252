//! The demo: classifies the ten built-in digits and prints the prediction and all logits of each.
//!
//! The last line is the CRC-32 over all logits. It shows that the board computed the same bits as the workstation.

use core::fmt::Write;

use lenet_core::checksum::Crc32;
use lenet_core::format::Description;
use lenet_core::{LeNet5, Logits};

use crate::console::Console;
use crate::digits::{self, Digit};
use crate::failure::Failure;
use crate::text::{Percent, Picture};
use crate::{board, slot};

/// Runs the demo.
///
/// # Errors
/// When the model slot does not contain a valid model, or the output cannot be printed. A misread digit is not an
/// error, because no model reads every digit correctly.
pub fn run(console: &mut Console) -> Result<(), Failure> {
    writeln!(console, "LeNet-5 on {} ({})", board::NAME, board::CORE)?;
    let model = slot::model()?;
    describe(console, &model.description())?;

    let mut network = LeNet5::new(model);
    let mut crc = Crc32::new();
    let (mut right, mut count) = (0, 0);
    for (index, digit) in digits::all().enumerate() {
        let logits = network.classify(digit.pixels);
        report(console, index, digit, &logits)?;
        crc.update_logits(&logits);
        right += u32::from(is_right(digit, &logits));
        count += 1;
    }
    writeln!(console, "\n{right} of {count} digits right")?;
    writeln!(console, "crc32 {:08x}", crc.finish())?;
    Ok(())
}

/// Prints where the model comes from. The name of the data set is cut to 60 characters, so that it fits the line.
fn describe(console: &mut Console, description: &Description<'_>) -> Result<(), Failure> {
    writeln!(console, "model trained on {:.60}", description.data_set)?;
    match description.int8_accuracy {
        Some(accuracy) => writeln!(console, "int8 accuracy on its test images {}", Percent::<2>(accuracy))?,
        None => writeln!(console, "int8 accuracy on its test images not measured")?,
    }
    Ok(())
}

/// Prints the digit, its three most probable classes and all logits.
fn report(console: &mut Console, index: usize, digit: Digit, logits: &Logits) -> Result<(), Failure> {
    write!(console, "\n{}", Picture(digit.pixels))?;
    write!(console, "digit {index}: label {}", digit.label)?;
    for (candidate, before) in logits.top::<3>().iter().zip([", predicted ", ", then ", ", "]) {
        write!(console, "{before}{} ({})", candidate.class, Percent::<1>(candidate.probability))?;
    }
    writeln!(console, "{}", if is_right(digit, logits) { "" } else { ", WRONG" })?;
    write!(console, "logits:")?;
    for value in logits.values {
        write!(console, " {value}")?;
    }
    writeln!(console)?;
    Ok(())
}

fn is_right(digit: Digit, logits: &Logits) -> bool {
    logits.class() == usize::from(digit.label)
}
