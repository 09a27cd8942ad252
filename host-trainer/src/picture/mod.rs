//! Pictures of digits: image files, contact sheets, and text for a terminal.

pub mod terminal;

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

/// Enlarges an image, each pixel to `scale` x `scale`.
pub fn enlarge(image: &GrayImage, scale: u32) -> GrayImage {
    imageops::resize(image, scale * image.width(), scale * image.height(), FilterType::Nearest)
}

/// Arranges images of one size in rows of `columns`, with `gap` pixels of the grey level `ground` between and around
/// them.
///
/// # Panics
/// When `images` is empty or `columns` is 0.
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

/// Adds a line of text below an image. Only `0` to `9` and `>` are drawn; other characters are left blank.
pub fn captioned(image: &GrayImage, text: &str) -> GrayImage {
    let mut captioned = GrayImage::new(image.width(), image.height() + GLYPH_HEIGHT + 2);
    imageops::replace(&mut captioned, image, 0, 0);
    let width = (GLYPH_WIDTH + 1) * text.len() as u32;
    let left = image.width().saturating_sub(width) / 2;
    for (character, x) in text.chars().zip((left..).step_by(GLYPH_WIDTH as usize + 1)) {
        for (dx, dy) in (0..GLYPH_HEIGHT).flat_map(|dy| (0..GLYPH_WIDTH).map(move |dx| (dx, dy))) {
            let bit = GLYPH_WIDTH * GLYPH_HEIGHT - 1 - (GLYPH_WIDTH * dy + dx);
            if glyph(character) >> bit & 1 == 1 && x + dx < captioned.width() {
                captioned.put_pixel(x + dx, image.height() + 1 + dy, Luma([CAPTION]));
            }
        }
    }
    captioned
}

const GLYPH_WIDTH: u32 = 3;
const GLYPH_HEIGHT: u32 = 5;
/// Grey, so that the caption is not taken for ink.
const CAPTION: u8 = 170;

/// A glyph's five rows of three bits, from the top.
fn glyph(character: char) -> u16 {
    match character {
        '0' => 0b111_101_101_101_111,
        '1' => 0b010_110_010_010_111,
        '2' => 0b111_001_111_100_111,
        '3' => 0b111_001_111_001_111,
        '4' => 0b101_101_111_001_001,
        '5' => 0b111_100_111_001_111,
        '6' => 0b111_100_111_101_111,
        '7' => 0b111_001_010_010_010,
        '8' => 0b111_101_111_101_111,
        '9' => 0b111_101_111_001_111,
        '>' => 0b100_010_001_010_100,
        _ => 0,
    }
}

/// Encodes an image as a PNG file.
pub fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, ImageFormat::Png).expect("an 8-bit image can be encoded in memory");
    bytes.into_inner()
}
