//! Data sets of 28x28 images in ten classes.

mod embedded;
mod folder;
mod idx;
pub mod image;
mod load;

use lenet_core::{CLASSES, Pixels};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

use crate::classes::Classes;
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

impl DataSet {
    /// The classes.
    pub fn classes(&self) -> Classes {
        Classes::digits()
    }
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
