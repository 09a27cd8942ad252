//! NumPy archives of images: those of Kuzushiji-49 and Kuzushiji-MNIST, with one array, `arr_0`, and those that hold a
//! whole data set, like Keras' `mnist.npz` with `x_train`, `y_train`, `x_test` and `y_test`.

use std::io::{Cursor, Read, Seek};

use zip::ZipArchive;

use super::names::{Part, Role, part, role, words};
use crate::input::read_at_most;
use crate::npy::{NpyError, NpyHeader};

const ENTRY: &str = "arr_0.npy";
/// NumPy's names for the types of integers that are read, and their bytes.
const TYPES: [(&str, usize); 7] = [("|u1", 1), ("<u2", 2), ("<i2", 2), ("<u4", 4), ("<i4", 4), ("<u8", 8), ("<i8", 8)];
/// The most bytes of an array: all of EMNIST's images, as bytes.
const MAX_BYTES: usize = 1 << 30;

/// An array of numbers from 0 to 255: its shape, and its numbers in row-major order.
pub(super) type ByteArray = (Vec<usize>, Vec<u8>);

/// Reads the array `arr_0` of integers from 0 to 255: its shape, and its numbers in row-major order.
///
/// # Errors
/// Describes what is wrong: damage, another type, other numbers, or more data than any data set needs.
pub fn parse_npz(bytes: &[u8]) -> Result<(Vec<usize>, Vec<u8>), String> {
    read_npz(Cursor::new(bytes))
}

/// Like [`parse_npz`], from a file.
pub(super) fn read_npz(file: impl Read + Seek) -> Result<ByteArray, String> {
    let damaged = |problem: &dyn std::fmt::Display| {
        format!("it is not a NumPy archive with the array arr_0 ({problem}); get a fresh copy of the file")
    };
    let mut zip = ZipArchive::new(file).map_err(|error| damaged(&error))?;
    let entry = zip.by_name(ENTRY).map_err(|error| damaged(&error))?;
    read_array(entry).map_err(|problem| damaged(&problem))
}

/// The names of a data set's arrays in an archive, without `.npy`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arrays {
    /// For each part that is there: images and labels.
    pub(super) parts: Vec<(Part, [String; 2])>,
    /// Arrays that are not used.
    pub(super) others: Vec<String>,
}

/// Finds the arrays of a data set among the entries of an archive; none if it holds no images with labels.
pub(super) fn find_arrays(file: impl Read + Seek) -> Result<Option<Arrays>, String> {
    let damaged = |error| format!("it is not a NumPy archive ({error}); get a fresh copy of the file");
    let zip = ZipArchive::new(file).map_err(damaged)?;
    let mut names: Vec<String> =
        zip.file_names().filter_map(|name| name.strip_suffix(".npy")).map(str::to_owned).collect();
    names.sort();
    let found = |wanted: (Part, Role)| names.iter().find(|name| meaning(name) == Some(wanted)).cloned();
    let parts: Vec<_> = [Part::Train, Part::Test]
        .into_iter()
        .filter_map(|part| Some((part, [found((part, Role::Images))?, found((part, Role::Labels))?])))
        .collect();
    let used = |name: &String| parts.iter().any(|(_, arrays)| arrays.contains(name));
    let others = names.iter().filter(|name| !used(name)).cloned().collect();
    Ok((!parts.is_empty()).then_some(Arrays { parts, others }))
}

/// What an array's name means: `x_train`, `train_images`, `training_images`, `y_test`, `test_labels`.
fn meaning(name: &str) -> Option<(Part, Role)> {
    let words = words(name);
    let part = words.iter().find_map(|word| part(word))?;
    let role = words.iter().find_map(|word| match word.as_str() {
        "x" | "data" | "pixels" => Some(Role::Images),
        "y" | "targets" | "target" => Some(Role::Labels),
        word => role(word),
    })?;
    (words.len() == 2).then_some((part, role))
}

/// Reads an array by its name.
pub(super) fn read_named(file: impl Read + Seek, name: &str) -> Result<ByteArray, String> {
    let of = |problem: &dyn std::fmt::Display| format!("array {name}: {problem}; get a fresh copy of the file");
    let mut zip = ZipArchive::new(file).map_err(|error| of(&error))?;
    let entry = zip.by_name(&format!("{name}.npy")).map_err(|error| of(&error))?;
    read_array(entry).map_err(|problem| of(&problem))
}

/// Reads an array, and no more than its header declares.
fn read_array(mut entry: impl Read) -> Result<ByteArray, String> {
    let mut start = Vec::new();
    (&mut entry).take(NpyHeader::MAX_BYTES as u64).read_to_end(&mut start).map_err(|error| error.to_string())?;
    let other = |header: &str| {
        format!("its array is not of plain integers in row-major order: {}", header.trim().escape_debug())
    };
    let (NpyHeader { descr, fortran_order, shape }, place) = NpyHeader::parse(&start).map_err(|error| match error {
        NpyError::NotAnArray | NpyError::NoHeader => "its array has no version 1 header".to_owned(),
        NpyError::Other(text) => other(text),
    })?;
    let size = TYPES.into_iter().find(|(name, _)| *name == descr && !fortran_order).map(|(_, size)| size);
    let size = size.ok_or_else(|| other(descr))?;
    let mut numbers = start[place..].to_vec();
    let declared = shape.iter().try_fold(size, |product, length| product.checked_mul(*length));
    let Some(declared) = declared.filter(|declared| *declared <= size * MAX_BYTES) else {
        return Err(format!(
            "its header declares {shape:?}, more than a data set needs, but {} bytes follow",
            numbers.len()
        ));
    };
    let rest = read_at_most(entry, declared.saturating_sub(numbers.len()) as u64).map_err(|error| error.to_string())?;
    numbers.extend(rest);
    if declared != numbers.len() {
        let found = if numbers.len() > declared { "more".into() } else { format!("{} bytes", numbers.len()) };
        return Err(format!("its header declares {shape:?}, but {found} follow"));
    }
    // Negative numbers have bits in the upper bytes, too.
    if let Some(index) = numbers.chunks_exact(size).position(|number| number[1..].iter().any(|byte| *byte != 0)) {
        return Err(format!("number {index} is not from 0 to 255"));
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

    /// An archive as `numpy.savez_compressed` writes it, with one array.
    pub(in crate::data) fn archive(entry: &str, descr: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
        archive_of(&[(entry, descr, shape, numbers)])
    }

    /// An archive of several arrays: name of the entry, type, shape, bytes.
    pub(in crate::data) fn archive_of(arrays: &[(&str, &str, &str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (entry, descr, shape, numbers) in arrays {
            let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
            zip.start_file(*entry, SimpleFileOptions::default()).unwrap();
            for part in [MAGIC, &VERSION_1, &(header.len() as u16).to_le_bytes(), header.as_bytes(), numbers] {
                zip.write_all(part).unwrap();
            }
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
        // Longer than what is read with the header.
        let numbers: Vec<u8> = (0..3000u32).map(|x| (x % 251) as u8).collect();
        assert_eq!(parse_npz(&archive(ENTRY, "|u1", "(3000,)", &numbers)).unwrap().1, numbers);
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
            (archive(ENTRY, "|u1", "(3,)", &[1, 2, 3, 4]), "but more follow"),
            (archive(ENTRY, "|u1", "(3,)", &vec![0; 1 << 20]), "but more follow"),
            (archive(ENTRY, "<i8", "(18446744073709551615,)", &[1, 2]), "but 2 bytes follow"),
            (archive(ENTRY, "|u1", "(4000000000,)", &[1, 2]), "more than a data set needs"),
            (archive(ENTRY, "<i2", "(2,)", &[1, 0, 0, 1]), "number 1 is not from 0 to 255"),
            (archive(ENTRY, "<i2", "(1,)", &[255, 255]), "number 0 is not from 0 to 255"),
        ] {
            let message = parse_npz(&file).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn the_arrays_of_a_data_set_are_found_by_name() {
        let named = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| format!("{name}.npy")).collect();
            let arrays: Vec<_> = names.iter().map(|name| (name.as_str(), "|u1", "(1,)", [1].as_slice())).collect();
            find_arrays(Cursor::new(archive_of(&arrays))).unwrap()
        };
        let keras = named(&["x_test", "x_train", "y_train", "y_test"]).unwrap();
        let pair = |images: &str, labels: &str| [images.to_owned(), labels.to_owned()];
        assert_eq!(keras.parts, [(Part::Train, pair("x_train", "y_train")), (Part::Test, pair("x_test", "y_test"))]);
        assert!(keras.others.is_empty());
        let medical = named(&["test_images", "test_labels", "val_images", "val_labels"]).unwrap();
        assert_eq!(medical.parts, [(Part::Test, pair("test_images", "test_labels"))]);
        assert_eq!(medical.others, ["val_images", "val_labels"]);
        assert_eq!(named(&["x_train", "arr_0"]), None);
        assert_eq!(read_named(Cursor::new(archive("a.npy", "|u1", "(1,)", &[9])), "a").unwrap(), (vec![1], vec![9]));
    }
}
