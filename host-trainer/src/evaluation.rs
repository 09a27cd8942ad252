//! Accuracy, and the CRC-32 over all logits that identifies a network's answers to the bit.
//!
//! Everything about int8 networks comes from `lenet-core`.

use std::ops::Range;

use lenet_core::checksum::Crc32;
use lenet_core::workstation::Classifier;
use lenet_core::{Logits, Model, Pixels, Workspace};
use ndarray::ArrayView1;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::data::Split;
use crate::network::Network;
use crate::network::lanes::{Group, InstructionSet, LANES, Lanes, cross_entropy};

/// A network's answers on a split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Predicted class of each image.
    pub predictions: Vec<usize>,
    /// Images classified correctly.
    pub correct: usize,
    /// CRC-32 over all logits in order, as int8 or as little-endian f32.
    pub crc32: u32,
}

impl Evaluation {
    /// Fraction of images classified correctly, in [0, 1].
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.predictions.len() as f64
    }

    /// Number of images for which `other` predicts a different class.
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
    for group in for_each_group(network, split.all_pixels(), |group, images| {
        (group.classes(), group.logits().to_vec(), images.len())
    }) {
        let (classes, logits, images) = group;
        predictions.extend(&classes[..images]);
        for lane in 0..images {
            let bytes: Vec<u8> = logits.iter().flat_map(|logit| logit.0[lane].to_le_bytes()).collect();
            crc32.update(&bytes);
        }
    }
    Evaluation::new(predictions, split.labels(), crc32)
}

/// A network's mean cross-entropy and accuracy on a split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossAndAccuracy {
    /// Mean loss.
    pub loss: f64,
    /// Fraction of images classified correctly, in [0, 1].
    pub accuracy: f64,
}

/// Mean loss and accuracy of a float network on a split, on the threads of the current rayon pool.
pub fn float_loss_and_accuracy(network: &Network, split: &Split) -> LossAndAccuracy {
    let groups = for_each_group(network, split.all_pixels(), |group, images| {
        loss_and_correct(group.logits(), group.classes(), images, split.labels())
    });
    mean(groups, split)
}

/// Mean loss and accuracy of an int8 network on a split, on the threads of the current rayon pool.
pub fn int8_loss_and_accuracy(model: Model<'_>, split: &Split) -> LossAndAccuracy {
    let logits = classify_all(model, split);
    let groups = logits.par_chunks(LANES).enumerate().map(|(index, group)| {
        let mut lanes = vec![Lanes::ZERO; model.classes()];
        let mut classes = [0; LANES];
        for (lane, logits) in group.iter().enumerate() {
            classes[lane] = logits.class();
            for (to, real) in lanes.iter_mut().zip(logits.real()) {
                to.0[lane] = real;
            }
        }
        loss_and_correct(&lanes, classes, index * LANES..index * LANES + group.len(), split.labels())
    });
    mean(groups.collect(), split)
}

/// Summed loss of the images in the lanes, and how many of them were classified correctly.
fn loss_and_correct(
    logits: &[Lanes],
    classes: [usize; LANES],
    images: Range<usize>,
    labels: ArrayView1<'_, u8>,
) -> (f64, usize) {
    let mut targets = vec![Lanes::ZERO; logits.len()];
    for (lane, index) in images.clone().enumerate() {
        targets[usize::from(labels[index])].0[lane] = 1.0;
    }
    let correct = images.zip(classes).filter(|(index, class)| usize::from(labels[*index]) == *class).count();
    (cross_entropy::loss_and_gradient(logits, &targets, 1.0).0, correct)
}

fn mean(groups: Vec<(f64, usize)>, split: &Split) -> LossAndAccuracy {
    let images = split.len() as f64;
    let (loss, correct) = groups.into_iter().fold((0.0, 0), |sum, group| (sum.0 + group.0, sum.1 + group.1));
    LossAndAccuracy { loss: loss / images, accuracy: correct as f64 / images }
}

/// Runs a float network on images, one group of lanes at a time, on the threads of the current rayon pool. Calls `take`
/// with each group and the range of its images, and returns the results in order.
pub fn for_each_group<T: Send>(
    network: &Network,
    pixels: &[Pixels],
    take: impl Fn(&Group, Range<usize>) -> T + Sync,
) -> Vec<T> {
    let set = InstructionSet::detect();
    (0..pixels.len().div_ceil(LANES))
        .into_par_iter()
        .map_init(Group::new, |group, index| {
            let images = index * LANES..pixels.len().min((index + 1) * LANES);
            group.set_images(&pixels[images.clone()].iter().collect::<Vec<_>>());
            group.forward(set, &network.parameters, network.pools);
            take(group, images)
        })
        .collect()
}

/// Runs an int8 network on images, on the threads of the current rayon pool. Calls `take` with each image's activations
/// and logits, and returns the results in order.
pub fn for_each_image<T: Send>(
    classifier: &Classifier,
    pixels: &[Pixels],
    take: impl Fn(&Workspace, &Logits) -> T + Sync,
) -> Vec<T> {
    pixels
        .par_iter()
        .map_init(Workspace::new, |workspace, pixels| {
            let logits = classifier.classify_into(pixels, workspace);
            take(workspace, &logits)
        })
        .collect()
}

/// Runs an int8 network over a split, on the threads of the current rayon pool.
pub fn evaluate_int8(model: Model<'_>, split: &Split) -> Evaluation {
    let mut crc32 = Crc32::new();
    let mut predictions = Vec::with_capacity(split.len());
    for logits in classify_all(model, split) {
        predictions.push(logits.class());
        crc32.update_logits(&logits);
    }
    Evaluation::new(predictions, split.labels(), crc32)
}

/// An int8 network's logits for every image, in order.
pub fn classify_all(model: Model<'_>, split: &Split) -> Vec<Logits> {
    let classifier = Classifier::new(&model);
    (0..split.len()).into_par_iter().map(|index| classifier.classify(split.pixels(index))).collect()
}
