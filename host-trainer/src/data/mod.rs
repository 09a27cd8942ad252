//! Data sets of 28x28 images in ten classes.

mod embedded;
mod folder;
mod idx;
pub mod image;

use std::path::{Path, PathBuf};

use lenet_core::{CLASSES, Pixels};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

use crate::error::{Error, Result};

pub use embedded::digits_10k;
pub use idx::{decompress, parse_images, parse_labels};

/// Images with their labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    images: Array2<u8>,
    labels: Array1<u8>,
}

impl Split {
    /// Pairs images (`[N, 784]`, one byte a pixel) with labels (`[N]`, each below 10).
    ///
    /// # Errors
    /// When the counts differ, rows are not 784 long, or a label is 10 or more; the message says which.
    pub fn new(images: Array2<u8>, labels: Array1<u8>) -> std::result::Result<Self, String> {
        if images.ncols() != lenet_core::IMAGE_BYTES {
            return Err(format!("images have {} pixels, but they must have 784", images.ncols()));
        }
        if images.nrows() != labels.len() {
            return Err(format!("there are {} labels for {} images", labels.len(), images.nrows()));
        }
        if let Some((index, label)) = labels.iter().enumerate().find(|(_, label)| usize::from(**label) >= CLASSES) {
            return Err(format!("label {index} is {label}, but labels must be 0 to 9"));
        }
        Ok(Self { images: images.as_standard_layout().into_owned(), labels })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// All images, `[N, 784]`: the rows of each image from the top, 255 is full ink.
    pub fn images(&self) -> ArrayView2<'_, u8> {
        self.images.view()
    }

    /// All labels, `[N]`, each below 10.
    pub fn labels(&self) -> ArrayView1<'_, u8> {
        self.labels.view()
    }

    /// One image, in the form that [`lenet_core::LeNet5::classify`] takes.
    ///
    /// # Panics
    /// When `index` is not below [`len`](Self::len).
    pub fn pixels(&self, index: usize) -> &Pixels {
        &self.all_pixels()[index]
    }

    /// All images, in the form that [`pixels`](Self::pixels) returns.
    pub fn all_pixels(&self) -> &[Pixels] {
        bytemuck::cast_slice(self.images.as_slice().expect("Split::new makes the layout standard"))
    }

    /// The first `count` images, or all if there are fewer.
    pub fn first(&self, count: usize) -> Self {
        self.range(0, count.min(self.len()))
    }

    /// `count` evenly spaced images, or all if there are fewer. Even spacing makes a representative sample, however the
    /// images are sorted.
    pub fn evenly_spaced(&self, count: usize) -> Self {
        if count >= self.len() {
            return self.clone();
        }
        let indices: Vec<usize> = spaced(self.len(), count).collect();
        Self { images: self.images.select(Axis(0), &indices), labels: self.labels.select(Axis(0), &indices) }
    }

    /// Holds out the last `count` images for validation: `(training, validation)`.
    ///
    /// # Errors
    /// When there are fewer than `count + 1` images.
    pub fn hold_out(&self, count: usize) -> Result<(Self, Self)> {
        if count >= self.len() {
            return Err(Error::Usage(format!(
                "--validation {count} leaves none of the {} training images to train on; hold out fewer",
                self.len()
            )));
        }
        let boundary = self.len() - count;
        Ok((self.range(0, boundary), self.range(boundary, self.len())))
    }

    fn range(&self, start: usize, end: usize) -> Self {
        Self {
            images: self.images.slice(s![start..end, ..]).to_owned(),
            labels: self.labels.slice(s![start..end]).to_owned(),
        }
    }
}

/// Up to `count` numbers below `length`, evenly spaced.
pub(crate) fn spaced(length: usize, count: usize) -> impl Iterator<Item = usize> {
    let count = count.min(length);
    (0..count).map(move |index| index * length / count)
}

/// A data set: images to train on and images to test with.
#[derive(Clone, Debug)]
pub struct DataSet {
    /// A short name, shown to people and written to the model file.
    pub name: String,
    /// Training images.
    pub train: Split,
    /// Test images, used only to report the result.
    pub test: Split,
}

impl DataSet {
    /// Reads the data set in a folder, or the embedded one if no folder is given.
    ///
    /// # Errors
    /// Names the first file that is missing, unreadable or malformed.
    pub fn load(folder: Option<&Path>) -> Result<Self> {
        folder.map_or_else(|| Ok(digits_10k()), Self::from_folder)
    }

    /// Reads a folder's four IDX files, gzipped or not, or its image files. The data set is named after the folder.
    ///
    /// If there is no IDX file, images are expected in `train/0` to `train/9` and `test/0` to `test/9`, or in `0` to
    /// `9`; the numbers are the classes. Without a `test` folder, one image in six of each class is held out for
    /// testing; which ones depends only on the file names. [`image`] describes how an image is prepared. Other files
    /// are ignored.
    ///
    /// # Errors
    /// As for [`load`](Self::load). Also for subfolders that are not classes, and if there are no images to train on or
    /// to test with.
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
    let images = parse_images(&bytes).map_err(|problem| Error::Idx { path: images_path, problem })?;
    let (path, bytes) = read_idx(folder, &format!("{part}-labels-idx1-ubyte"))?;
    let labels = parse_labels(&bytes).map_err(|problem| Error::Idx { path: path.clone(), problem })?;
    if labels.is_empty() {
        return Err(Error::Idx { path, problem: "it holds no images; at least one is needed".into() });
    }
    Split::new(images, labels).map_err(|problem| Error::Idx { path, problem })
}

/// The content of an IDX file, stored under its own name or gzipped with `.gz` appended.
fn read_idx(folder: &Path, name: &str) -> Result<(PathBuf, Vec<u8>)> {
    for file_name in [format!("{name}.gz"), name.to_owned()] {
        let path = folder.join(file_name);
        if !path.exists() {
            continue;
        }
        let bytes = std::fs::read(&path).map_err(Error::read(&path))?;
        let content = decompress(bytes).map_err(|problem| Error::Idx { path: path.clone(), problem })?;
        return Ok((path, content));
    }
    Err(Error::MissingIdx { folder: folder.to_owned(), name: name.to_owned() })
}
