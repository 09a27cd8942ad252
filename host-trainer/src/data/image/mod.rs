//! Reads image files of any size and colour as 28x28 grey pixels.
//!
//! An image is rotated upright as its Exif orientation says and converted to 8-bit grey. Transparent areas become white
//! paper, or black paper if the border is transparent and the drawing is light. Dark ink is then inverted to light ink,
//! and an image that is not 28x28 pixels is [normalized](normalize).

mod bounded;
mod complete;
mod normalize;
mod png_orientation;

use std::io::Cursor;
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, ImageResult};
use lenet_core::Pixels;

use crate::error::Error;

pub(crate) use bounded::FORMATS;
pub use bounded::read_stream;
pub(super) use normalize::{border, median};
pub use normalize::{normalize, to_pixels};
use png_orientation::png_orientation;

const MAX_PIXELS: u64 = 64_000_000;

/// Whether the file's extension is that of a format [`read`] supports: PNG, JPEG, BMP, GIF (its first
/// frame), TIFF, WebP, PGM, PPM and their relatives.
pub fn is_image(path: &Path) -> bool {
    ImageFormat::from_path(path).is_ok_and(|format| format.reading_enabled())
}

/// Reads an image file of 1 to 64 million pixels, as the [module](self) describes.
///
/// # Errors
/// When the file cannot be read or decoded, or is too large.
pub fn read(path: &Path) -> Result<Pixels, Error> {
    let bytes = bounded::read(path)?;
    let format = ImageFormat::from_path(path).ok();
    decode(&bytes, format).map_err(|problem| Error::File { path: path.to_owned(), problem })
}

/// Decodes the bytes of an image file. `format` is the one that the file's name suggests; it is used only if the
/// content does not reveal its format.
///
/// # Errors
/// Describes what is wrong: bytes that cannot be decoded, or too many pixels.
pub fn decode(bytes: &[u8], format: Option<ImageFormat>) -> Result<Pixels, String> {
    complete::check(bytes)?;
    let undecodable = |error| format!("it cannot be decoded ({error}); save it as PNG again, or remove it");
    let mut reader = ImageReader::new(Cursor::new(bytes));
    if let Some(format) = image::guess_format(bytes).ok().or(format) {
        reader.set_format(format);
    }
    let decoder = reader.into_decoder().map_err(undecodable)?;
    let (width, height) = decoder.dimensions();
    if !(1..=MAX_PIXELS).contains(&(u64::from(width) * u64::from(height))) {
        return Err(format!("it has {width} x {height} pixels, but an image must have 1 to 64 million; resize it"));
    }
    upright(decoder, png_orientation(bytes)).map(|image| to_pixels(&flatten(&image))).map_err(undecodable)
}

fn upright(mut decoder: impl ImageDecoder, in_png: Option<Orientation>) -> ImageResult<DynamicImage> {
    let orientation = in_png.map_or_else(|| decoder.orientation(), Ok)?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// Converts an image to grey on opaque paper.
fn flatten(image: &DynamicImage) -> GrayImage {
    if !image.color().has_alpha() {
        return image.to_luma8();
    }
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

#[cfg(test)]
mod tests {
    use image::codecs::png::PngEncoder;
    use image::imageops::{self, FilterType};
    use image::{ImageBuffer, Luma, LumaA, Rgb, RgbImage};
    use lenet_core::checksum::crc32;
    use tempfile::TempDir;

    use super::normalize::tests::{assert_near, assert_same, digits, pasted};
    use super::*;

    #[test]
    fn the_digits_in_the_repository_are_read_as_they_are() {
        let labels = [1, 7, 3, 6, 0, 2, 4, 9, 8, 5];
        for (index, (digit, label)) in digits().iter().zip(labels).enumerate() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/digits-10k/png");
            assert_eq!(read(&folder.join(format!("{index}-label-{label}.png"))).unwrap(), *digit);
        }
    }

    #[test]
    fn files_of_all_kinds_become_the_same_digit() {
        let folder = TempDir::new().unwrap();
        for digit in digits() {
            let canvas = pasted(&digit);
            let (width, height) = canvas.dimensions();
            let level = |x, y| canvas.get_pixel(x, y).0[0];
            let check = |name: &str, image: DynamicImage| {
                let path = folder.path().join(name);
                image.save(&path).unwrap();
                assert!(is_image(&path));
                assert_same(&read(&path).unwrap(), &digit, name);
            };
            let mut inverted = canvas.clone();
            imageops::invert(&mut inverted);
            check("grey.png", canvas.clone().into());
            check("inverted.BMP", inverted.clone().into());
            check("grey.pgm", canvas.clone().into());
            let path = folder.path().join("large.jpg");
            imageops::resize(&inverted, 360, 244, FilterType::Nearest).save(&path).unwrap();
            assert_near(&read(&path).unwrap(), &digit, 5.0, "large.jpg");
            let deep = ImageBuffer::from_fn(width, height, |x, y| Luma([u16::from(level(x, y)) * 257]));
            check("deep.png", deep.into());
            let mix = |paper: u32, ink: u32, level: u8| {
                ((paper * u32::from(255 - level) + ink * u32::from(level) + 127) / 255) as u8
            };
            let blue_on_cream = RgbImage::from_fn(width, height, |x, y| {
                Rgb([(250, 20), (240, 30), (210, 120)].map(|(paper, ink)| mix(paper, ink, level(x, y))))
            });
            check("colour.ppm", blue_on_cream.into());
            for ink in [0, 255] {
                let see_through = ImageBuffer::from_fn(width, height, |x, y| LumaA([ink, level(x, y)]));
                check("transparent.png", see_through.into());
            }
        }
    }

    #[test]
    fn photos_are_turned_upright() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("turned.png");
        let digit = digits()[0];
        let mut png = Vec::new();
        imageops::rotate270(&pasted(&digit)).write_with_encoder(PngEncoder::new(&mut png)).unwrap();
        // One entry, the orientation: rotate by 90 degrees clockwise.
        let exif = b"eXIfMM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let length = (exif.len() as u32 - 4).to_be_bytes();
        let chunk = [&length[..], exif, &crc32(exif).to_be_bytes()].concat();
        // Behind the signature and the header, whose chunk has 13 bytes of content.
        png.splice(8 + 25..8 + 25, chunk);
        std::fs::write(&path, png).unwrap();
        assert_same(&read(&path).unwrap(), &digit, "turned");
    }

    #[test]
    fn unusable_files_are_named_with_a_reason() {
        let folder = TempDir::new().unwrap();
        for (name, content, reason) in [
            ("large.pgm", "P5 8001 8000 255\n", "it has 8001 x 8000 pixels"),
            ("none.pgm", "P5 0 7 255\n", "it has 0 x 7 pixels"),
            ("text.png", "hello", "cannot be decoded"),
            ("unnamed", "hello", "cannot be decoded"),
            ("cut.pgm", "P5 9 9 255\n123", "cannot be decoded"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            let message = read(&path).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains(reason), "{message}");
        }
        let message = read(&folder.path().join("nowhere.png")).unwrap_err().to_string();
        assert!(message.contains("cannot read") && message.contains("nowhere.png"), "{message}");
    }
}
