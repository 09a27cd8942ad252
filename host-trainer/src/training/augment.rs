//! Augmentation: each image is seen a little differently in each epoch.

use lenet_core::architecture::IMAGE_SIDE;
use lenet_core::{IMAGE_BYTES, Pixels};
use ndarray::Array2;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::data::Split;

/// Shifts each image by a random whole number of pixels in [-`max`, `max`], down and to the right.
///
/// The shift of an image depends on the random stream and the image's index alone, so that it does
/// not matter which thread computes it, or in which order.
#[derive(Clone, Debug)]
pub struct RandomShift {
    max: usize,
    stream: ChaCha8Rng,
}

impl RandomShift {
    /// Shifts of at most `max` pixels, drawn from `stream`, which should differ from epoch to epoch.
    pub fn new(max: usize, stream: ChaCha8Rng) -> Self {
        Self { max, stream }
    }

    /// The shift `(down, right)` of the image with this index.
    fn draw(&self, index: usize) -> (isize, isize) {
        const DRAWS: u128 = 2;
        let mut rng = self.stream.clone();
        rng.set_word_pos(index as u128 * DRAWS);
        let mut draw = || (rng.next_u32() as usize % (2 * self.max + 1)) as isize - self.max as isize;
        (draw(), draw())
    }

    /// The images that `indices` names, shifted: `[indices, 784]`.
    pub fn gather(&self, split: &Split, indices: &[usize]) -> Array2<u8> {
        let mut images = Array2::zeros((indices.len(), IMAGE_BYTES));
        for (mut row, index) in images.rows_mut().into_iter().zip(indices) {
            let (down, right) = self.draw(*index);
            let target = row.as_slice_mut().expect("a new array is in standard layout");
            shift(split.pixels(*index), down, right, target);
        }
        images
    }
}

/// Moves an image's content; what comes in at the borders is background.
fn shift(pixels: &Pixels, down: isize, right: isize, target: &mut [u8]) {
    let source = |place: usize, by: isize| place.checked_add_signed(-by).filter(|place| *place < IMAGE_SIDE);
    for (y, row) in target.chunks_exact_mut(IMAGE_SIDE).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            *pixel = match (source(y, down), source(x, right)) {
                (Some(y), Some(x)) => pixels[y * IMAGE_SIDE + x],
                _ => 0,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits_10k;
    use rand::SeedableRng;

    #[test]
    fn content_moves_and_borders_are_background() {
        let mut pixels = [0; IMAGE_BYTES];
        pixels[0] = 7;
        pixels[5 * IMAGE_SIDE + 27] = 9;
        let mut moved = [1; IMAGE_BYTES];
        shift(&pixels, 2, 1, &mut moved);
        let mut expected = [0; IMAGE_BYTES];
        expected[2 * IMAGE_SIDE + 1] = 7;
        assert_eq!(moved, expected);
        shift(&pixels, -5, -27, &mut moved);
        expected = [0; IMAGE_BYTES];
        expected[0] = 9;
        assert_eq!(moved, expected);
    }

    #[test]
    fn every_shift_is_drawn_about_as_often_and_depends_on_the_index_alone() {
        let shifts = RandomShift::new(2, ChaCha8Rng::seed_from_u64(1));
        let mut counts = [[0; 5]; 5];
        for index in 0..25_000 {
            let (down, right) = shifts.draw(index);
            counts[(down + 2) as usize][(right + 2) as usize] += 1;
        }
        // 1,000 expected in each cell, standard deviation 31.
        assert!(counts.as_flattened().iter().all(|count| (850..1150).contains(count)), "{counts:?}");

        let split = digits_10k().test;
        let together = shifts.gather(&split, &[3, 4]);
        assert_eq!(together.row(1), shifts.gather(&split, &[4]).row(0));
    }
}
