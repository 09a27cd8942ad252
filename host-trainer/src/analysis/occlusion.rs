use lenet_core::Pixels;
use lenet_core::architecture::IMAGE_SIDE;

use super::outputs::Subject;

/// Side of the blanked patch, in pixels.
pub const PATCH: usize = 6;
/// Pixels from one patch position to the next, in both directions.
const STRIDE: usize = 2;

/// Patch positions along one side. Patches at the borders extend beyond the image, so that every pixel is covered by
/// `(PATCH / STRIDE)^2 = 9` patches.
const PLACES: usize = (IMAGE_SIDE + PATCH - STRIDE) / STRIDE;

/// How much the area around each pixel supports one class against another, `[28, 28]`, in logit units.
#[derive(Clone, Debug, PartialEq)]
pub struct Occlusion(pub [[f32; IMAGE_SIDE]; IMAGE_SIDE]);

impl Occlusion {
    /// The largest magnitude.
    pub fn largest(&self) -> f32 {
        self.0.as_flattened().iter().fold(0.0, |largest, value| value.abs().max(largest))
    }
}

/// Computes the occlusion map of each image, given as `(pixels, class, against)`.
///
/// A patch of [`PATCH`] x [`PATCH`] pixels is blanked at one position after another, and the network is run on each
/// result (Zeiler and Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014, section 4.2). With `z`
/// the logits of the image and `z'` those after blanking, the support of a patch for `class` is
///
/// ```text
/// (z[class] - z[against]) - (z'[class] - z'[against])
/// ```
///
/// It is positive if the ink in the patch supports the class, and negative if it supports the other. Each pixel gets
/// the mean over the patches that cover it.
pub(super) fn occlusion(subject: &Subject, images: &[(Pixels, usize, usize)]) -> Vec<Occlusion> {
    // One image needs 257 forward passes; copies for hundreds of images at once would take too much memory.
    images.chunks(64).flat_map(|images| of_some(subject, images)).collect()
}

fn of_some(subject: &Subject, images: &[(Pixels, usize, usize)]) -> Vec<Occlusion> {
    let blanked = images.iter().flat_map(|(pixels, ..)| {
        let places = (0..PLACES * PLACES).map(|place| blank(pixels, place / PLACES, place % PLACES));
        std::iter::once(*pixels).chain(places)
    });
    let outputs = subject.outputs(&blanked.collect::<Vec<_>>());
    let per_image = outputs.chunks_exact(1 + PLACES * PLACES);
    let maps = images.iter().zip(per_image).map(|((_, class, against), outputs)| {
        let margin = |place: usize| outputs[place].logits[*class] - outputs[place].logits[*against];
        let mut map = [[0.0; IMAGE_SIDE]; IMAGE_SIDE];
        for place in 0..PLACES * PLACES {
            let says = (margin(0) - margin(1 + place)) / (PATCH / STRIDE).pow(2) as f32;
            for (y, x) in under(place / PLACES, place % PLACES) {
                map[y][x] += says;
            }
        }
        Occlusion(map)
    });
    maps.collect()
}

fn blank(pixels: &Pixels, row: usize, column: usize) -> Pixels {
    let mut pixels = *pixels;
    for (y, x) in under(row, column) {
        pixels[IMAGE_SIDE * y + x] = 0;
    }
    pixels
}

/// The pixels covered by a patch, `(y, x)`.
fn under(row: usize, column: usize) -> impl Iterator<Item = (usize, usize)> {
    let along = |place: usize| {
        let end = (place + 1) * STRIDE;
        end.saturating_sub(PATCH)..end.min(IMAGE_SIDE)
    };
    along(row).flat_map(move |y| along(column).map(move |x| (y, x)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::trained;
    use crate::data::digits_10k;

    #[test]
    fn every_pixel_is_under_nine_patches() {
        let mut count = [[0; IMAGE_SIDE]; IMAGE_SIDE];
        for place in 0..PLACES * PLACES {
            for (y, x) in under(place / PLACES, place % PLACES) {
                count[y][x] += 1;
            }
        }
        assert_eq!(count, [[9; IMAGE_SIDE]; IMAGE_SIDE]);
    }

    #[test]
    fn ink_speaks_and_blank_paper_does_not() {
        let network = trained();
        let data = digits_10k();
        let subject = Subject::from(&network);
        let images: Vec<_> = (0..3)
            .map(|index| {
                let pixels = *data.test.pixels(index);
                let ranking = subject.outputs(&[pixels])[0].ranking();
                (pixels, ranking[0], ranking[1])
            })
            .collect();
        for ((pixels, class, against), map) in images.iter().zip(occlusion(&subject, &images)) {
            // A patch without ink changes nothing.
            for (y, x) in (0..IMAGE_SIDE).flat_map(|y| (0..IMAGE_SIDE).map(move |x| (y, x))) {
                let reach = |at: usize| at.saturating_sub(PATCH)..(at + PATCH).min(IMAGE_SIDE);
                let ink = reach(y).any(|y| reach(x).any(|x| pixels[IMAGE_SIDE * y + x] > 0));
                assert!(ink || map.0[y][x] == 0.0, "({y}, {x})");
            }
            // The margin comes from the ink, so some of it supports the class.
            assert!(map.0.as_flattened().iter().any(|says| *says > 0.0));
            let opposite = &occlusion(&subject, &[(*pixels, *against, *class)])[0];
            assert!(map.0.as_flattened().iter().zip(opposite.0.as_flattened()).all(|(a, b)| *a == -b));
        }
    }
}
