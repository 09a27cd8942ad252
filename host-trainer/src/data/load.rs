//! Reads a data set from a folder.

use std::path::{Path, PathBuf};

use super::idx::{decompress, parse_images, parse_labels};
use super::{DataSet, Split, digits_10k, folder};
use crate::error::{Error, Result};

impl DataSet {
    /// Reads the data set in a folder, or returns the embedded one if no folder is given.
    ///
    /// # Errors
    /// Names the first file that is missing, unreadable or malformed.
    pub fn load(folder: Option<&Path>) -> Result<Self> {
        folder.map_or_else(|| Ok(digits_10k()), Self::from_folder)
    }

    /// Reads the four IDX files of a folder, gzipped or not, or its image files. The data set gets the folder's name.
    ///
    /// A folder without IDX files has its images in `train/0` to `train/9` and `test/0` to `test/9`, or in `0` to `9`;
    /// the numbers are the classes. If there is no `test` folder, one image in six of each class is held out for
    /// testing, chosen by the file names alone. [`image`](super::image) explains how an image is prepared. Other files
    /// are ignored.
    ///
    /// # Errors
    /// Those of [`load`](Self::load). Also when a subfolder is not a class, or there is no image for training or
    /// testing.
    pub fn from_folder(folder: &Path) -> Result<Self> {
        let absolute = folder.canonicalize().map_err(Error::read(folder))?;
        let name = absolute.file_name().map_or("data".into(), |name| name.to_string_lossy().into_owned());
        let images = if holds_idx(folder) { None } else { folder::read(folder)? };
        let (train, test) = match images {
            Some(splits) => splits,
            None => (read_split(folder, "train")?, read_split(folder, "t10k")?),
        };
        Ok(Self { name, train, test })
    }
}

fn holds_idx(folder: &Path) -> bool {
    let parts = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
    parts.iter().any(|part| ["", ".gz"].iter().any(|end| folder.join(format!("{part}-ubyte{end}")).exists()))
}

fn read_split(folder: &Path, part: &str) -> Result<Split> {
    let (images_path, bytes) = read_idx(folder, &format!("{part}-images-idx3-ubyte"))?;
    let images = parse_images(&bytes).map_err(|problem| Error::File { path: images_path, problem })?;
    let (path, bytes) = read_idx(folder, &format!("{part}-labels-idx1-ubyte"))?;
    let labels = parse_labels(&bytes).map_err(|problem| Error::File { path: path.clone(), problem })?;
    if labels.is_empty() {
        return Err(Error::File { path, problem: "it contains no images; at least one is needed".into() });
    }
    Split::new(images, labels).map_err(|problem| Error::File { path, problem })
}

/// The content of an IDX file, stored under its own name or gzipped with `.gz` appended.
fn read_idx(folder: &Path, name: &str) -> Result<(PathBuf, Vec<u8>)> {
    for file_name in [format!("{name}.gz"), name.to_owned()] {
        let path = folder.join(file_name);
        if !path.exists() {
            continue;
        }
        let bytes = std::fs::read(&path).map_err(Error::read(&path))?;
        let content = decompress(bytes).map_err(|problem| Error::File { path: path.clone(), problem })?;
        return Ok((path, content));
    }
    Err(Error::MissingIdx { folder: folder.to_owned(), name: name.to_owned() })
}
