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

mod tally;
mod warning;
mod weights;

use std::fmt;
use std::ops::Range;

use lenet_core::architecture::{CLASSES, Layer};
use lenet_core::{LeNet5, Logits, Model, Tensor};
use rayon::prelude::*;
use serde::Serialize;

use crate::data::Split;
use crate::network::lanes::{Group, InstructionSet, LANES, Lanes};
use crate::network::{Network, Pools};
use crate::quantization::QuantizedNetwork;

pub use tally::{Channel, Statistics};
pub use warning::{Cause, POINTS_LOST_MAX, SATURATION_MAX, SQNR_MIN_DB, Warning};
pub use weights::WeightError;

use tally::{Scheme, Tally};

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
    pub float_pools: Pools,
    /// The int8 network's pools.
    pub int8_pools: Pools,
    /// The tensors, in the order of [`Stage::ALL`].
    pub tensors: [TensorComparison; 5],
    /// The images the networks predict different classes for, in order.
    pub changed: Vec<Changed>,
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
        let steps_from_zero = |q: i8| f32::from(i16::from(q) - i16::from(quantization.zero_point));
        let [largest, second] = largest_two(logits.values, i8::MIN);
        let steps = largest.abs_diff(second);
        let answer = Self {
            class: logits.class(),
            logits: logits.values.map(|q| quantization.scale * steps_from_zero(q)),
            margin: quantization.scale * f32::from(steps),
        };
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

/// Everything added up over some images.
struct Part {
    tensors: [TensorTally; 5],
    float_correct: usize,
    int8_correct: usize,
    changed: Vec<Changed>,
}

struct TensorTally {
    channels: Vec<Tally>,
    /// Of the float layer's values, before the pool: all, and those that int8 cannot express.
    layer_values: u64,
    clipped: u64,
}

impl Part {
    fn new() -> Self {
        let tensors = Layer::ALL.map(|layer| TensorTally {
            channels: vec![Tally::default(); layer.outputs()],
            layer_values: 0,
            clipped: 0,
        });
        Self { tensors, float_correct: 0, int8_correct: 0, changed: Vec::new() }
    }

    /// Adds the images in the lanes of `group`, on which `int8` is run.
    fn add(
        &mut self,
        group: &Group,
        int8: &mut LeNet5<'_>,
        schemes: &[Scheme; 5],
        split: &Split,
        images: Range<usize>,
    ) {
        for (stage, scheme) in Stage::ALL.into_iter().zip(schemes) {
            self.tensors[stage as usize].add_layer(scheme, layer_values(group, stage), images.len());
        }
        for (lane, index) in images.enumerate() {
            let logits = int8.classify(split.pixels(index));
            let workspace = int8.workspace();
            let [pool1, pool2, fc1, fc2, fc3] = &mut self.tensors;
            let [s_pool1, s_pool2, s_fc1, s_fc2, s_logits] = schemes;
            pool1.add(s_pool1, flat(group.pool1()), lane, workspace.pool1().map(q_of));
            pool2.add(s_pool2, flat(group.pool2()), lane, workspace.pool2().iter().copied().map(q_of));
            fc1.add(s_fc1, group.fc1(), lane, workspace.fc1().iter().copied().map(q_of));
            fc2.add(s_fc2, group.fc2(), lane, workspace.fc2().iter().copied().map(q_of));
            fc3.add(s_logits, group.logits(), lane, logits.values);

            let label = split.labels()[index];
            let float = Answer::of_float(group.classes()[lane], group.logits().map(|logit| logit.0[lane]));
            let (int8, int8_margin_steps) = Answer::of_int8(&logits);
            self.float_correct += usize::from(float.class == usize::from(label));
            self.int8_correct += usize::from(int8.class == usize::from(label));
            if float.class != int8.class {
                self.changed.push(Changed { index, label, float, int8, int8_margin_steps });
            }
        }
    }

    fn merge(&mut self, later: Self) {
        for (tensor, other) in self.tensors.iter_mut().zip(later.tensors) {
            tensor.layer_values += other.layer_values;
            tensor.clipped += other.clipped;
            for (channel, other) in tensor.channels.iter_mut().zip(&other.channels) {
                channel.merge(other);
            }
        }
        self.float_correct += later.float_correct;
        self.int8_correct += later.int8_correct;
        self.changed.extend(later.changed);
    }

    fn comparison(self, network: &Network, model: Model<'_>, images: usize) -> Comparison {
        let quantized = QuantizedNetwork::from(&model);
        let weights = weights::errors(network, &quantized);
        let tensors = Stage::ALL.map(|stage| {
            let tally = &self.tensors[stage as usize];
            let quantization = model.quantization(stage.tensor());
            TensorComparison {
                tensor: stage,
                scale: quantization.scale,
                zero_point: quantization.zero_point,
                statistics: tally.all_channels().statistics(),
                clipped: tally.clipped as f64 / tally.layer_values as f64,
                weights: weights[stage as usize],
                channels: tally.channels.iter().map(Tally::channel).collect(),
            }
        });
        let share = |correct: usize| correct as f64 / images as f64;
        Comparison {
            images,
            float_correct: self.float_correct,
            int8_correct: self.int8_correct,
            float_accuracy: share(self.float_correct),
            int8_accuracy: share(self.int8_correct),
            points_lost: 100.0 * (self.float_correct as f64 - self.int8_correct as f64) / images as f64,
            float_pools: network.pools,
            int8_pools: quantized.pools,
            tensors,
            changed: self.changed,
        }
    }
}

impl TensorTally {
    /// Adds one image's values: of the float network in CHW order and one lane, of the int8 network in HWC order.
    fn add(&mut self, scheme: &Scheme, float: &[Lanes], lane: usize, int8: impl IntoIterator<Item = i8>) {
        let channels = self.channels.len();
        for (index, q) in int8.into_iter().enumerate() {
            let value = float[chw_index(index, channels, float.len())].0[lane];
            self.channels[index % channels].add(scheme, value, q);
        }
    }

    /// Adds the float layer's values before its pool, of the first `images` lanes.
    fn add_layer(&mut self, scheme: &Scheme, values: &[Lanes], images: usize) {
        let values = values.iter().flat_map(|lanes| &lanes.0[..images]);
        for value in values {
            self.layer_values += 1;
            self.clipped += u64::from(scheme.is_clipped(f64::from(*value)));
        }
    }

    fn all_channels(&self) -> Tally {
        let mut all = Tally::default();
        for channel in &self.channels {
            all.merge(channel);
        }
        all
    }
}

/// The float layer's output before its pool.
fn layer_values(group: &Group, stage: Stage) -> &[Lanes] {
    match stage {
        Stage::Pool1 => flat(group.conv1()),
        Stage::Pool2 => flat(group.conv2()),
        Stage::Fc1 => group.fc1(),
        Stage::Fc2 => group.fc2(),
        Stage::Logits => group.logits(),
    }
}

fn flat<const C: usize, const SIDE: usize>(map: &[[[Lanes; SIDE]; SIDE]; C]) -> &[Lanes] {
    map.as_flattened().as_flattened()
}

/// `q` from the `u = q + 128` of a workspace.
fn q_of(u: u8) -> i8 {
    (u ^ 0x80) as i8
}

/// Where the value lies in CHW order that has this index in HWC order, of `values` in all.
fn chw_index(hwc_index: usize, channels: usize, values: usize) -> usize {
    hwc_index % channels * (values / channels) + hwc_index / channels
}
