//! Classifies images from any source and rejects those unlike anything the network was trained on.
//!
//! A network predicts a class for every image, often with high confidence even for noise. So an image gets no class if
//! it is
//!
//! - blank: preparation finds no drawing, or no pixel of an image that is taken as it is reaches [`LEAST_INK`] of 255
//!   levels;
//! - several drawings;
//! - or unfamiliar: its distance from every training image is above a limit, or its correlation with every training
//!   image is below another limit.
//!
//! # Familiar images
//!
//! Images are compared by 14x14 values: the square root of the mean ink of each block of 2x2 pixels. The root gives
//! thin and faint strokes more weight. From all training images, the smallest Euclidean *distance* and the largest
//! Pearson *correlation* are taken; they may belong to different images. The distance separates filled shapes from
//! strokes, and the correlation separates faint noise from everything else. Of a larger training set, 10,000 evenly
//! spaced images are used.
//!
//! The limits are the values that 999 of 1,000 training images stay within when each is compared with the others,
//! measured on 2,000 evenly spaced ones. So each limit rejects about 0.1 % of the images of its own data set, and both
//! together up to 0.2 %.
//!
//! The table gives the percentage rejected by the distance, by the correlation, and by either, as
//! `tools/familiarity_table.rs` prints it. The measures were chosen on MNIST's last 10,000 training images, compared
//! with the first 50,000. The "test" columns are for test images, which were used once, compared with all training
//! images of MNIST or of digits-10k.
//!
//! | images | distance | correlation | either | MNIST test | digits-10k test |
//! |---|---:|---:|---:|---:|---:|
//! | digits of the data set itself | 0.05 | 0.12 | 0.16 | 0.20 | 0.20 |
//! | noise: uniform on 2 to 5 % of the pixels, faint Gaussian, 2 % salt | 0 | 100 | 100 | 100 | 100 |
//! | noise: uniform on 20 to 100 %, strong Gaussian, 13 to 50 % salt | 100 | 100 | 100 | 100 | 100 |
//! | all ink, checkerboards, stripes, gradients | 100 | 100 | 100 | 100 | 100 |
//! | Fashion-MNIST | 88.26 | 79.28 | 95.22 | 96.51 | 97.85 |
//! | one to four soft blobs | 87.00 | 74.50 | 94.50 | 94.50 | 96.50 |
//! | two digits side by side | 6.00 | 72.00 | 72.00 | 77.00 | 78.50 |
//! | twelve drawn letters, such as A, K, T, V | 30.00 | 52.50 | 56.50 | 50.00 | 60.50 |
//! | zigzag scribbles | 6.00 | 3.00 | 8.50 | 15.00 | 16.50 |
//!
//! What gets through are strokes that somebody could have meant as a digit. The comparison sees an image only after it
//! was scaled to 28x28, so a wide gradient becomes a bar, which resembles a 1.
//!
//! Other measures did worse, with limits found in the same way and a network trained without those 10,000 images:
//!
//! - the distance to the nearest training image in fc2 features rejected 1 % of Fashion-MNIST and less than half of any
//!   noise;
//! - the Mahalanobis distance to the nearest class in fc2 features rejected 0.4 % and none of the noise;
//! - a low maximum logit or a high entropy rejected 55 to 60 %, and half of the densest salt and pepper;
//! - pixel distances relative to the neighbours' own nearest distances rejected at most a third of Fashion-MNIST;
//! - all 784 pixels rejected no more than the 14x14 values.

mod familiarity;
mod input;
mod sources;

use lenet_core::Pixels;
use lenet_core::preparation::Reason;
use serde::Serialize;

use crate::analysis::{Outputs, Subject};

pub use familiarity::{Familiarity, Resemblance};
pub use input::{Input, inputs};
pub use sources::{Source, find_images};

/// An image whose pixels are all below this level counts as blank.
pub const LEAST_INK: u8 = 32;

/// The answer for an image, apart from the class itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Recognition {
    /// It has a class: the one that the network predicts.
    Class,
    /// It holds no drawing.
    Blank,
    /// It holds several drawings.
    Several,
    /// It is unlike the training images.
    Unfamiliar,
    /// The network predicts the class that stands for anything else.
    NoneOfThese,
}

/// A network's answer for an image, and whether to trust it.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The network's outputs.
    pub outputs: Outputs,
    /// How much the image resembles the training images.
    pub resemblance: Resemblance,
    /// Whether the image has a class, is blank, or is unfamiliar.
    pub recognition: Recognition,
}

impl Prediction {
    /// The class, unless the image is refused.
    pub fn class(&self) -> Option<usize> {
        (self.recognition == Recognition::Class).then(|| self.outputs.class())
    }

    /// The `count` most likely classes with their probabilities, most likely first. Over all classes, probabilities add
    /// up to 1.
    pub fn top(&self, count: usize) -> Vec<(usize, f64)> {
        let probabilities = self.outputs.probabilities();
        let ranking = self.outputs.ranking();
        ranking.iter().take(count).map(|class| (*class, probabilities[*class])).collect()
    }
}

/// Whether every pixel is below [`LEAST_INK`].
pub fn is_blank(pixels: &Pixels) -> bool {
    pixels.iter().all(|level| *level < LEAST_INK)
}

/// Predicts the class of each input, in order, on the threads of the current rayon pool.
pub fn predict(subject: &Subject, familiarity: &Familiarity, inputs: &[Input]) -> Vec<Prediction> {
    let pixels: Vec<Pixels> = inputs.iter().map(|input| input.pixels).collect();
    let outputs = subject.outputs(&pixels);
    let resemblances = familiarity.resemblance(&pixels);
    let answers = inputs.iter().zip(outputs).zip(resemblances);
    answers
        .map(|((input, outputs), resemblance)| {
            let recognition = if matches!(input.refused, Some(Reason::Several(_))) {
                Recognition::Several
            } else if input.refused.is_some() || is_blank(&input.pixels) {
                Recognition::Blank
            } else if subject.none_of_these() == Some(outputs.class()) {
                Recognition::NoneOfThese
            } else if familiarity.is_familiar(resemblance) {
                Recognition::Class
            } else {
                Recognition::Unfamiliar
            };
            Prediction { outputs, resemblance, recognition }
        })
        .collect()
}
