//! Accuracy, and the CRC-32 over all logits that identifies a network's answers to the bit.

use lenet_core::checksum::Crc32;
use lenet_core::{LeNet5, Logits, Model};
use ndarray::{Array1, ArrayView1, Axis};
use rayon::prelude::*;

use crate::data::Split;
use crate::network::{self, Network};

/// Images one thread classifies at a time. Fixed, so that float logits do not depend on the threads.
const CHUNK: usize = 64;

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
    let chunks: Vec<(Array1<usize>, Vec<u8>)> = split
        .images()
        .axis_chunks_iter(Axis(0), CHUNK)
        .into_par_iter()
        .map(|images| {
            let logits = network::forward(&network.parameters, network.pools, images).logits;
            let bytes = logits.iter().flat_map(|logit| logit.to_le_bytes()).collect();
            (network::predictions(&logits), bytes)
        })
        .collect();
    let mut crc32 = Crc32::new();
    let mut predictions = Vec::with_capacity(split.len());
    for (classes, bytes) in chunks {
        predictions.extend(classes);
        crc32.update(&bytes);
    }
    Evaluation::new(predictions, split.labels(), crc32)
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
    (0..split.len())
        .into_par_iter()
        .map_init(|| LeNet5::new(model), |network, index| network.classify(split.pixels(index)))
        .collect()
}
