//! Pictures in colour, with transparency or with 16 bits a channel, as 8-bit grey.

use image::{DynamicImage, GrayImage, Luma, Rgb, RgbImage};

use super::border::{border, median};

/// Of 16 bits, a range of levels below this is stretched: in 8 bits, little would be left of it.
const NARROW: u16 = 1 << 14;
/// A colour whose channels are at least this far apart is not grey.
const COLOURFUL: u8 = 48;
/// Channels this close together are the same colour.
const SAME: u8 = 6;
/// The sum of the channels' differences from which on a pixel is all ink.
const ALL_INK: u32 = 256;

/// Converts a picture to grey on opaque paper.
///
/// - Transparent areas become white paper, or black paper if the border is transparent and the drawing is light.
/// - Levels of 16 bits that lie close together are stretched.
/// - If nearly all of the border has one colour that is not grey, as where a colour map was used, the level is how much
///   a pixel differs from that colour, because the colours of a map are not ordered by their brightness.
pub(super) fn to_grey(image: &DynamicImage) -> GrayImage {
    if image.color().has_alpha() {
        return flatten(image);
    }
    match image {
        DynamicImage::ImageLuma16(_) | DynamicImage::ImageRgb16(_) => stretched(image),
        DynamicImage::ImageLuma8(grey) => grey.clone(),
        _ => {
            let colours = image.to_rgb8();
            paper_colour(&colours).map_or_else(|| image.to_luma8(), |paper| differences(&colours, paper))
        }
    }
}

fn flatten(image: &DynamicImage) -> GrayImage {
    let image = image.to_luma_alpha8();
    let (width, height) = image.dimensions();
    let transparent = median(border(width, height).map(|(x, y)| image.get_pixel(x, y).0[1])) < 128;
    let opacity: u64 = image.pixels().map(|pixel| u64::from(pixel.0[1])).sum();
    let light: u64 = image.pixels().map(|pixel| u64::from(pixel.0[0]) * u64::from(pixel.0[1])).sum();
    // White strokes on a transparent background would vanish on white paper.
    let paper = if transparent && light > 127 * opacity { 0 } else { 255 };
    GrayImage::from_fn(width, height, |x, y| {
        let [level, alpha] = image.get_pixel(x, y).0.map(u32::from);
        [((level * alpha + paper * (255 - alpha) + 127) / 255) as u8].into()
    })
}

fn stretched(image: &DynamicImage) -> GrayImage {
    let deep = image.to_luma16();
    let (low, high) =
        deep.pixels().fold((u16::MAX, 0), |(low, high), pixel| (low.min(pixel.0[0]), high.max(pixel.0[0])));
    let range = high.saturating_sub(low);
    if range == 0 || range >= NARROW {
        return image.to_luma8();
    }
    let level = |pixel: &Luma<u16>| (u32::from(pixel.0[0] - low) * 255 + u32::from(range) / 2) / u32::from(range);
    GrayImage::from_fn(deep.width(), deep.height(), |x, y| Luma([level(deep.get_pixel(x, y)) as u8]))
}

/// The colour of nine tenths of the border, if it is not grey.
fn paper_colour(image: &RgbImage) -> Option<Rgb<u8>> {
    let places = || border(image.width(), image.height());
    let colour = [0, 1, 2].map(|channel| median(places().map(|(x, y)| image.get_pixel(x, y).0[channel])));
    let [low, high] = [colour.iter().min()?, colour.iter().max()?];
    let same =
        places().filter(|(x, y)| image.get_pixel(*x, *y).0.iter().zip(&colour).all(|(a, b)| a.abs_diff(*b) <= SAME));
    (high - low >= COLOURFUL && 10 * same.count() >= 9 * places().count()).then_some(Rgb(colour))
}

fn differences(image: &RgbImage, paper: Rgb<u8>) -> GrayImage {
    GrayImage::from_fn(image.width(), image.height(), |x, y| {
        let sum: u32 = image.get_pixel(x, y).0.iter().zip(&paper.0).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        Luma([(sum.min(ALL_INK) * 255 / ALL_INK) as u8])
    })
}
