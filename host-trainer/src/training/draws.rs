//! Which images an epoch draws, and in which order.

use rand::Rng;
use rand::seq::SliceRandom;

use crate::data::Split;

/// The draws of one epoch, shuffled by `rng`.
///
/// Without `balance` every image is drawn once. With it, images of smaller classes are drawn more often, until every
/// class that has images is drawn as often as the largest one: each image equally often, and a random choice of them
/// once more.
///
/// A draw is the index of its image, plus the number of images times how often the image was drawn before. So each draw
/// of an image gets its own distortion; [`image`] recovers the index.
pub(super) fn draws(split: &Split, balance: bool, rng: &mut impl Rng) -> Vec<usize> {
    let mut draws: Vec<usize> = (0..split.len()).collect();
    if balance {
        let mut classes = vec![Vec::new(); split.classes()];
        for (index, class) in split.labels().iter().enumerate() {
            classes[usize::from(*class)].push(index);
        }
        let largest = classes.iter().map(Vec::len).max().unwrap_or(0);
        for images in classes.iter_mut().filter(|images| !images.is_empty()) {
            images.shuffle(rng);
            let count = images.len();
            draws.extend((count..largest).map(|draw| images[draw % count] + draw / count * split.len()));
        }
    }
    draws.shuffle(rng);
    draws
}

/// Number of draws of an epoch.
pub fn count(split: &Split, balance: bool) -> usize {
    if !balance {
        return split.len();
    }
    let counts = split.counts();
    counts.iter().max().unwrap_or(&0) * counts.iter().filter(|count| **count > 0).count()
}

/// The index of the image of a draw.
pub(super) fn image(split: &Split, draw: usize) -> usize {
    draw % split.len()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lenet_core::IMAGE_BYTES;
    use ndarray::{Array1, Array2};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Five images of class 0, two of class 1, none of class 2, one of class 3.
    fn split() -> Split {
        let labels = Array1::from(vec![0, 1, 0, 0, 3, 1, 0, 0]);
        Split::new(Array2::zeros((labels.len(), IMAGE_BYTES)), labels, 4).unwrap()
    }

    #[test]
    fn without_balance_every_image_is_drawn_once() {
        let split = split();
        let mut drawn = draws(&split, false, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(drawn.len(), count(&split, false));
        drawn.sort_unstable();
        assert_eq!(drawn, (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn with_balance_classes_are_drawn_equally_often() {
        let split = split();
        let drawn = draws(&split, true, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(drawn.len(), count(&split, true));
        assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 15, "no two draws are the same");
        let mut per_image = [0; 8];
        drawn.iter().for_each(|draw| per_image[image(&split, *draw)] += 1);
        assert_eq!([0, 2, 3, 6, 7].map(|index| per_image[index]), [1; 5]);
        assert_eq!(per_image[4], 5);
        let mut pair = [per_image[1], per_image[5]];
        pair.sort_unstable();
        assert_eq!(pair, [2, 3]);
    }
}
