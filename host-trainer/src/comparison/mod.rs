//! A float network and an int8 one on the same images: where they part, and by how much.
//!
//! Both networks run from end to end, so the error of a tensor is what the quantization of everything before it adds
//! up to. Five tensors are compared ([`Stage`]): what the pools give, which is what the next layer sees of a
//! convolution, the outputs of fc1 and fc2, and the logits. The int8 values are those of [`lenet_core::LeNet5`]
//! itself, bit for bit what a board computes.
//!
//! # The measures
//!
//! With `x` the float network's value, `q` the int8 network's and `x_q = scale * (q - zero_point)`:
//!
//! ```text
//! SQNR            = 10 log10(sum x^2 / sum (x - x_q)^2)    in dB
//! error in steps  = |x - x_q| / scale
//! ```
//!
//! This is the signal-to-quantization-noise ratio as Lin, Talathi and Annapureddy use it for layers (*Fixed Point
//! Quantization of Deep Convolutional Networks*, ICML 2016). At 20 dB the error is a tenth of the signal, at 40 dB a
//! hundredth (root mean square); rounding alone, whose error is `scale / sqrt(12)`, leaves about 40 dB here.
//!
//! Two shares tell whether the range of int8 is too narrow:
//!
//! - *saturated*: int8 values at an end of the range (127; of logits also -128) where the float network's value is
//!   nearest to another step. An average pool hides saturation of the layer before it, hence also
//! - *clipped*: values of the float layer, before its pool, beyond the last step: those int8 cannot express however
//!   exact the rest is.
//!
//! A channel is *never active* when it is zero at every place of every image. Of the six and sixteen channels of a
//! convolution each one counts. Of the 120 and 84 units of fc1 and fc2 some are dead in any network trained with
//! ReLUs, and quantization has no part in that: they are counted, and only one that int8 alone has lost is a
//! [`Warning`].
//!
//! A network fine-tuned after the fact (`--qat`) is not a rounded copy of the float network any more: what tells is its
//! accuracy, and both SQNRs say how far it went.

mod parts;
mod tally;
mod verdict;
mod warning;
mod weights;

use std::fmt;

use lenet_core::architecture::{CLASSES, Layer};
use lenet_core::{LeNet5, Logits, Model, Tensor};
use rayon::prelude::*;
use serde::{Serialize, Serializer};

use crate::data::Split;
use crate::network::lanes::{Group, InstructionSet, LANES};
use crate::network::{Network, Pools};

pub use tally::{Channel, Statistics};
pub use verdict::{POINTS_LOST_MAX, SATURATION_MAX, SQNR_MIN_DB};
pub use warning::{Cause, Warning};
pub use weights::WeightError;

use parts::Part;
use tally::Scheme;

/// Images whose sums are taken together. It is fixed, so that the sums are the same for any number of threads.
const CHUNK: usize = 10 * LANES;

/// The tensors that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Output of conv1 after its ReLU and pool.
    Pool1,
    /// Output of conv2 after its ReLU and pool.
    Pool2,
    /// Output of fc1 after its ReLU.
    Fc1,
    /// Output of fc2 after its ReLU.
    Fc2,
    /// Output of fc3.
    Logits,
}

impl Stage {
    /// All, in order; that of [`Layer::ALL`].
    pub const ALL: [Self; 5] = [Self::Pool1, Self::Pool2, Self::Fc1, Self::Fc2, Self::Logits];

    /// The layer whose output it is.
    pub const fn layer(self) -> Layer {
        Layer::ALL[self as usize]
    }

    /// The tensor whose scale and zero point it has.
    pub const fn tensor(self) -> Tensor {
        // The first tensor is the input.
        Tensor::ALL[self as usize + 1]
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pool1 => "pool1",
            Self::Pool2 => "pool2",
            Self::Fc1 => "fc1",
            Self::Fc2 => "fc2",
            Self::Logits => "logits",
        })
    }
}

/// What comparing two networks found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Images both networks ran on.
    pub images: usize,
    /// Images the float network classified rightly.
    pub float_correct: usize,
    /// Images the int8 network classified rightly.
    pub int8_correct: usize,
    /// Fraction of images the float network classified rightly, in [0, 1].
    pub float_accuracy: f64,
    /// Fraction of images the int8 network classified rightly, in [0, 1].
    pub int8_accuracy: f64,
    /// Percentage points of accuracy the int8 network lost; negative when it gained.
    pub points_lost: f64,
    /// The float network's pools.
    #[serde(serialize_with = "pool_names")]
    pub float_pools: Pools,
    /// The int8 network's pools.
    #[serde(serialize_with = "pool_names")]
    pub int8_pools: Pools,
    /// The tensors, in the order of [`Stage::ALL`].
    pub tensors: [TensorComparison; 5],
    /// The images the networks predict different classes for, in order.
    pub changed: Vec<Changed>,
}

/// Both kinds by their names, as on the command line.
fn pool_names<S: Serializer>(pools: &Pools, serializer: S) -> Result<S::Ok, S::Error> {
    [pools.pool1, pools.pool2].map(|pool| pool.to_string()).serialize(serializer)
}

/// A tensor in both networks, and the layer before it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TensorComparison {
    /// Which one.
    pub tensor: Stage,
    /// Real value of a step.
    pub scale: f32,
    /// The `q` that stands for zero.
    pub zero_point: i8,
    /// Over all its values.
    #[serde(flatten)]
    pub statistics: Statistics,
    /// Share of the float layer's values, before its pool, that lie beyond the last step of int8.
    pub clipped: f64,
    /// The error of the layer's weights.
    pub weights: WeightError,
    /// Each channel.
    pub channels: Vec<Channel>,
}

impl TensorComparison {
    /// How many channels are never active in int8.
    pub fn never_active(&self) -> usize {
        self.channels.iter().filter(|channel| !channel.int8_active).count()
    }
}

/// An image for which the networks predict different classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Changed {
    /// Its number in the split, from 0.
    pub index: usize,
    /// Its label.
    pub label: u8,
    /// The float network's answer.
    pub float: Answer,
    /// The int8 network's answer, in real units.
    pub int8: Answer,
    /// The margin of the int8 network's answer, steps.
    pub int8_margin_steps: u8,
}

/// What a network says of an image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The predicted class.
    pub class: usize,
    /// The logits.
    pub logits: [f32; CLASSES],
    /// The largest logit minus the second.
    pub margin: f32,
}

impl Answer {
    fn of_float(class: usize, logits: [f32; CLASSES]) -> Self {
        let [largest, second] = largest_two(logits, f32::NEG_INFINITY);
        Self { class, logits, margin: largest - second }
    }

    /// With the margin in steps.
    fn of_int8(logits: &Logits) -> (Self, u8) {
        let quantization = logits.quantization();
        let [largest, second] = largest_two(logits.values, i8::MIN);
        let steps = largest.abs_diff(second);
        let answer =
            Self { class: logits.class(), logits: logits.real(), margin: quantization.scale * f32::from(steps) };
        (answer, steps)
    }
}

fn largest_two<T: PartialOrd + Copy>(values: [T; CLASSES], least: T) -> [T; 2] {
    values.into_iter().fold([least; 2], |[first, second], value| {
        if value > first { [value, first] } else { [first, if value > second { value } else { second }] }
    })
}

/// Runs both networks over a split, on the threads of the current rayon pool. The result is the same, to the bit, for
/// any number of them.
pub fn compare(network: &Network, model: Model<'_>, split: &Split) -> Comparison {
    let schemes = Stage::ALL.map(|stage| Scheme::new(model.quantization(stage.tensor()), stage != Stage::Logits));
    let set = InstructionSet::detect();
    let parts: Vec<Part> = (0..split.len().div_ceil(CHUNK))
        .into_par_iter()
        .map_init(
            || (Group::new(), LeNet5::new(model)),
            |(group, int8), index| {
                let mut part = Part::new();
                let end = split.len().min((index + 1) * CHUNK);
                for start in (index * CHUNK..end).step_by(LANES) {
                    let images = start..end.min(start + LANES);
                    group.set_images(&images.clone().map(|image| split.pixels(image)).collect::<Vec<_>>());
                    group.forward(set, &network.parameters, network.pools);
                    part.add(group, int8, &schemes, split, images);
                }
                part
            },
        )
        .collect();
    let mut whole = Part::new();
    for part in parts {
        whole.merge(part);
    }
    whole.comparison(network, model, split.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits_10k;
    use crate::formats::{ModelFile, decode_safetensors};
    use crate::network::plain;
    use crate::quantization::{Calibration, Granularity, calibrate, quantize};

    /// The committed float network.
    pub(super) fn digits() -> Network {
        decode_safetensors(include_bytes!("../../../data/digits-10k/digits-10k.safetensors")).unwrap().network
    }

    /// The same with a conv1 that gives so many times as much: its ranges do not fit [`digits`].
    pub(super) fn with_conv1_times(factor: f32) -> Network {
        let mut network = digits();
        network.parameters.conv1_weight_mut().mapv_inplace(|weight| factor * weight);
        network.parameters.conv1_bias_mut().mapv_inplace(|bias| factor * bias);
        network
    }

    /// `network` quantized with the ranges that `calibrated` has.
    pub(super) fn quantized(network: &Network, calibrated: &Network) -> ModelFile {
        let ranges = calibrate(calibrated, &digits_10k().train.first(200), Calibration::MinMax).unwrap();
        quantize(network, &ranges, Granularity::PerChannel).unwrap().encode(&Default::default()).unwrap()
    }

    pub(super) fn compared(network: &Network, file: &ModelFile, images: usize) -> Comparison {
        compare(network, file.model().unwrap(), &digits_10k().test.first(images))
    }

    /// Figures of conv1 and pool1 without the code under test: channel by channel, row by row.
    #[test]
    fn values_are_paired_with_those_of_their_channel_and_place() {
        let network = digits();
        let file = quantized(&network, &with_conv1_times(0.5));
        // One group and a part of another, whose other lanes are blank and must not count.
        let split = digits_10k().test.first(19);
        let activations = plain::forward(&network.parameters.cast::<f64>(), network.pools, split.images());
        let mut int8 = LeNet5::new(file.model().unwrap());
        let scale = f64::from(int8.model().quantization(Tensor::Conv1).scale);
        let (mut signal, mut noise, mut zeros) = (0.0, 0.0, 0);
        for image in 0..19 {
            int8.classify(split.pixels(image));
            let pool1: Vec<u8> = int8.workspace().pool1().collect();
            for channel in 0..6 {
                for (y, x) in (0..12).flat_map(|y| (0..12).map(move |x| (y, x))) {
                    let u = pool1[(12 * y + x) * 6 + channel];
                    let real = activations.pool1[(channel, image, y, x)];
                    signal += real * real;
                    noise += (real - scale * f64::from(u)).powi(2);
                    zeros += usize::from(u == 0);
                }
            }
        }
        let pool1 = &compared(&network, &file, 19).tensors[0];
        assert!((pool1.statistics.sqnr_db - 10.0 * f64::log10(signal / noise)).abs() < 1e-3, "{pool1:?}");
        assert_eq!(pool1.statistics.zeros, zeros as f64 / f64::from(19 * 6 * 144));
        let clipped = activations.conv1.iter().filter(|real| **real > 255.5 * scale).count();
        let share = clipped as f64 / f64::from(19 * 6 * 576);
        // One value may lie so close to the end that f32 and f64 part.
        assert!(clipped > 100 && (pool1.clipped - share).abs() < 2e-5, "{clipped}, {pool1:?}");
    }

    #[test]
    fn threads_change_no_bit() {
        let network = digits();
        let file = quantized(&network, &network);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| compared(&network, &file, 500))
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn margins_are_the_largest_minus_the_second() {
        let quantization = lenet_core::quantization::Quantization { scale: 0.5, zero_point: 10 };
        let (answer, steps) = Answer::of_int8(&Logits::new([-128, 3, 20, 5, 17, 0, 0, 0, 0, 0], quantization));
        assert_eq!((answer.class, answer.margin, steps), (2, 1.5, 3));
        assert_eq!(answer.logits[..3], [-69.0, -3.5, 5.0]);
        let (tied, steps) = Answer::of_int8(&Logits::new([127, -128, 0, 127, 0, 0, 0, 0, 0, 0], quantization));
        assert_eq!((tied.class, tied.margin, steps), (0, 0.0, 0));
        let float = Answer::of_float(1, [-3.0, -1.0, -2.5, -9.0, -9.0, -9.0, -9.0, -9.0, -9.0, -9.0]);
        assert_eq!(float.margin, 1.5);
    }
}
