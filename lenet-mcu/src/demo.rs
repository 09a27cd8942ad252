//! The demo: classifies images and prints the prediction and all logits of each. The images are the ten built-in digits,
//! or those of a file on the workstation.
//!
//! The last line is the CRC-32 over all logits. It shows that the board computed the same bits as the workstation.

use core::fmt::Write;

use lenet_core::checksum::Crc32;
use lenet_core::format::Description;
use lenet_core::{IMAGE_BYTES, LeNet5, Logits, Model};

use crate::arguments::Arguments;
use crate::console::Console;
use crate::digits;
use crate::failure::Failure;
use crate::images::Images;
use crate::text::{About, Percent, Picture};
use crate::{board, slot};

/// Logits in a line: 80 columns hold this many of the longest.
const LOGITS_PER_LINE: usize = 14;

/// Runs the demo.
///
/// # Errors
/// When the model slot does not contain a valid model, the image file or the command line is invalid, or the output
/// cannot be printed. A misread digit is not an error, because no model reads every digit correctly.
pub fn run(console: &mut Console) -> Result<(), Failure> {
    writeln!(console, "LeNet-5 on {} ({})", board::NAME, board::CORE)?;
    let model = slot::model()?;
    describe(console, &model.description())?;
    writeln!(console, "{}", About(&model))?;

    let mut images = Images::open(Arguments::read()?)?;
    let mut network = LeNet5::new(model);
    let mut pixels = [0; IMAGE_BYTES];
    let mut crc = Crc32::new();
    let (mut right, mut labelled) = (0, 0);
    while let Some(index) = images.read_next(&mut pixels)? {
        let logits = network.classify(&pixels);
        let digit = if images.are_built_in() { digits::all().nth(index).map(|digit| digit.label) } else { None };
        // A model of letters cannot be right or wrong about a digit.
        let is_right = digit.and_then(|digit| class_of(&model, digit)).map(|class| class == logits.class());
        write!(console, "\n{}", Picture(&pixels))?;
        match digit {
            Some(digit) => write!(console, "digit {index}: label {digit}, ")?,
            None => write!(console, "image {index}: ")?,
        }
        report(console, &model, &logits)?;
        writeln!(console, "{}", if is_right == Some(false) { ", WRONG" } else { "" })?;
        print_logits(console, &logits)?;
        crc.update_logits(&logits);
        labelled += u32::from(is_right.is_some());
        right += u32::from(is_right == Some(true));
    }
    writeln!(console)?;
    if labelled > 0 {
        writeln!(console, "{right} of {labelled} digits right")?;
    }
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

/// Prints the answer and the next two classes, each with its probability.
fn report(console: &mut Console, model: &Model<'_>, logits: &Logits) -> Result<(), Failure> {
    if model.answer(logits).is_none() {
        write!(console, "refused, ")?;
    }
    for (candidate, before) in logits.top::<3>().iter().zip(["predicted ", ", then ", ", "]) {
        let label = model.labels().get(candidate.class).unwrap_or_default();
        write!(console, "{before}{label} ({})", Percent::<1>(candidate.probability))?;
    }
    Ok(())
}

fn print_logits(console: &mut Console, logits: &Logits) -> Result<(), Failure> {
    for (line, values) in logits.values().chunks(LOGITS_PER_LINE).enumerate() {
        write!(console, "{}", if line == 0 { "logits:" } else { "\n       " })?;
        for value in values {
            write!(console, " {value}")?;
        }
    }
    writeln!(console)?;
    Ok(())
}

/// The class whose label is this digit.
fn class_of(model: &Model<'_>, digit: u8) -> Option<usize> {
    model.labels().iter().position(|label| label.as_bytes() == [b'0' + digit])
}
