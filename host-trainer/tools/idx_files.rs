//! Writes a data set as the four gzip-compressed IDX files of MNIST, the same bytes on every machine.
//!
//! miniz_oxide compresses them, in the version that Cargo.lock pins. Through flate2 it would be whichever compressor
//! the features of another package choose.

use std::error::Error;
use std::fs;
use std::path::Path;

use flate2::Crc;
use miniz_oxide::deflate::{CompressionLevel, compress_to_vec};

pub(crate) const SIDE: usize = 28;

pub(crate) struct Image {
    pub(crate) label: u8,
    /// Position among the images of its class and split, in (0, 1). Sorting by it mixes the classes.
    pub(crate) position: f64,
    pub(crate) pixels: Vec<u8>,
}

/// Spreads the images of one class and split evenly.
pub(crate) fn positioned(class: usize, images: Vec<Vec<u8>>) -> impl Iterator<Item = Image> {
    let count = images.len() as f64;
    images.into_iter().enumerate().map(move |(index, pixels)| Image {
        label: class as u8,
        position: (index as f64 + 0.5) / count,
        pixels,
    })
}

/// Mixes the classes evenly: the first images are one of each class.
pub(crate) fn interleave(images: &mut [Image]) {
    images.sort_by(|a, b| a.position.total_cmp(&b.position).then(a.label.cmp(&b.label)));
}

/// Writes `NAME-images-idx3-ubyte.gz` and `NAME-labels-idx1-ubyte.gz`.
pub(crate) fn write_idx(target: &Path, name: &str, images: &[Image]) -> Result<(), Box<dyn Error>> {
    let count = (images.len() as u32).to_be_bytes();
    let side = (SIDE as u32).to_be_bytes();
    let mut pixels = [&[0, 0, 8, 3], &count, &side, &side].map(<[u8; 4]>::as_slice).concat();
    let mut labels = [&[0, 0, 8, 1], &count].map(<[u8; 4]>::as_slice).concat();
    for image in images {
        pixels.extend_from_slice(&image.pixels);
        labels.push(image.label);
    }
    for (kind, bytes) in [("images-idx3", pixels), ("labels-idx1", labels)] {
        fs::write(target.join(format!("{name}-{kind}-ubyte.gz")), gzip(&bytes))?;
    }
    Ok(())
}

/// The header has no name and no time, so that the bytes depend on the content only.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    const DEFLATE: u8 = 8;
    const SLOWEST: u8 = 2;
    const UNKNOWN_SYSTEM: u8 = 255;
    let header = [0x1f, 0x8b, DEFLATE, 0, 0, 0, 0, 0, SLOWEST, UNKNOWN_SYSTEM];
    let mut check = Crc::new();
    check.update(bytes);
    let body = compress_to_vec(bytes, CompressionLevel::BestCompression as u8);
    [&header[..], &body, &check.sum().to_le_bytes(), &(bytes.len() as u32).to_le_bytes()].concat()
}
