//! The ten digits of the demonstration, the first test images of the embedded data set.

use lenet_core::{IMAGE_BYTES, Pixels};

static PIXELS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/pixels.bin"));
static LABELS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/labels.bin"));

/// A digit somebody wrote.
#[derive(Clone, Copy, Debug)]
pub struct Digit {
    /// The image.
    pub pixels: &'static Pixels,
    /// Which digit it is.
    pub label: u8,
}

/// The ten digits, in the data set's order.
pub fn all() -> impl Iterator<Item = Digit> {
    let (images, _rest) = PIXELS.as_chunks::<IMAGE_BYTES>();
    images.iter().zip(LABELS).map(|(pixels, label)| Digit { pixels, label: *label })
}
