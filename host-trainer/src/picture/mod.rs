//! Digits as pictures: files, contact sheets, and what stands for them on a terminal.

use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use lenet_core::Pixels;
use lenet_core::architecture::IMAGE_SIDE;

const SIDE: u32 = IMAGE_SIDE as u32;

/// A digit as an image of 28x28 pixels, 255 is full ink.
pub fn digit(pixels: &Pixels) -> GrayImage {
    GrayImage::from_raw(SIDE, SIDE, pixels.to_vec()).expect("28 x 28 pixels")
}

/// An image with `scale` pixels for each one, along both sides.
pub fn enlarge(image: &GrayImage, scale: u32) -> GrayImage {
    imageops::resize(image, scale * image.width(), scale * image.height(), FilterType::Nearest)
}

/// Images of one size side by side, `columns` to a row, with `gap` pixels of `ground` between them and around all.
///
/// # Panics
/// When there is no image or no column.
pub fn sheet(images: &[GrayImage], columns: usize, gap: u32, ground: u8) -> GrayImage {
    let (width, height) = images[0].dimensions();
    let columns = columns.min(images.len());
    let rows = images.len().div_ceil(columns);
    let side = |count: usize, length: u32| count as u32 * (length + gap) + gap;
    let mut sheet = GrayImage::from_pixel(side(columns, width), side(rows, height), Luma([ground]));
    for (index, image) in images.iter().enumerate() {
        let (x, y) = (side(index % columns, width), side(index / columns, height));
        imageops::replace(&mut sheet, image, x.into(), y.into());
    }
    sheet
}

/// The bytes of a PNG file.
pub fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, ImageFormat::Png).expect("memory takes any image of 8 bits");
    bytes.into_inner()
}
