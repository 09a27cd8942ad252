//! Data sets whose images are transposed, or dark on light paper.

use clap::ValueEnum;
use lenet_core::architecture::{IMAGE_BYTES, IMAGE_SIDE};
use ndarray::{Array2, ArrayView1};
use serde::{Deserialize, Serialize};

use super::image::{border, median};

/// An image has light paper if the median of its border is this light or lighter.
const LIGHT: u8 = 128;

/// Whether the images of a data set are dark on light paper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
pub enum Inverted {
    /// They are if nine in ten have a light border.
    #[default]
    Auto,
    /// They are; make them light on dark.
    Yes,
    /// They are not; take them as they are.
    No,
}

/// Exchanges rows and columns of every image (`[N, 784]`).
pub(super) fn transpose(images: &mut Array2<u8>) {
    let mut turned = [0; IMAGE_BYTES];
    for mut image in images.rows_mut() {
        for (place, pixel) in turned.iter_mut().enumerate() {
            *pixel = image[place % IMAGE_SIDE * IMAGE_SIDE + place / IMAGE_SIDE];
        }
        image.iter_mut().zip(turned).for_each(|(pixel, turned)| *pixel = turned);
    }
}

/// Exchanges dark and light.
pub(super) fn invert(images: &mut Array2<u8>) {
    images.mapv_inplace(|pixel| 255 - pixel);
}

/// Whether nine in ten images have light paper. The paper is what most of the border shows; MNIST's digits leave a
/// border of four pixels, and even Fashion-MNIST's clothes touch it in few places.
pub(super) fn are_inverted<'a>(parts: impl IntoIterator<Item = &'a Array2<u8>>) -> bool {
    let (mut light, mut all) = (0, 0);
    for images in parts {
        light += images.rows().into_iter().filter(|image| has_light_border(*image)).count();
        all += images.nrows();
    }
    all > 0 && light * 10 >= all * 9
}

fn has_light_border(image: ArrayView1<'_, u8>) -> bool {
    let side = IMAGE_SIDE as u32;
    median(border(side, side).map(|(x, y)| image[y as usize * IMAGE_SIDE + x as usize])) >= LIGHT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits_10k;

    #[test]
    fn images_are_transposed() {
        let mut images = Array2::from_shape_fn((2, IMAGE_BYTES), |(image, place)| (place % 251) as u8 ^ image as u8);
        let before = images.clone();
        transpose(&mut images);
        for image in 0..2 {
            for (row, column) in [(0, 0), (0, 27), (27, 0), (5, 11)] {
                assert_eq!(images[(image, row * 28 + column)], before[(image, column * 28 + row)]);
            }
        }
        transpose(&mut images);
        assert_eq!(images, before);
    }

    #[test]
    fn dark_digits_on_light_paper_are_told_from_light_ones() {
        let mut images = digits_10k().test.images().to_owned();
        assert!(!are_inverted([&images]));
        invert(&mut images);
        assert!(are_inverted([&images]));
        assert!(!are_inverted([&Array2::zeros((0, IMAGE_BYTES))]));
        // Grey paper that is lighter than the ink.
        images.mapv_inplace(|pixel| 20 + pixel / 2);
        assert!(are_inverted([&images]));
    }
}
