//! Data sets in one NumPy archive, as Keras' `mnist.npz`.

use std::path::Path;

use lenet_core::architecture::{IMAGE_BYTES, IMAGE_SIDE};
use ndarray::Array2;

use super::names::Part;
use super::npz::{Arrays, find_arrays, read_named};
use super::sets::{Content, not_empty};
use crate::error::{Error, Result};
use crate::input;

/// What an archive holds.
pub(super) struct Archive {
    /// Each part that is there.
    pub(super) parts: Vec<(Part, Content)>,
    /// The names of other arrays.
    pub(super) others: Vec<String>,
}

/// Reads the arrays of a NumPy archive.
///
/// # Errors
/// When the archive is damaged, or its arrays are not those of a data set.
pub(super) fn read_archive(path: &Path) -> Result<Archive> {
    let refused = |problem: String| Error::File { path: path.to_owned(), problem };
    let arrays = find_arrays(input::open(path)?).map_err(refused)?;
    let Some(Arrays { parts, others }) = arrays else {
        return Err(refused(
            "it holds no images with labels; a data set has the arrays x_train, y_train, x_test and y_test, or \
             train_images, train_labels, test_images and test_labels"
                .into(),
        ));
    };
    let read = |(part, [images, labels]): (Part, [String; 2])| {
        let (shape, pixels) = read_named(input::open(path)?, &images).map_err(refused)?;
        let ([count, IMAGE_SIDE, IMAGE_SIDE]
        | [count, IMAGE_BYTES]
        | [count, IMAGE_SIDE, IMAGE_SIDE, 1]
        | [count, 1, IMAGE_SIDE, IMAGE_SIDE]) = shape[..]
        else {
            return Err(refused(format!("the shape of {images} is {shape:?}, but it must be [N, 28, 28]")));
        };
        let (shape, values) = read_named(input::open(path)?, &labels).map_err(refused)?;
        if !matches!(shape[..], [_] | [_, 1]) {
            return Err(refused(format!("the shape of {labels} is {shape:?}, but it must be [N]")));
        }
        if values.len() != count {
            return Err(refused(format!("there are {} labels for {count} images in {images}", values.len())));
        }
        let content = Content {
            images: Array2::from_shape_vec((count, IMAGE_BYTES), pixels).expect("the shape was checked"),
            labels: values.into(),
            label_path: path.to_owned(),
            label_bytes: Vec::new(),
        };
        Ok((part, not_empty(content)?))
    };
    Ok(Archive { parts: parts.into_iter().map(read).collect::<Result<_>>()?, others })
}
