//! The IDX format of MNIST: big-endian, `00 00 08 rank`, a 32-bit length for each dimension, then bytes.
//!
//! Files are streamed: the header says how much follows, and no more is read or unpacked.

use std::io::{BufRead, Read};

use flate2::bufread::MultiGzDecoder;
use ndarray::{Array1, Array2};

use lenet_core::architecture::{IMAGE_BYTES, IMAGE_SIDE};

use crate::content::Foreign;
use crate::input::{Limit, read_at_most, web_page};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const UNSIGNED_BYTE: u8 = 8;
const SHORT_HEADER: &str = "it ends within its IDX header; get a fresh copy of the file";

/// A stream without the gzip compression that it may have.
///
/// # Errors
/// What is wrong with the stream.
pub(super) fn unpacked<'a>(mut stream: impl BufRead + 'a) -> Result<Box<dyn Read + 'a>, String> {
    let start = stream.fill_buf().map_err(|error| error.to_string())?;
    Ok(if start.starts_with(&GZIP_MAGIC) { Box::new(MultiGzDecoder::new(stream)) } else { Box::new(stream) })
}

/// Reads an image file of rank 3, gzipped or not, into `[N, 784]`. `expected` is the number of its labels; a file that
/// declares another number is refused before its pixels are read.
///
/// # Errors
/// Describes what is wrong: damage, type, rank, image size, number or length.
pub fn read_images(stream: impl BufRead, expected: Option<usize>) -> Result<Array2<u8>, String> {
    let mut stream = unpacked(stream)?;
    let [count, height, width] = read_header::<3>(&mut stream, "an image file")?;
    if (height, width) != (IMAGE_SIDE, IMAGE_SIDE) {
        return Err(format!("its images are {height} x {width} pixels, but they must be 28 x 28"));
    }
    if let Some(labels) = expected.filter(|labels| *labels != count) {
        return Err(format!("there are {labels} labels for {count} images"));
    }
    let pixels = read_content(stream, count, IMAGE_BYTES)?;
    Array2::from_shape_vec((count, IMAGE_BYTES), pixels).map_err(|error| error.to_string())
}

/// Reads a label file of rank 1, gzipped or not, into `[N]`.
///
/// # Errors
/// Describes what is wrong: damage, type, rank, number or length.
pub fn read_labels(stream: impl BufRead) -> Result<Array1<u8>, String> {
    let mut stream = unpacked(stream)?;
    let [count] = read_header::<1>(&mut stream, "a label file")?;
    read_content(stream, count, 1).map(Array1::from_vec)
}

fn damaged(error: &std::io::Error) -> String {
    format!("the gzip data is damaged ({error}); get a fresh copy of the file")
}

fn read_header<const RANK: usize>(stream: &mut impl Read, kind: &str) -> Result<[usize; RANK], String> {
    let mut magic = Vec::new();
    stream.take(4).read_to_end(&mut magic).map_err(|error| damaged(&error))?;
    if magic.len() == 4 && magic[..2] != [0, 0] {
        let mut start = magic.clone();
        stream.take(60).read_to_end(&mut start).map_err(|error| damaged(&error))?;
        return Err(match Foreign::of(&start) {
            Some(Foreign::WebPage) => web_page("an IDX file"),
            Some(foreign) => format!("it is {}, not an IDX file; get a fresh copy of the file", foreign.name()),
            None => format!("it is not an IDX file: it starts with {magic:02x?} instead of 00 00 08"),
        });
    }
    let [_, _, element, rank] = *magic.as_slice() else { return Err(SHORT_HEADER.into()) };
    if element != UNSIGNED_BYTE {
        return Err(format!("its IDX type is {element:#04x}, but it must be 0x08 (unsigned bytes)"));
    }
    if usize::from(rank) != RANK {
        return Err(format!("its IDX rank is {rank}, but {kind} has rank {RANK}"));
    }
    let mut lengths = Vec::new();
    stream.take(4 * RANK as u64).read_to_end(&mut lengths).map_err(|error| damaged(&error))?;
    let lengths: &[[u8; 4]; RANK] = lengths.as_chunks::<4>().0.try_into().map_err(|_| SHORT_HEADER)?;
    Ok(lengths.map(|length| u32::from_be_bytes(length) as usize))
}

fn read_content(stream: impl Read, count: usize, size: usize) -> Result<Vec<u8>, String> {
    if count > Limit::MAX_IMAGES {
        return Err(format!(
            "its header declares {count} items, but a data set may have {}; get a fresh copy of the file",
            Limit::MAX_IMAGES
        ));
    }
    let expected = count * size;
    let content = read_at_most(stream, expected as u64).map_err(|error| damaged(&error))?;
    if content.len() == expected {
        return Ok(content);
    }
    let found = if content.len() > expected { "more".into() } else { content.len().to_string() };
    Err(format!("its header declares {expected} bytes of data, but {found} follow; get a fresh copy of the file"))
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufReader};

    use super::*;

    fn image_file(count: u32, side: u32, bytes: usize) -> Vec<u8> {
        let mut file = vec![0, 0, 8, 3];
        for dimension in [count, side, side] {
            file.extend(dimension.to_be_bytes());
        }
        file.resize(16 + bytes, 7);
        file
    }

    #[test]
    fn reads_what_the_header_declares() {
        let images = read_images(image_file(2, 28, 2 * 784).as_slice(), None).unwrap();
        assert_eq!(images.dim(), (2, 784));
        assert_eq!(read_labels([0, 0, 8, 1, 0, 0, 0, 2, 5, 9].as_slice()).unwrap().to_vec(), [5, 9]);
    }

    #[test]
    fn refuses_other_files_with_a_reason() {
        let cases: [(Vec<u8>, &str); 10] = [
            (vec![], "ends within"),
            (vec![0, 0, 8, 3, 0, 0], "ends within"),
            (vec![1, 2, 3, 4, 5], "not an IDX file"),
            (vec![0, 0, 13, 3, 0], "type is 0x0d"),
            (vec![0, 0, 8, 1, 0, 0, 0, 0], "rank is 1"),
            (image_file(1, 32, 1024), "32 x 32"),
            (image_file(3, 28, 784), "declares 2352"),
            (image_file(1, 28, 785), "declares 784 bytes of data, but more follow"),
            (image_file(u32::MAX, 28, 0), "declares 4294967295 items"),
            (b"<!DOCTYPE html><html>".to_vec(), "it is a web page, not an IDX file"),
        ];
        for (file, reason) in cases {
            let message = read_images(file.as_slice(), None).unwrap_err();
            assert!(message.contains(reason), "{message}");
        }
        let message = read_images(image_file(3, 28, 0).as_slice(), Some(2)).unwrap_err();
        assert_eq!(message, "there are 2 labels for 3 images");
    }

    #[test]
    fn a_stream_without_end_is_not_read_to_its_end() {
        let counted = |start: Vec<u8>| {
            let endless = start.as_slice().chain(io::repeat(0)).take(1 << 40);
            let mut stream = BufReader::new(endless);
            let message = read_images(&mut stream, None).unwrap_err();
            ((1 << 40) - stream.into_inner().limit(), message)
        };
        let (read, message) = counted(vec![]);
        assert!(read <= 1 << 16 && message.contains("type is 0x00"), "{read}: {message}");
        let (read, message) = counted(image_file(3, 28, 0));
        assert!(read <= 1 << 16 && message.contains("more follow"), "{read}: {message}");
    }
}
