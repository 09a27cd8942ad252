//! The ten built-in digits: the first test images of the embedded data set.

use lenet_core::{IMAGE_BYTES, Pixels};

static PIXELS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/pixels.bin"));
static LABELS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/labels.bin"));

/// A handwritten digit with its label.
#[derive(Clone, Copy, Debug)]
pub struct Digit {
    /// The image.
    pub pixels: &'static Pixels,
    /// The digit that was written, 0 to 9.
    pub label: u8,
}

/// The ten digits, in the order of the data set.
pub fn all() -> impl Iterator<Item = Digit> {
    let (images, _rest) = PIXELS.as_chunks::<IMAGE_BYTES>();
    images.iter().zip(LABELS).map(|(pixels, label)| Digit { pixels, label: *label })
}
