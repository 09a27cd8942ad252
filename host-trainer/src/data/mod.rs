//! Data sets of 28x28 images in 2 to 64 classes.

mod archive;
mod csv;
mod embedded;
mod emnist;
mod folder;
mod idx;
pub mod image;
pub mod known;
mod label_file;
mod load;
mod merge;
mod names;
mod naming;
mod natural;
mod npz;
mod polarity;
mod preparation;
mod reading;
mod relabel;
mod sets;
mod unpack;

use lenet_core::Pixels;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

use crate::classes::Classes;
use crate::error::{Error, Result};

pub use csv::{Table, read_table};
pub use embedded::{DIGITS_10K, digits_10k};
pub use idx::{read_images, read_labels};
pub use label_file::{LABEL_FILE, parse_label_file};
pub use npz::parse_npz;
pub use polarity::Inverted;
pub use preparation::preparation_of;
pub use reading::{Need, Prepare, Reading};

/// Images with their labels: the class of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    images: Array2<u8>,
    labels: Array1<u8>,
    classes: usize,
}

impl Split {
    /// Pairs images (`[N, 784]`, one byte a pixel) with labels (`[N]`, each below `classes`). There may be classes
    /// without images.
    ///
    /// # Errors
    /// When the counts differ, rows are not 784 long, or a label is not below `classes`; the message says which.
    pub fn new(images: Array2<u8>, labels: Array1<u8>, classes: usize) -> std::result::Result<Self, String> {
        if images.ncols() != lenet_core::IMAGE_BYTES {
            return Err(format!("images have {} pixels, but they must have 784", images.ncols()));
        }
        if images.nrows() != labels.len() {
            return Err(format!("there are {} labels for {} images", labels.len(), images.nrows()));
        }
        if let Some((index, label)) = labels.iter().enumerate().find(|(_, label)| usize::from(**label) >= classes) {
            return Err(format!(
                "label {index} is {label}, but there are only {classes} classes, counted from 0; correct the label, or \
                 remove the image"
            ));
        }
        Ok(Self { images: images.as_standard_layout().into_owned(), labels, classes })
    }

    /// No images of this many classes.
    pub fn empty(classes: usize) -> Self {
        Self { images: Array2::zeros((0, lenet_core::IMAGE_BYTES)), labels: Array1::zeros(0), classes }
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

    /// Number of classes, including those without images.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of images of each class.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        for label in &self.labels {
            counts[usize::from(*label)] += 1;
        }
        counts
    }

    /// All labels, `[N]`, each below [`classes`](Self::classes).
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
        Self {
            images: self.images.select(Axis(0), &indices),
            labels: self.labels.select(Axis(0), &indices),
            classes: self.classes,
        }
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
            classes: self.classes,
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
    /// The classes of both parts.
    pub classes: Classes,
    /// Training images; none if only test images were [needed](Need) and there are none.
    pub train: Split,
    /// Test images, used only to report the result.
    pub test: Split,
    /// What a person should know about how it was read, one sentence each: folders that were ignored, classes without
    /// images, images held out for testing.
    pub notes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(labels: &[u8], classes: usize) -> std::result::Result<Split, String> {
        Split::new(Array2::zeros((labels.len(), 784)), labels.to_vec().into(), classes)
    }

    #[test]
    fn images_are_counted_by_class() {
        let images = split(&[2, 0, 2, 2, 4], 6).unwrap();
        assert_eq!(images.counts(), [1, 0, 3, 0, 1, 0]);
        assert_eq!(images.first(2).counts(), [1, 0, 1, 0, 0, 0]);
        assert_eq!(images.evenly_spaced(2).counts(), [0, 0, 2, 0, 0, 0]);
        assert_eq!(images.hold_out(1).unwrap().1.counts(), [0, 0, 0, 0, 1, 0]);
    }

    #[test]
    fn a_label_outside_the_classes_is_named() {
        assert_eq!(split(&[1, 63], 64).unwrap().classes(), 64);
        let message = split(&[0, 2, 3, 4], 3).unwrap_err();
        assert!(message.contains("label 2 is 3, but there are only 3 classes"), "{message}");
        assert!(split(&[0, 2], 2).is_err());
    }
}
