//! Accuracy, and the CRC-32 over all logits that identifies a network's answers to the bit.

use std::ops::Range;

use lenet_core::checksum::Crc32;
use lenet_core::{CLASSES, Logits, Model, Pixels};
use ndarray::ArrayView1;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::data::Split;
use crate::inference::Classifier;
use crate::network::Network;
use crate::network::lanes::{Group, InstructionSet, LANES, Lanes, Pass, cross_entropy};

/// What a network answered on a split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Predicted class of each image.
    pub predictions: Vec<usize>,
    /// Images classified rightly.
    pub correct: usize,
    /// CRC-32 over all logits in order, as int8 or as little-endian f32.
    pub crc32: u32,
}

impl Evaluation {
    /// Fraction of images classified rightly, in [0, 1].
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.predictions.len() as f64
    }

    /// Images for which another network predicts another class.
    pub fn changed_predictions(&self, other: &Self) -> usize {
        self.predictions.iter().zip(&other.predictions).filter(|(a, b)| a != b).count()
    }

    fn new(predictions: Vec<usize>, labels: ArrayView1<'_, u8>, crc32: Crc32) -> Self {
        let correct = predictions.iter().zip(labels).filter(|(class, label)| **class == usize::from(**label)).count();
        Self { predictions, correct, crc32: crc32.finish() }
    }
}

/// Runs a float network over a split, on the threads of the current rayon pool.
pub fn evaluate_float(network: &Network, split: &Split) -> Evaluation {
    let mut crc32 = Crc32::new();
    let mut predictions = Vec::with_capacity(split.len());
    for group in for_each_group(Pass::Float(&network.parameters, network.pools), split.all_pixels(), |group, images| {
        (group.classes(), *group.logits(), images.len())
    }) {
        let (classes, logits, images) = group;
        predictions.extend(&classes[..images]);
        for lane in 0..images {
            let bytes: [[u8; 4]; CLASSES] = logits.map(|logit| logit.0[lane].to_le_bytes());
            crc32.update(bytes.as_flattened());
        }
    }
    Evaluation::new(predictions, split.labels(), crc32)
}

/// Mean cross-entropy of a network on a split, and its accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossAndAccuracy {
    /// Mean loss.
    pub loss: f64,
    /// Fraction of images classified rightly, in [0, 1].
    pub accuracy: f64,
}

/// Measures the network of a pass on a split, on the threads of the current rayon pool.
pub fn loss_and_accuracy(pass: Pass<'_>, split: &Split) -> LossAndAccuracy {
    let labels = split.labels();
    let parts = for_each_group(pass, split.all_pixels(), |group, images| {
        let mut targets = [Lanes::ZERO; CLASSES];
        for (lane, index) in images.clone().enumerate() {
            targets[usize::from(labels[index])].0[lane] = 1.0;
        }
        let classes = group.classes();
        let correct = images.zip(classes).filter(|(index, class)| usize::from(labels[*index]) == *class).count();
        (cross_entropy::loss_and_gradient(group.logits(), &targets, 1.0).0, correct)
    });
    let images = split.len() as f64;
    let (loss, correct) = parts.into_iter().fold((0.0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    LossAndAccuracy { loss: loss / images, accuracy: correct as f64 / images }
}

/// Runs a network over images in groups, on the threads of the current rayon pool, and takes from each, in order,
/// what `take` makes of it and of the range of its images.
pub fn for_each_group<T: Send>(
    pass: Pass<'_>,
    pixels: &[Pixels],
    take: impl Fn(&Group, Range<usize>) -> T + Sync,
) -> Vec<T> {
    let set = InstructionSet::detect();
    (0..pixels.len().div_ceil(LANES))
        .into_par_iter()
        .map_init(Group::new, |group, index| {
            let images = index * LANES..pixels.len().min((index + 1) * LANES);
            group.set_images(&pixels[images.clone()].iter().collect::<Vec<_>>());
            pass.forward(set, group);
            take(group, images)
        })
        .collect()
}

/// Runs an integer network over a split, on the threads of the current rayon pool.
pub fn evaluate_int8(model: Model<'_>, split: &Split) -> Evaluation {
    let mut crc32 = Crc32::new();
    let mut predictions = Vec::with_capacity(split.len());
    for logits in classify_all(model, split) {
        predictions.push(logits.class());
        crc32.update_logits(&logits);
    }
    Evaluation::new(predictions, split.labels(), crc32)
}

/// The integer network's logits of every image, in order.
pub fn classify_all(model: Model<'_>, split: &Split) -> Vec<Logits> {
    let classifier = Classifier::new(&model);
    (0..split.len()).into_par_iter().map(|index| classifier.classify(split.pixels(index))).collect()
}
