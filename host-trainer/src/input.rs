//! The only place that reads files and standard input, each up to a limit.
//!
//! A file can be anything: a device that never ends, a download of the wrong name, an archive that unpacks to a thousand
//! times its size. So every read names the largest input its kind can need, and stops there. Large data sets are
//! streamed instead: [`open`] gives a stream, and the reader of its format takes no more than the header announces.
//! `tests/tests/bounded_reads.rs` checks that no other file reads.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use crate::content::{WEB_PAGE_REMEDY, is_web_page};
use crate::error::{Error, Result};

/// A kind of input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// The most bytes it can need.
    bytes: u64,
    /// What it is, for messages.
    kind: &'static str,
}

impl Limit {
    /// A network, in any format. The largest files are UF2 images of all 16 MB of flash that a board can have, and
    /// checkpoints of PyTorch with the states of optimizers.
    pub(crate) const NETWORK: Self = Self { bytes: 64 << 20, kind: "a network file" };
    /// An image: 64 million pixels of four 16-bit numbers.
    pub(crate) const IMAGE: Self = Self { bytes: 512 << 20, kind: "an image" };
    /// The labels of at most [`MAX_IMAGES`](Self::MAX_IMAGES) images, packed or not.
    pub(crate) const LABELS: Self = Self { bytes: 2 << 20, kind: "a file of labels" };
    /// The names of up to 64 classes.
    pub(crate) const NAMES: Self = Self { bytes: 64 << 10, kind: "a list of class labels" };
    /// What `lenet train` and `lenet fetch` write about their work.
    pub(crate) const RECORD: Self = Self { bytes: 64 << 20, kind: "a file that this program wrote" };

    /// The most images of a data set: EMNIST, the largest known one, has 814,255.
    pub(crate) const MAX_IMAGES: usize = 1 << 20;
}

/// Reads a whole file.
///
/// # Errors
/// When it cannot be read, is larger than its kind can need, or is a web page.
pub(crate) fn read(path: &Path, limit: Limit) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(Error::read(path))?;
    let length = file.metadata().map_err(Error::read(path))?.len();
    if length > limit.bytes {
        return Err(Error::file(path)(too_large(limit)));
    }
    let bytes = take(file, limit).map_err(Error::read(path))?;
    checked(bytes, limit).map_err(Error::file(path))
}

/// Reads a whole file of text; what is not UTF-8 is an error.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn read_text(path: &Path, limit: Limit) -> Result<String> {
    String::from_utf8(read(path, limit)?)
        .map_err(|_| Error::read(path)(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8")))
}

/// Reads standard input or another stream to its end. `name` stands for it in messages.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn read_stream(stream: impl Read, name: &Path, limit: Limit) -> Result<Vec<u8>> {
    let bytes = take(stream, limit).map_err(Error::read(name))?;
    checked(bytes, limit).map_err(Error::file(name))
}

/// Reads the first `length` bytes of a file, or all if there are fewer.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn read_start(path: &Path, length: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Error::read(path))?;
    file.take(length).read_to_end(&mut bytes).map_err(Error::read(path))?;
    Ok(bytes)
}

/// Opens a file for a reader that takes no more than the file's header announces.
///
/// # Errors
/// When it cannot be opened.
pub(crate) fn open(path: &Path) -> Result<BufReader<File>> {
    File::open(path).map(BufReader::new).map_err(Error::read(path))
}

/// Reads at most `most` bytes, and one more if there are more.
///
/// # Errors
/// Those of the stream.
pub(crate) fn read_at_most(stream: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn take(stream: impl Read, limit: Limit) -> io::Result<Vec<u8>> {
    read_at_most(stream, limit.bytes)
}

fn checked(bytes: Vec<u8>, limit: Limit) -> std::result::Result<Vec<u8>, String> {
    if bytes.len() as u64 > limit.bytes {
        return Err(too_large(limit));
    }
    if is_web_page(&bytes) {
        return Err(web_page(limit.kind));
    }
    Ok(bytes)
}

fn too_large(Limit { bytes, kind }: Limit) -> String {
    let (size, unit) = if bytes < 1 << 20 { (bytes >> 10, "KB") } else { (bytes >> 20, "MB") };
    format!("it is larger than {size} {unit}, more than {kind} can need; check that it is the right file")
}

/// The message for a web page in place of what was expected.
pub(crate) fn web_page(expected: &str) -> String {
    format!("it is a web page, not {expected}; {WEB_PAGE_REMEDY}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limit = Limit { bytes: 10 << 10, kind: "a small file" };

    #[test]
    fn nothing_is_read_beyond_the_limit() {
        struct Endless(u64);
        impl Read for Endless {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0 += buffer.len() as u64;
                Ok(buffer.len())
            }
        }
        let mut endless = Endless(0);
        let message = read_stream(&mut endless, Path::new("-"), SMALL).unwrap_err().to_string();
        assert_eq!(
            message,
            "-: it is larger than 10 KB, more than a small file can need; check that it is the right file"
        );
        assert!(endless.0 <= 10 * 1024 + 1);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        // A file with a hole: its length alone is enough to refuse it.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert!(read(&path, SMALL).unwrap_err().to_string().contains("larger than 10 KB"));
        std::fs::write(&path, vec![7; 10 << 10]).unwrap();
        assert_eq!(read(&path, SMALL).unwrap().len(), 10 << 10);
        assert_eq!(read_start(&path, 3).unwrap(), [7; 3]);
        assert_eq!(read_at_most([1, 2, 3].as_slice(), 1).unwrap(), [1, 2]);
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_refused() {
        let message = read(Path::new("/dev/zero"), SMALL).unwrap_err().to_string();
        assert!(message.contains("/dev/zero: it is larger than 10 KB"), "{message}");
    }

    #[test]
    fn web_pages_are_called_that() {
        let page = b"\n<!DOCTYPE html><html><head></head></html>";
        let message = read_stream(page.as_slice(), Path::new("train"), SMALL).unwrap_err().to_string();
        assert!(message.contains("train: it is a web page, not a small file;"), "{message}");
    }
}
