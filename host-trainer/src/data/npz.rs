//! The NumPy archives of Kuzushiji-49 and Kuzushiji-MNIST: a zip archive with one array, `arr_0`.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::idx::MAX_BYTES;
use crate::npy::{NpyError, NpyHeader};

const ENTRY: &str = "arr_0.npy";
/// NumPy's names for the types of integers that are read, and their bytes.
const TYPES: [(&str, usize); 7] = [("|u1", 1), ("<u2", 2), ("<i2", 2), ("<u4", 4), ("<i4", 4), ("<u8", 8), ("<i8", 8)];

/// Reads the array `arr_0` of integers from 0 to 255: its shape, and its numbers in row-major order.
///
/// # Errors
/// Describes what is wrong: damage, another type, other numbers, or more data than any data set needs.
pub fn parse_npz(bytes: &[u8]) -> Result<(Vec<usize>, Vec<u8>), String> {
    let damaged = |problem: &dyn std::fmt::Display| {
        format!("it is not a NumPy archive with the array arr_0 ({problem}); get a fresh copy of the file")
    };
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    let entry = zip.by_name(ENTRY).map_err(|error| damaged(&error))?;
    let mut content = Vec::new();
    entry.take(MAX_BYTES + 1).read_to_end(&mut content).map_err(|error| damaged(&error))?;
    if content.len() as u64 > MAX_BYTES {
        return Err(format!("it unpacks to more than {MAX_BYTES} bytes; check that it is the right file"));
    }
    let other = |header: &str| {
        damaged(&format!("its array is not of plain integers in row-major order: {}", header.trim().escape_debug()))
    };
    let (NpyHeader { descr, fortran_order, shape }, start) =
        NpyHeader::parse(&content).map_err(|error| match error {
            NpyError::NotAnArray | NpyError::NoHeader => damaged(&"its array has no version 1 header"),
            NpyError::Other(text) => other(text),
        })?;
    let numbers = &content[start..];
    let size = TYPES.into_iter().find(|(name, _)| *name == descr && !fortran_order).map(|(_, size)| size);
    let size = size.ok_or_else(|| other(descr))?;
    let count = shape.iter().try_fold(size, |product, length| product.checked_mul(*length));
    if count != Some(numbers.len()) {
        return Err(damaged(&format!("its header declares {shape:?}, but {} bytes follow", numbers.len())));
    }
    // Negative numbers have bits in the upper bytes, too.
    if let Some(index) = numbers.chunks_exact(size).position(|number| number[1..].iter().any(|byte| *byte != 0)) {
        return Err(damaged(&format!("number {index} is not from 0 to 255")));
    }
    Ok((shape, numbers.iter().step_by(size).copied().collect()))
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::npy::{MAGIC, VERSION_1};

    /// An archive as `numpy.savez_compressed` writes it.
    pub(in crate::data) fn archive(entry: &str, descr: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file(entry, SimpleFileOptions::default()).unwrap();
        for part in [MAGIC, &VERSION_1, &(header.len() as u16).to_le_bytes(), header.as_bytes(), numbers] {
            zip.write_all(part).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn arrays_of_small_integers_are_read() {
        let numbers: Vec<u8> = (0..24).collect();
        let read = parse_npz(&archive(ENTRY, "|u1", "(2, 3, 4)", &numbers)).unwrap();
        assert_eq!(read, (vec![2, 3, 4], numbers));
        let read = parse_npz(&archive(ENTRY, "<i8", "(2,)", &[&[7; 1], [0; 7].as_slice(), &[255], &[0; 7]].concat()));
        assert_eq!(read.unwrap(), (vec![2], vec![7, 255]));
    }

    #[test]
    fn anything_else_is_refused() {
        let good = archive(ENTRY, "|u1", "(3,)", &[1, 2, 3]);
        for (file, expected) in [
            (b"hello".to_vec(), "not a NumPy archive"),
            (good[..good.len() - 30].to_vec(), "not a NumPy archive"),
            (archive("labels.npy", "|u1", "(3,)", &[1, 2, 3]), "not a NumPy archive"),
            (archive(ENTRY, "<f4", "(1,)", &[0; 4]), "not of plain integers"),
            (archive(ENTRY, "|u1", "(x,)", &[0; 4]), "not of plain integers"),
            (archive(ENTRY, "|u1", "(3,)", &[1, 2]), "but 2 bytes follow"),
            (archive(ENTRY, "<i8", "(18446744073709551615,)", &[1, 2]), "but 2 bytes follow"),
            (archive(ENTRY, "<i2", "(2,)", &[1, 0, 0, 1]), "number 1 is not from 0 to 255"),
            (archive(ENTRY, "<i2", "(1,)", &[255, 255]), "number 0 is not from 0 to 255"),
        ] {
            let message = parse_npz(&file).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
