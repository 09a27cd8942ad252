//! Prepares the images of a data set, and finds out whether they were.

use lenet_core::Pixels;
use lenet_core::architecture::IMAGE_SIDE;
use lenet_core::preparation::{Frame, Preparation, prepare, scratch_bytes};
use ndarray::{ArrayView1, Axis};
use rayon::prelude::*;

use super::Split;

/// Images that are looked at, at most, evenly spaced.
const SAMPLE: usize = 2_000;
/// The mean difference of a pixel, of 255 levels, up to which an image counts as left as it is.
const SAME: u32 = 6;
const SIDE: u8 = IMAGE_SIDE as u8;

/// The preparation that leaves the training images as they are, at least 97 of 100: [`Preparation::Drawing`] for scaled
/// and centred drawings such as MNIST's, or else [`Preparation::AsTheyAre`].
pub fn preparation_of(train: &Split) -> Preparation {
    let sample = train.evenly_spaced(SAMPLE);
    let same = sample.all_pixels().par_iter().filter(|pixels| stays(pixels)).count();
    if 100 * same >= 97 * sample.len() && !sample.is_empty() { Preparation::Drawing } else { Preparation::AsTheyAre }
}

/// The images after preparation. An image that preparation refuses, such as a blank one, stays as it is.
pub(super) fn prepared(images: &Split) -> Split {
    let mut prepared = images.clone();
    prepared.images.axis_iter_mut(Axis(0)).into_par_iter().for_each(|mut image| {
        let pixels: Pixels = std::array::from_fn(|place| image[place]);
        if let Some(pixels) = prepare_image(&pixels) {
            image.assign(&ArrayView1::from(&pixels));
        }
    });
    prepared
}

fn prepare_image(pixels: &Pixels) -> Option<Pixels> {
    let mut scratch = [0; scratch_bytes(SIDE, SIDE)];
    Frame::new(pixels, SIDE, SIDE, IMAGE_SIDE).and_then(|frame| prepare(&frame, &mut scratch).ok())
}

/// Whether preparation leaves an image as it is, nearly.
fn stays(pixels: &Pixels) -> bool {
    prepare_image(pixels).is_some_and(|prepared| {
        let sum: u32 = pixels.iter().zip(&prepared).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        sum <= SAME * pixels.len() as u32
    })
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::data::digits_10k;

    #[test]
    fn digits_are_drawings_and_full_images_are_not() {
        let train = digits_10k().train.first(300);
        assert_eq!(preparation_of(&train), Preparation::Drawing);
        let shifted = train.images().map(|level| *level / 2 + 60);
        let shifted = Split::new(shifted, train.labels().to_owned(), 10).unwrap();
        assert_eq!(preparation_of(&shifted), Preparation::AsTheyAre);
        let texture = Array2::from_shape_fn((300, 784), |(image, place)| (image * 31 + place * place * 7) as u8);
        let texture = Split::new(texture, train.labels().to_owned(), 10).unwrap();
        assert_eq!(preparation_of(&texture), Preparation::AsTheyAre);
    }
}
