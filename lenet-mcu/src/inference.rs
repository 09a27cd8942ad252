//! The inference that is measured, out of line: the linker tells its code apart by this module's name.

use lenet_core::{Blank, LeNet5, Logits, Pixels};

/// [`LeNet5::classify`], with a choice about blank input.
#[inline(never)]
pub fn classify(network: &mut LeNet5<'_>, pixels: &Pixels, blank: Blank) -> Logits {
    network.classify_with(pixels, blank, |_| ())
}
