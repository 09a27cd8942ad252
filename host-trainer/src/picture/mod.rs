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

/// Whether a text can be drawn completely below an image of this width.
pub fn fits_below(text: &str, width: u32) -> bool {
    let drawn = text.chars().all(|character| glyph(character) != 0);
    drawn && (GLYPH_WIDTH + 1) * text.chars().count() as u32 <= width + 1
}

/// Adds a line of text below an image. Only `0` to `9`, `A` to `Z` and `>` are drawn; other characters are left blank.
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
        'A' => 0b010_101_111_101_101,
        'B' => 0b110_101_110_101_110,
        'C' => 0b011_100_100_100_011,
        'D' => 0b110_101_101_101_110,
        'E' => 0b111_100_110_100_111,
        'F' => 0b111_100_110_100_100,
        'G' => 0b011_100_101_101_011,
        'H' => 0b101_101_111_101_101,
        'I' => 0b111_010_010_010_111,
        'J' => 0b001_001_001_101_010,
        'K' => 0b101_101_110_101_101,
        'L' => 0b100_100_100_100_111,
        'M' => 0b101_111_111_101_101,
        'N' => 0b110_101_101_101_101,
        'O' => 0b010_101_101_101_010,
        'P' => 0b110_101_110_100_100,
        'Q' => 0b010_101_101_110_011,
        'R' => 0b110_101_110_101_101,
        'S' => 0b011_100_010_001_110,
        'T' => 0b111_010_010_010_010,
        'U' => 0b101_101_101_101_111,
        'V' => 0b101_101_101_101_010,
        'W' => 0b101_101_111_111_101,
        'X' => 0b101_101_010_101_101,
        'Y' => 0b101_101_010_010_010,
        'Z' => 0b111_001_010_100_111,
        _ => 0,
    }
}

/// Encodes an image as a PNG file.
pub fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, ImageFormat::Png).expect("an 8-bit image can be encoded in memory");
    bytes.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_drawn_if_they_fit() {
        assert!(fits_below("12>34", SIDE) && fits_below("A>B", SIDE) && fits_below("WXYZ>QR", SIDE));
        assert!(!fits_below("plus>A", SIDE) && !fits_below("ABCD>EFG", SIDE) && !fits_below("さ>し", SIDE));
        let glyphs: Vec<u16> = ('0'..='9').chain('A'..='Z').map(glyph).collect();
        for (index, one) in glyphs.iter().enumerate() {
            // O and 0, S and 5, Z and 2 look alike, but no two are the same.
            assert!(!glyphs[..index].contains(one), "{index}");
        }
    }
}
