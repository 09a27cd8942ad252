//! Reads the bytes of an image, and stops early at anything that cannot be one.

use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};
use crate::input::{self, Limit};

/// The formats that are read, for messages.
pub(crate) const FORMATS: &str = "PNG, JPEG, BMP, GIF, TIFF, WebP, PGM or PPM";

/// Enough to recognize any format.
const START: u64 = 512;

/// Reads an image file.
///
/// # Errors
/// When it cannot be read, is too large, or is a device without an image.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let is_file = path.metadata().map_err(Error::read(path))?.is_file();
    if is_file || path.is_dir() { input::read(path, Limit::IMAGE) } else { read_stream(input::open(path)?, path) }
}

/// Reads an image from standard input or another stream, whose length is not known. `name` stands for it in messages.
///
/// # Errors
/// When it cannot be read, is too large, or does not start like an image.
pub fn read_stream(mut stream: impl Read, name: &Path) -> Result<Vec<u8>> {
    let mut start = Vec::new();
    (&mut stream).take(START).read_to_end(&mut start).map_err(Error::read(name))?;
    super::complete::check_kind(&start).map_err(Error::file(name))?;
    if start.len() as u64 == START && image::guess_format(&start).is_err() {
        let problem = format!("it cannot be decoded (it does not start like an image); give {FORMATS}");
        return Err(Error::file(name)(problem));
    }
    input::read_stream(start.as_slice().chain(stream), name, Limit::IMAGE)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn devices_and_endless_streams_are_refused_at_once() {
        for message in [
            read(Path::new("/dev/zero")).unwrap_err().to_string(),
            read_stream(std::io::repeat(b'x'), Path::new("standard input")).unwrap_err().to_string(),
        ] {
            assert!(message.contains("it does not start like an image"), "{message}");
        }
    }
}
