//! What a network makes of images from anywhere, and whether they are like anything it was trained on.
//!
//! A network names a class for every image, often a confident one for noise. So an image gets no class if it is
//!
//! - blank: no pixel has [`LEAST_INK`] of 255 levels. [`data::image`](crate::data::image) makes such images of pages
//!   without ink; one of 28x28 pixels may also be so faint;
//! - or unfamiliar: farther than a limit from every training image, or correlated with each by less than another limit.
//!
//! # Familiar images
//!
//! An image is compared with training images by 14x14 values: the square root of the mean ink of each 2x2 pixels, which
//! makes a thin or faint stroke count for more. Two figures are taken of it, each from the image best in it: the
//! Euclidean *distance*, and Pearson's *correlation* of the values. The distance tells filled shapes from strokes, the
//! correlation faint noise from anything. 10,000 training images, evenly spaced, stand for all of a larger set.
//!
//! The limits are what 999 of 1,000 training images keep to, each compared with the others; 2,000, evenly spaced, are
//! asked. So either limit refuses about 0.1 % of the images of its own data set, both together up to 0.2 %.
//!
//! In per cent, refused by the distance, the correlation, and either, as `tools/familiarity_table.rs` prints it. The
//! measure was chosen on MNIST's last 10,000 training images, with the first 50,000 known; the columns "test" are of
//! test images, looked at once, with all training images of MNIST or of digits-10k known.
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
//! So what is left are strokes that a hand could have meant as a digit. A large image is brought to 28x28 first, and
//! what is left of it then decides: a wide gradient becomes a bar, which resembles a 1.
//!
//! Other measures did worse at limits found in the same way, with a network that was trained without those 10,000
//! images: the distance to the nearest training image in fc2 features refused 1 % of Fashion-MNIST and less than half
//! of any noise; the Mahalanobis distance to the nearest class there 0.4 % and none of the noise; a low largest logit
//! or a high entropy 55 to 60 %, and half of the densest salt and pepper. Distances in pixels relative to those of the
//! neighbours from theirs refused a third of Fashion-MNIST at most, and all 784 pixels no more than the 14x14 values.

mod familiarity;
mod sources;

use lenet_core::{CLASSES, Pixels};
use serde::Serialize;

use crate::analysis::{Outputs, Subject};

pub use familiarity::{Familiarity, Resemblance};
pub use sources::{Source, find_images};

/// Less than this on every pixel is no ink.
pub const LEAST_INK: u8 = 32;

/// What is said of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Recognition {
    /// The network's class.
    Class,
    /// It has no ink.
    Blank,
    /// It is unlike the training images.
    Unfamiliar,
}

/// A network's answer for an image, and whether to believe it.
#[derive(Clone, Copy, Debug)]
pub struct Prediction {
    /// What the network computed.
    pub outputs: Outputs,
    /// How the image resembles the training images.
    pub resemblance: Resemblance,
    /// What to say.
    pub recognition: Recognition,
}

impl Prediction {
    /// The class, if there is one to be named.
    pub fn class(&self) -> Option<usize> {
        (self.recognition == Recognition::Class).then(|| self.outputs.class())
    }

    /// The likeliest classes with their probabilities, which sum up to 1 over all classes.
    pub fn top(&self, count: usize) -> Vec<(usize, f64)> {
        let probabilities = self.outputs.probabilities();
        let ranking: [usize; CLASSES] = self.outputs.ranking();
        ranking.iter().take(count).map(|class| (*class, probabilities[*class])).collect()
    }
}

/// Whether no pixel has ink.
pub fn is_blank(pixels: &Pixels) -> bool {
    pixels.iter().all(|level| *level < LEAST_INK)
}

/// Predicts the class of each image, in order, on the threads of the current rayon pool.
pub fn predict(subject: &Subject, familiarity: &Familiarity, pixels: &[Pixels]) -> Vec<Prediction> {
    let outputs = subject.outputs(pixels);
    let resemblances = familiarity.resemblance(pixels);
    let answers = pixels.iter().zip(outputs).zip(resemblances);
    answers
        .map(|((pixels, outputs), resemblance)| {
            let recognition = if is_blank(pixels) {
                Recognition::Blank
            } else if familiarity.is_familiar(resemblance) {
                Recognition::Class
            } else {
                Recognition::Unfamiliar
            };
            Prediction { outputs, resemblance, recognition }
        })
        .collect()
}
