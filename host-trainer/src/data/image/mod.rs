//! Reads image files of any size and colour.
//!
//! An image is rotated upright as its Exif orientation says and converted to 8-bit grey. What its 28x28 pixels are is
//! decided by [`lenet_core::preparation`]: see [`Picture`].

mod border;
mod bounded;
mod complete;
mod grey;
mod picture;
mod png_orientation;
mod shrink;

use std::io::Cursor;
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, ImageResult};
use lenet_core::Pixels;
use lenet_core::preparation::Preparation;

use crate::error::Error;

pub use border::{border, median};
pub(crate) use bounded::FORMATS;
pub use bounded::read_stream;
pub use picture::{Drawing, Picture, Place};
use png_orientation::png_orientation;

const MAX_PIXELS: u64 = 64_000_000;

/// Whether the file's extension is that of a format [`read`] supports: PNG, JPEG, BMP, GIF (its first
/// frame), TIFF, WebP, PGM, PPM and their relatives.
pub fn is_image(path: &Path) -> bool {
    ImageFormat::from_path(path).is_ok_and(|format| format.reading_enabled())
}

/// Reads an image file of 1 to 64 million pixels.
///
/// # Errors
/// When the file cannot be read or decoded, or is too large.
pub fn read(path: &Path) -> Result<Picture, Error> {
    let bytes = bounded::read(path)?;
    let format = ImageFormat::from_path(path).ok();
    decode(&bytes, format).map_err(|problem| Error::File { path: path.to_owned(), problem })
}

/// Reads an image file of a data set. An image of 28x28 pixels is taken [as it is](Picture::as_it_is) if `preparation`
/// says so. Of any other image, [everything drawn](Picture::whole) is one drawing.
///
/// # Errors
/// Those of [`read`].
pub fn read_example(path: &Path, preparation: Preparation) -> Result<Pixels, Error> {
    let picture = read(path)?;
    let as_it_is = picture.as_it_is().filter(|_| preparation == Preparation::AsTheyAre);
    Ok(as_it_is.unwrap_or_else(|| picture.whole()))
}

/// Decodes the bytes of an image file. `format` is the one that the file's name suggests; it is used only if the
/// content does not reveal its format.
///
/// # Errors
/// Describes what is wrong: bytes that cannot be decoded, or too many pixels.
pub fn decode(bytes: &[u8], format: Option<ImageFormat>) -> Result<Picture, String> {
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
    upright(decoder, png_orientation(bytes)).map(|image| Picture::new(grey::to_grey(&image))).map_err(undecodable)
}

fn upright(mut decoder: impl ImageDecoder, in_png: Option<Orientation>) -> ImageResult<DynamicImage> {
    let orientation = in_png.map_or_else(|| decoder.orientation(), Ok)?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

#[cfg(test)]
mod tests;
