//! Runs both networks on some images and sums up the results.

use std::ops::Range;

use lenet_core::architecture::Layer;
use lenet_core::{LeNet5, Model};

use super::findings::{Answer, Changed, Comparison, TensorComparison};
use super::stage::Stage;
use super::tally::{Scheme, Tally};
use super::weights::weight_noise;
use crate::data::Split;
use crate::int8::QuantizedNetwork;
use crate::int8::order::chw_index;
use crate::network::Network;
use crate::network::lanes::{Group, Lanes};

/// All sums over some images.
pub(super) struct Totals {
    tensors: [TensorTally; 5],
    float_correct: usize,
    int8_correct: usize,
    changed: Vec<Changed>,
}

struct TensorTally {
    channels: Vec<Tally>,
    /// Count of the float layer's values before its pool.
    layer_values: u64,
    /// Count of those that are beyond the range of int8.
    clipped: u64,
}

impl Totals {
    pub(super) fn new() -> Self {
        let tensors = Layer::ALL.map(|layer| TensorTally {
            channels: vec![Tally::default(); layer.outputs()],
            layer_values: 0,
            clipped: 0,
        });
        Self { tensors, float_correct: 0, int8_correct: 0, changed: Vec::new() }
    }

    /// Adds the images in the lanes of `group`, after running `int8` on them too.
    pub(super) fn add(
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
            let float_logits = std::array::from_fn(|class| group.logits()[class].0[lane]);
            let float = Answer::of_float(group.classes()[lane], float_logits);
            let (int8, int8_margin_steps) = Answer::of_int8(&logits);
            self.float_correct += usize::from(float.class == usize::from(label));
            self.int8_correct += usize::from(int8.class == usize::from(label));
            if float.class != int8.class {
                self.changed.push(Changed { index, label, float, int8, int8_margin_steps });
            }
        }
    }

    pub(super) fn merge(&mut self, later: Self) {
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

    pub(super) fn comparison(self, network: &Network, model: Model<'_>, images: usize) -> Comparison {
        let quantized = QuantizedNetwork::from(&model);
        let weights = weight_noise(network, &quantized);
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
    /// Adds one image's values. The float network's are in CHW order and in one lane, the int8 network's in HWC order.
    fn add(&mut self, scheme: &Scheme, float: &[Lanes], lane: usize, int8: impl IntoIterator<Item = i8>) {
        let channels = self.channels.len();
        for (index, q) in int8.into_iter().enumerate() {
            let value = float[chw_index(index, channels, float.len())].0[lane];
            self.channels[index % channels].add(scheme, value, q);
        }
    }

    /// Adds the float layer's values before its pool, from the first `images` lanes.
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

/// `q` from the workspace's `u = q + 128`.
fn q_of(u: u8) -> i8 {
    (u ^ 0x80) as i8
}
