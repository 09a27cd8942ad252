//! The results of a comparison.

use lenet_core::{Logits, Pools};
use serde::{Serialize, Serializer};

use super::stage::Stage;
use super::tally::{Channel, Statistics};
use super::weights::WeightNoise;

/// The result of comparing two networks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Number of images that both networks ran on.
    pub images: usize,
    /// Images that the float network classified correctly.
    pub float_correct: usize,
    /// Images that the int8 network classified correctly.
    pub int8_correct: usize,
    /// Fraction of images that the float network classified correctly, in [0, 1].
    pub float_accuracy: f64,
    /// Fraction of images that the int8 network classified correctly, in [0, 1].
    pub int8_accuracy: f64,
    /// Percentage points of accuracy that the int8 network loses; negative when it gains.
    pub points_lost: f64,
    /// The float network's pools.
    #[serde(serialize_with = "pool_names")]
    pub float_pools: Pools,
    /// The int8 network's pools.
    #[serde(serialize_with = "pool_names")]
    pub int8_pools: Pools,
    /// The tensors, in the order of [`Stage::ALL`].
    pub tensors: [TensorComparison; 5],
    /// The images for which the networks predict different classes, in order.
    pub changed: Vec<Changed>,
}

/// Serializes both pool kinds by their names on the command line.
pub(super) fn pool_names<S: Serializer>(pools: &Pools, serializer: S) -> Result<S::Ok, S::Error> {
    [pools.pool1, pools.pool2].map(|pool| pool.to_string()).serialize(serializer)
}

/// One tensor compared, and the layer that computes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TensorComparison {
    /// Which one.
    pub tensor: Stage,
    /// Real value of a step.
    pub scale: f32,
    /// The `q` that stands for zero.
    pub zero_point: i8,
    /// Statistics over all its values.
    #[serde(flatten)]
    pub statistics: Statistics,
    /// Share of the float layer's values, before its pool, that are beyond the last step of int8, in [0, 1].
    pub clipped: f64,
    /// The noise of the layer's weights.
    pub weights: WeightNoise,
    /// The channels, in order.
    pub channels: Vec<Channel>,
}

impl TensorComparison {
    /// How many channels are never active in int8.
    pub fn never_active(&self) -> usize {
        self.channels.iter().filter(|channel| !channel.int8_active).count()
    }
}

/// An image for which the networks predict different classes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changed {
    /// Its index in the split, from 0.
    pub index: usize,
    /// Its label.
    pub label: u8,
    /// The float network's answer.
    pub float: Answer,
    /// The int8 network's answer, in real units.
    pub int8: Answer,
    /// The margin of the int8 network's answer, in steps.
    pub int8_margin_steps: u8,
}

/// A network's answer for an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The predicted class.
    pub class: usize,
    /// The logits, one for each class.
    pub logits: Vec<f32>,
    /// The largest logit minus the second largest.
    pub margin: f32,
}

impl Answer {
    pub(super) fn of_float(class: usize, logits: Vec<f32>) -> Self {
        let [largest, second] = largest_two(&logits, f32::NEG_INFINITY);
        Self { class, logits, margin: largest - second }
    }

    /// The answer in real units, and its margin in steps.
    pub(super) fn of_int8(logits: &Logits) -> (Self, u8) {
        let quantization = logits.quantization();
        let [largest, second] = largest_two(logits.values(), i8::MIN);
        let steps = largest.abs_diff(second);
        let answer = Self {
            class: logits.class(),
            logits: logits.real().collect(),
            margin: quantization.scale * f32::from(steps),
        };
        (answer, steps)
    }
}

fn largest_two<T: PartialOrd + Copy>(values: &[T], least: T) -> [T; 2] {
    values.iter().copied().fold([least; 2], |[first, second], value| {
        if value > first { [value, first] } else { [first, if value > second { value } else { second }] }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_are_the_largest_logit_minus_the_second_largest() {
        let quantization = lenet_core::quantization::Quantization { scale: 0.5, zero_point: 10 };
        let (answer, steps) = Answer::of_int8(&Logits::new(&[-128, 3, 20, 5, 17, 0, 0, 0, 0, 0], quantization));
        assert_eq!((answer.class, answer.margin, steps), (2, 1.5, 3));
        assert_eq!(answer.logits[..3], [-69.0, -3.5, 5.0]);
        let (tied, steps) = Answer::of_int8(&Logits::new(&[127, -128, 0, 127, 0, 0, 0, 0, 0, 0], quantization));
        assert_eq!((tied.class, tied.margin, steps), (0, 0.0, 0));
        let float = Answer::of_float(1, vec![-3.0, -1.0, -2.5, -9.0, -9.0, -9.0, -9.0, -9.0, -9.0, -9.0]);
        assert_eq!(float.margin, 1.5);
    }
}
