//! Data sets in zip and tar archives: unpacks what belongs to a data set into a temporary folder.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use zip::ZipArchive;

use super::image;
use super::names::{FileName, Format, is_npz, is_table};
use crate::error::{Error, Result};
use crate::input::{self, Limit};

/// The most bytes that are unpacked: the images of EMNIST's largest set and their labels, twice.
const MAX_BYTES: u64 = 2 << 30;
/// The most bytes of a single file.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// The most files that are unpacked: one for each image, and some more.
const MAX_FILES: usize = Limit::MAX_IMAGES + 1000;

/// How an archive is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Zip,
    Tar,
    TarGz,
}

impl Packing {
    /// From the name and the first bytes. A gzipped file is an archive only if its name says so.
    pub(super) fn of(path: &Path) -> Result<Option<Self>> {
        let start = input::read_start(path, 512)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let is_tar = |bytes: &[u8]| bytes.get(257..262) == Some(b"ustar");
        Ok(match start.as_slice() {
            [b'P', b'K', 3, 4, ..] => Some(Self::Zip),
            [0x1f, 0x8b, ..] if name.ends_with(".tgz") || name.ends_with(".tar.gz") => Some(Self::TarGz),
            bytes if is_tar(bytes) => Some(Self::Tar),
            _ => None,
        })
    }
}

/// Unpacks the files of a data set, those with the usual names and all images, into `folder`.
///
/// # Errors
/// When the archive is damaged or larger than a data set can need, or the folder cannot be written to.
pub(super) fn unpack(path: &Path, packing: Packing, folder: &Path) -> Result<()> {
    let mut target = Target { folder, bytes: 0, files: 0 };
    let unpacked = match packing {
        Packing::Zip => unpack_zip(input::open(path)?, &mut target),
        Packing::Tar => unpack_tar(input::open(path)?, &mut target),
        Packing::TarGz => unpack_tar(MultiGzDecoder::new(input::open(path)?), &mut target),
    };
    unpacked.map_err(|problem| match problem {
        Problem::Damaged(problem) => {
            Error::file(path)(format!("the archive is damaged ({problem}); get a fresh copy of the file"))
        }
        Problem::Refused(problem) => Error::file(path)(problem),
        Problem::Unwritable(error) => Error::write(folder)(error),
    })
}

enum Problem {
    Damaged(String),
    Refused(String),
    Unwritable(io::Error),
}

fn damaged(error: impl std::fmt::Display) -> Problem {
    Problem::Damaged(error.to_string())
}

fn unpack_zip(file: impl Read + io::Seek, target: &mut Target<'_>) -> std::result::Result<(), Problem> {
    let mut zip = ZipArchive::new(file).map_err(damaged)?;
    for index in 0..zip.len() {
        let entry = zip.by_index(index).map_err(damaged)?;
        let name = PathBuf::from(entry.name());
        if entry.is_file() {
            target.add(&name, entry)?;
        }
    }
    Ok(())
}

fn unpack_tar(stream: impl Read, target: &mut Target<'_>) -> std::result::Result<(), Problem> {
    let mut tar = tar::Archive::new(stream);
    for entry in tar.entries().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        let name = entry.path().map_err(damaged)?.into_owned();
        if entry.header().entry_type().is_file() {
            target.add(&name, entry)?;
        }
    }
    Ok(())
}

/// The folder to unpack to, and what was unpacked so far.
struct Target<'a> {
    folder: &'a Path,
    bytes: u64,
    files: usize,
}

impl Target<'_> {
    /// Unpacks a file if it belongs to a data set. Names that lead out of the folder are skipped.
    fn add(&mut self, name: &Path, mut entry: impl Read) -> std::result::Result<(), Problem> {
        let parts: Vec<_> = name.components().filter(|part| *part != Component::CurDir).collect();
        let inside = parts.iter().all(|part| matches!(part, Component::Normal(_)));
        let hidden = parts.iter().any(|part| {
            let text = part.as_os_str().as_encoded_bytes();
            text.starts_with(b".") || text == b"__MACOSX"
        });
        let Some(limit) = name.file_name().and_then(|name| limit(&name.to_string_lossy(), name.as_ref())) else {
            return Ok(());
        };
        if !inside || hidden {
            return Ok(());
        }
        self.files += 1;
        if self.files > MAX_FILES {
            return Err(Problem::Refused(format!(
                "it holds more than {MAX_FILES} files; check that it is the right file"
            )));
        }
        let path = parts.iter().fold(self.folder.to_owned(), |path, part| path.join(part));
        let parent = path.parent().unwrap_or(self.folder);
        // A name may be used as a file here and as a folder there.
        let mut file = fs::create_dir_all(parent).and_then(|()| File::create(&path)).map_err(Problem::Unwritable)?;
        let room = limit.min(MAX_BYTES - self.bytes);
        let mut announced = None;
        if let Some(FileName { format: Format::Idx, .. }) = FileName::parse(&name.to_string_lossy()) {
            let mut header = Vec::new();
            (&mut entry).take(HEADER_BYTES).read_to_end(&mut header).map_err(damaged)?;
            file.write_all(&header).map_err(Problem::Unwritable)?;
            announced = bytes_after(&header);
        }
        let most = announced.map_or(room, |announced| announced.min(room));
        // One more byte, so that the reader of a file that is longer than its header says refuses it.
        let written = io::copy(&mut entry.take(most + 1), &mut file).map_err(damaged)?;
        self.bytes += written;
        if written > room {
            return Err(Problem::Refused(format!("{} in it is larger than a data set can need", name.display())));
        }
        Ok(())
    }
}

/// The header of an IDX file of images; that of labels is shorter.
const HEADER_BYTES: u64 = 16;

/// The bytes that an IDX file has after its first 16, or some more; none if it is gzipped.
fn bytes_after(header: &[u8]) -> Option<u64> {
    if header.starts_with(&[0x1f, 0x8b]) {
        return None;
    }
    let [0, 0, 8, rank @ (1 | 3), lengths @ ..] = header else { return Some(0) };
    let lengths = lengths.as_chunks::<4>().0.iter().take((*rank).into()).map(|length| u32::from_be_bytes(*length));
    Some(lengths.fold(1u64, |product, length| product.saturating_mul(length.into())))
}

/// The most bytes of a file with this name; none if it does not belong to a data set.
fn limit(name: &str, path: &Path) -> Option<u64> {
    if FileName::parse(name).is_some() || is_table(name) || is_npz(name) {
        return Some(MAX_FILE_BYTES);
    }
    if name.to_lowercase().ends_with(".txt") {
        return Some(64 << 10);
    }
    image::is_image(path).then_some(512 << 20)
}

#[cfg(test)]
mod tests {
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, content) in files {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn unpacked(name: &str, bytes: &[u8]) -> (tempfile::TempDir, Result<()>) {
        let folder = tempfile::tempdir().unwrap();
        let (archive, target) = (folder.path().join(name), folder.path().join("target"));
        fs::write(&archive, bytes).unwrap();
        fs::create_dir(&target).unwrap();
        let result = unpack(&archive, Packing::of(&archive).unwrap().unwrap(), &target);
        (folder, result)
    }

    const LABELS: &[u8] = &[0, 0, 8, 1, 0, 0, 0, 2, 5, 9];

    #[test]
    fn only_files_of_a_data_set_are_unpacked_and_none_outside_of_the_folder() {
        let files: [(&str, &[u8]); 7] = [
            ("MNIST/raw/train-labels-idx1-ubyte", LABELS),
            ("train/A/1.png", b"image"),
            ("labels.txt", b"A"),
            ("setup.exe", b"no"),
            ("../t10k-labels-idx1-ubyte", LABELS),
            ("/t10k-labels-idx1-ubyte", LABELS),
            ("__MACOSX/train-labels-idx1-ubyte", LABELS),
        ];
        let (folder, result) = unpacked("set.zip", &zipped(&files));
        result.unwrap();
        let target = folder.path().join("target");
        assert_eq!(fs::read(target.join(files[0].0)).unwrap(), LABELS);
        assert_eq!(fs::read(target.join(files[1].0)).unwrap(), b"image");
        assert_eq!(fs::read_dir(&target).unwrap().count(), 3);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn no_more_is_unpacked_than_a_header_announces() {
        let long = [LABELS, &[0; 1 << 20]].concat();
        let (folder, result) = unpacked("set.zip", &zipped(&[("train-labels-idx1-ubyte", &long)]));
        result.unwrap();
        let length = fs::metadata(folder.path().join("target/train-labels-idx1-ubyte")).unwrap().len();
        assert_eq!(length, 16 + 2 + 1);
        let (_folder, result) = unpacked("set.zip", &zipped(&[("labels.txt", &[b'A'; 70_000])]));
        let message = result.unwrap_err().to_string();
        assert!(message.contains("set.zip: labels.txt in it is larger than a data set can need"), "{message}");
    }

    #[test]
    fn tar_archives_are_unpacked_and_damaged_ones_named() {
        let mut header = tar::Header::new_gnu();
        header.set_size(LABELS.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_data(&mut header, "mnist/train-labels-idx1-ubyte", LABELS).unwrap();
        let plain = builder.into_inner().unwrap();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&plain).unwrap();
        let packed = packed.finish().unwrap();
        for (name, bytes) in [("set.tar", plain.as_slice()), ("set.tar.gz", &packed), ("set.tgz", &packed)] {
            let (folder, result) = unpacked(name, bytes);
            result.unwrap();
            assert_eq!(fs::read(folder.path().join("target/mnist/train-labels-idx1-ubyte")).unwrap(), LABELS, "{name}");
        }
        let (_folder, result) = unpacked("cut.tgz", &packed[..packed.len() / 2]);
        assert!(result.unwrap_err().to_string().contains("cut.tgz: the archive is damaged"));
    }
}
