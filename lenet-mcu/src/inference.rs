//! The inference that is measured. It is not inlined, so that the linker script can find its code by the name of this
//! module.

use lenet_core::{Blank, LeNet5, Logits, Pixels};

/// [`LeNet5::classify`], with a choice whether to skip blank input.
#[inline(never)]
pub fn classify(network: &mut LeNet5<'_>, pixels: &Pixels, blank: Blank) -> Logits {
    network.classify_with(pixels, blank, |_| ())
}
