//! The int8 network at the speed of the processor: one image, with the same bits as [`lenet_core::LeNet5`].
//!
//! # The method
//!
//! Everything is `i32` lanes. A lane of an input holds a *pair*: two activations in [0, 255], or their weights in
//! [-127, 127], as 16-bit numbers. One instruction multiplies the pairs of a whole vector and adds the two products
//! of each lane (see `pairs`): twice the work of float lanes, and nothing to convert. The lanes are
//!
//! - in conv1, whose 6 channels would not fill a vector, sixteen pooling windows of a channel;
//! - elsewhere sixteen output channels, with the pair of activations the same in all lanes.
//!
//! # Why the bits are the same
//!
//! A pair's sum of products is at most `2 * 255 * 127 < 2^16`, exact in 32 bits. An accumulator starts from its
//! bias, and the model's reader has proved that no partial sum, in any order, leaves 32 bits
//! ([`lenet_core::Error::AccumulatorOverflow`]): so every sum here is the exact integer that `lenet-core`
//! computes. Lanes and taps that only fill up have the weight 0. What follows the sums, requantization and
//! pools, is derived in `requantize`.

#![allow(clippy::needless_range_loop, reason = "the layers are written with the indices of their formulas")]

mod conv1;
mod conv2;
mod linear;
mod pairs;
mod parameters;
pub(crate) mod requantize;

use lenet_core::architecture::{CLASSES, FC1_INPUTS, FC1_OUTPUTS, FC2_OUTPUTS};
use lenet_core::quantization::{Multiplier, Quantization};
use lenet_core::{Logits, Model, Pixels, Pool, Tensor};
use pulp::{Simd, WithSimd};

use crate::network::lanes::InstructionSet;
use conv1::Conv1;
use conv2::Conv2;
use linear::Linear;
use pairs::{load, pack, parts, store};
use parameters::{Channels, convolution, dense};
use requantize::Requantizer;

/// Values computed together, whatever the instruction set: one of its vectors holds all or a part of them.
const LANES: usize = 16;

/// One `i32` in each lane.
type Lanes = [i32; LANES];

/// Vectors of outputs, and pairs of inputs that two such vectors make.
const FC1_TILES: usize = FC1_OUTPUTS.div_ceil(LANES);
const FC2_TILES: usize = FC2_OUTPUTS.div_ceil(LANES);
const FC1_PAIRS: usize = FC1_INPUTS / 2;
const FC2_PAIRS: usize = FC1_TILES / 2 * LANES;
const FC3_PAIRS: usize = FC2_TILES / 2 * LANES;

/// LeNet-5, ready to classify on any number of threads: a model whose weights lie in the order of the vectors.
#[derive(Clone, Debug)]
pub struct Classifier {
    set: InstructionSet,
    pools: [Pool; 2],
    conv1: Conv1,
    conv2: Conv2,
    fc1: Linear<FC1_PAIRS, FC1_TILES>,
    fc1_requantizer: [Requantizer<LANES>; FC1_TILES],
    fc2: Linear<FC2_PAIRS, FC2_TILES>,
    fc2_requantizer: [Requantizer<LANES>; FC2_TILES],
    fc3: Linear<FC3_PAIRS, 1>,
    fc3_multiplier: [Multiplier; CLASSES],
    quantization: Quantization,
}

impl Classifier {
    /// A classifier for `model`, on the widest instruction set of this processor.
    pub fn new(model: &Model<'_>) -> Self {
        Self::with_instruction_set(model, InstructionSet::detect())
    }

    /// A classifier for `model` on a given instruction set. All give the same bits.
    pub fn with_instruction_set(model: &Model<'_>, set: InstructionSet) -> Self {
        let fc1 = dense::<FC1_INPUTS, _, _, _>(model.fc1());
        let fc2 = dense::<FC1_OUTPUTS, _, _, _>(model.fc2());
        let fc3 = dense::<FC2_OUTPUTS, _, _, _>(model.fc3());
        Self {
            set,
            pools: [model.pool1(), model.pool2()],
            conv1: Conv1::new(&convolution(model.conv1())),
            conv2: Conv2::new(&convolution(model.conv2())),
            fc1: Linear::new(&fc1),
            fc1_requantizer: requantizers(&fc1),
            fc2: Linear::new(&fc2),
            fc2_requantizer: requantizers(&fc2),
            fc3: Linear::new(&fc3),
            fc3_multiplier: fc3.multiplier,
            quantization: model.quantization(Tensor::Logits),
        }
    }

    /// Runs the network on one image. It cannot fail.
    pub fn classify(&self, pixels: &Pixels) -> Logits {
        self.set.run(Classify { classifier: self, pixels })
    }
}

/// The requantizers of a layer's outputs, sixteen by sixteen.
fn requantizers<const K: usize, const O: usize, const TILES: usize>(
    channels: &Channels<K, O>,
) -> [Requantizer<LANES>; TILES] {
    let mut chunks = channels.multiplier.chunks(LANES);
    std::array::from_fn(|_| Requantizer::new(chunks.next().expect("the tiles hold all outputs")))
}

struct Classify<'a> {
    classifier: &'a Classifier,
    pixels: &'a Pixels,
}

impl WithSimd for Classify<'_> {
    type Output = Logits;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Logits {
        let Self { classifier: c, pixels } = self;
        let [pool1, pool2] = c.pools;
        let conv1 = c.conv1.forward(simd, pixels, pool1);
        let conv2 = c.conv2.forward(simd, &conv1, pool2);
        let fc1 = c.fc1.forward::<_, 8>(simd, conv2.as_flattened().as_flattened());
        let fc1: [_; FC2_PAIRS / LANES] = activations(simd, &fc1, &c.fc1_requantizer);
        let fc2 = c.fc2.forward::<_, 6>(simd, fc1.as_flattened());
        let fc2: [_; FC3_PAIRS / LANES] = activations(simd, &fc2, &c.fc2_requantizer);
        let [fc3] = c.fc3.forward::<_, 1>(simd, fc2.as_flattened());
        let Quantization { zero_point, .. } = c.quantization;
        let values = std::array::from_fn(|class| c.fc3_multiplier[class].apply_linear(fc3[class], zero_point));
        Logits::new(values, c.quantization)
    }
}

/// The activations of a hidden fully connected layer: those of each two tiles as pairs.
#[inline(always)]
fn activations<S: Simd, const TILES: usize, const PAIRED: usize>(
    simd: S,
    accumulators: &[Lanes; TILES],
    requantizers: &[Requantizer<LANES>; TILES],
) -> [Lanes; PAIRED] {
    const { assert!(TILES == 2 * PAIRED) }
    let mut activations = [[0; LANES]; PAIRED];
    for (pair, lanes) in activations.iter_mut().enumerate() {
        for part in parts::<S>() {
            let [first, second] = [2 * pair, 2 * pair + 1]
                .map(|tile| requantizers[tile].relu(simd, load(simd, &accumulators[tile], part), part));
            store(simd, lanes, part, pack(simd, first, second));
        }
    }
    activations
}
