//! The IDX format of MNIST: big-endian, `00 00 08 rank`, a 32-bit length for each dimension, then bytes.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use ndarray::{Array1, Array2};

use lenet_core::architecture::{IMAGE_BYTES, IMAGE_SIDE};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Upper limit for an unpacked file. The largest known one, EMNIST's, unpacks to 638 million bytes.
pub(super) const MAX_BYTES: u64 = 1 << 30;
const UNSIGNED_BYTE: u8 = 8;
const SHORT_HEADER: &str = "it ends within its IDX header; get a fresh copy of the file";

/// Unpacks gzipped bytes; returns any others unchanged.
///
/// # Errors
/// Describes what is wrong: damaged gzip data, or more of it than any data set needs.
pub fn decompress(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if !bytes.starts_with(&GZIP_MAGIC) {
        return Ok(bytes);
    }
    let mut content = Vec::new();
    MultiGzDecoder::new(bytes.as_slice())
        .take(MAX_BYTES + 1)
        .read_to_end(&mut content)
        .map_err(|error| format!("the gzip data is damaged ({error}); get a fresh copy of the file"))?;
    if content.len() as u64 > MAX_BYTES {
        return Err(format!("the gzip data unpacks to more than {MAX_BYTES} bytes; check that it is the right file"));
    }
    Ok(content)
}

/// Reads an image file of rank 3 into `[N, 784]`.
///
/// # Errors
/// Describes what is wrong: type, rank, image size or length.
pub fn parse_images(bytes: &[u8]) -> Result<Array2<u8>, String> {
    let ([count, height, width], content) = parse_header::<3>(bytes, "an image file")?;
    if (height, width) != (IMAGE_SIDE, IMAGE_SIDE) {
        return Err(format!("its images are {height} x {width} pixels, but they must be 28 x 28"));
    }
    check_length(content, count * IMAGE_BYTES)?;
    Array2::from_shape_vec((count, IMAGE_BYTES), content.to_vec()).map_err(|error| error.to_string())
}

/// Reads a label file of rank 1 into `[N]`.
///
/// # Errors
/// Describes what is wrong: type, rank or length.
pub fn parse_labels(bytes: &[u8]) -> Result<Array1<u8>, String> {
    let ([count], content) = parse_header::<1>(bytes, "a label file")?;
    check_length(content, count)?;
    Ok(Array1::from_vec(content.to_vec()))
}

fn parse_header<'a, const RANK: usize>(bytes: &'a [u8], kind: &str) -> Result<([usize; RANK], &'a [u8]), String> {
    let (magic, mut rest) = bytes.split_first_chunk::<4>().ok_or(SHORT_HEADER)?;
    if magic[..2] != [0, 0] {
        return Err(format!("it is not an IDX file: it starts with {magic:02x?} instead of 00 00 08"));
    }
    if magic[2] != UNSIGNED_BYTE {
        return Err(format!("its IDX type is {:#04x}, but it must be 0x08 (unsigned bytes)", magic[2]));
    }
    if usize::from(magic[3]) != RANK {
        return Err(format!("its IDX rank is {}, but {kind} has rank {RANK}", magic[3]));
    }
    let mut dimensions = [0; RANK];
    for dimension in &mut dimensions {
        let (length, after) = rest.split_first_chunk::<4>().ok_or(SHORT_HEADER)?;
        *dimension = u32::from_be_bytes(*length) as usize;
        rest = after;
    }
    Ok((dimensions, rest))
}

fn check_length(content: &[u8], expected: usize) -> Result<(), String> {
    if content.len() == expected {
        return Ok(());
    }
    Err(format!(
        "its header declares {expected} bytes of data, but {} follow; get a fresh copy of the file",
        content.len()
    ))
}

#[cfg(test)]
mod tests {
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
        let images = parse_images(&image_file(2, 28, 2 * 784)).unwrap();
        assert_eq!(images.dim(), (2, 784));
        assert_eq!(parse_labels(&[0, 0, 8, 1, 0, 0, 0, 2, 5, 9]).unwrap().to_vec(), [5, 9]);
    }

    #[test]
    fn refuses_other_files_with_a_reason() {
        let cases: [(Vec<u8>, &str); 7] = [
            (vec![], "ends within"),
            (vec![0, 0, 8, 3, 0, 0], "ends within"),
            (vec![1, 2, 3, 4, 5], "not an IDX file"),
            (vec![0, 0, 13, 3, 0], "type is 0x0d"),
            (vec![0, 0, 8, 1, 0, 0, 0, 0], "rank is 1"),
            (image_file(1, 32, 1024), "32 x 32"),
            (image_file(3, 28, 784), "declares 2352"),
        ];
        for (file, reason) in cases {
            let message = parse_images(&file).unwrap_err();
            assert!(message.contains(reason), "{message}");
        }
    }
}
