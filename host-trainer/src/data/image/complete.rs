//! Refuses images that end early, which decoders may accept, and images of formats that are recognized but not read.

use crate::content::{Foreign, LFS_REMEDY};
use crate::input::web_page;

/// Checks an image before it is decoded.
///
/// # Errors
/// Names a format that is not read, or says that the image ends early.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    check_kind(bytes)?;
    if bytes.starts_with(&[0xff, 0xd8]) && !jpeg_ends(bytes) {
        return Err("its data ends early: the JPEG has no end marker; copy or download it again".into());
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        let declared = bytes[4..8].try_into().map_or(0, u32::from_le_bytes);
        if bytes.len() < declared as usize + 8 {
            return Err(format!(
                "its data ends early: the WebP declares {} bytes, but has {}; copy or download it again",
                u64::from(declared) + 8,
                bytes.len()
            ));
        }
    }
    Ok(())
}

/// Checks that the start is not that of a format that is not read.
///
/// # Errors
/// Names the format, and says how to convert it.
pub(super) fn check_kind(start: &[u8]) -> Result<(), String> {
    match Foreign::of(start) {
        Some(foreign @ (Foreign::Avif | Foreign::Heic | Foreign::JpegXl | Foreign::Svg | Foreign::Pdf)) => {
            Err(format!("it is {}, which is not read; save it as PNG or JPEG", foreign.name()))
        }
        Some(Foreign::WebPage) => Err(web_page("an image")),
        Some(foreign @ Foreign::LfsPointer) => Err(format!("it is {}; {LFS_REMEDY}", foreign.name())),
        _ => Ok(()),
    }
}

/// Whether the last scan of a JPEG is followed by the end marker. Segments are skipped by their lengths, so that the end
/// of a thumbnail in one of them does not count; what comes behind the marker, such as a phone's second picture, does
/// not matter.
fn jpeg_ends(bytes: &[u8]) -> bool {
    const END: u8 = 0xd9;
    const SCAN: u8 = 0xda;
    let mut place = 2;
    loop {
        // In the data of a scan, a byte of 0xff is followed by 0 or by a restart marker.
        let Some(marker) = bytes.get(place..).and_then(|rest| {
            rest.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff | 0xd0..=0xd7))
        }) else {
            return false;
        };
        place += marker;
        let kind = bytes[place + 1];
        if kind == END {
            return true;
        }
        // A marker without a segment.
        if kind == 0x01 || kind == 0xd8 {
            place += 2;
            continue;
        }
        let Some(length) = bytes.get(place + 2..place + 4) else { return false };
        place += 2 + usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
        if kind != SCAN && bytes.get(place) != Some(&0xff) && place < bytes.len() {
            // Damage; the decoder says what it is.
            return bytes.windows(2).any(|pair| pair == [0xff, END]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, ImageFormat};

    use super::*;
    use crate::data::image::decode;
    use crate::data::image::tests::{digits, pasted};

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let image = DynamicImage::from(pasted(&digits()[0]));
        let image = if format == ImageFormat::WebP { image.to_rgb8().into() } else { image };
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn an_image_of_any_format_that_ends_early_is_an_error() {
        for format in [ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff] {
            let bytes = encoded(format);
            let whole = decode(&bytes, Some(format)).unwrap();
            assert!(whole.whole().iter().any(|level| *level > 100), "{format:?}");
            for cut in [bytes.len() / 2, bytes.len() * 9 / 10] {
                let message = decode(&bytes[..cut], Some(format)).unwrap_err();
                assert!(message.contains("ends early") || message.contains("cannot be decoded"), "{message}");
            }
        }
        let jpeg = encoded(ImageFormat::Jpeg);
        assert!(decode(&jpeg[..jpeg.len() - 2], None).unwrap_err().contains("the JPEG has no end marker"));
        // A thumbnail in a segment has an end of its own, and phones add data behind the end.
        let thumbnail = [&jpeg[..2], &[0xff, 0xe1, 0, 6, 0xff, 0xd8, 0xff, 0xd9], &jpeg[2..]].concat();
        assert!(decode(&thumbnail, None).is_ok());
        assert!(check(&thumbnail[..thumbnail.len() - 2]).is_err());
        assert!(decode(&[&jpeg, b"trailer".as_slice()].concat(), None).is_ok());
    }

    #[test]
    fn gif_is_read() {
        let mut bytes = Vec::new();
        let image = DynamicImage::from(pasted(&digits()[0])).to_rgba8();
        image::codecs::gif::GifEncoder::new(&mut bytes).encode_frame(image::Frame::new(image)).unwrap();
        assert!(decode(&bytes, None).unwrap().whole().iter().any(|level| *level > 100));
        assert!(decode(&bytes[..bytes.len() / 2], None).is_err());
    }

    #[test]
    fn formats_that_are_not_read_are_named() {
        for (bytes, name) in [
            (b"\0\0\0\x20ftypavif\0\0\0\0avifmif1".as_slice(), "an AVIF image"),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC image"),
            (b"<svg xmlns=\"\">", "an SVG drawing"),
            (b"<!doctype html>", "a web page"),
        ] {
            let message = decode(bytes, Some(ImageFormat::Jpeg)).unwrap_err();
            assert!(message.contains(name), "{message}");
        }
    }
}
