//! All layers, one after the other.

use alloc::vec::Vec;

use pulp::{Simd, WithSimd};

use super::conv1::{self, Conv1};
use super::conv2::{self, Conv2};
use super::instruction_set::InstructionSet;
use super::linear::Linear;
use super::pairs::{LANES, Lanes, load, pack, parts, store, unpack};
use super::parameters::{LayerArrays, convolution, dense};
use super::requantize::Requantizer;
use crate::arch::workspace::Workspace;
use crate::architecture::{FC1_INPUTS, FC1_OUTPUTS, FC2_OUTPUTS, Pixels, Pool, Tensor};
use crate::labels::MAX_CLASSES;
use crate::logits::Logits;
use crate::model::Model;
use crate::quantization::{Multiplier, Quantization};

/// Vectors of outputs, and the pairs of inputs that they become for the next layer, two vectors at a time.
const FC1_TILES: usize = FC1_OUTPUTS.div_ceil(LANES);
const FC2_TILES: usize = FC2_OUTPUTS.div_ceil(LANES);
const FC1_PAIRS: usize = FC1_INPUTS / 2;
const FC2_PAIRS: usize = FC1_TILES / 2 * LANES;
const FC3_PAIRS: usize = FC2_TILES / 2 * LANES;

/// LeNet-5 with the workstation's kernels: the weights of a model, rearranged for vectors.
///
/// It has the same bits as [`LeNet5`](crate::LeNet5). It borrows nothing and does not change, so any number of threads
/// can share it.
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
    /// One for every sixteen classes.
    fc3: Vec<Linear<FC3_PAIRS, 1>>,
    fc3_multiplier: Vec<Multiplier>,
    quantization: Quantization,
}

impl Classifier {
    /// A classifier for `model` on the widest instruction set of this processor.
    pub fn new(model: &Model<'_>) -> Self {
        Self::with_instruction_set(model, InstructionSet::detect())
    }

    /// A classifier for `model` on a given instruction set. All give the same bits.
    pub fn with_instruction_set(model: &Model<'_>, set: InstructionSet) -> Self {
        let fc1 = dense::<FC1_INPUTS>(model.fc1());
        let fc2 = dense::<FC1_OUTPUTS>(model.fc2());
        let fc3 = dense::<FC2_OUTPUTS>(model.fc3());
        Self {
            set,
            pools: [model.pool1(), model.pool2()],
            conv1: Conv1::new(&convolution(model.conv1())),
            conv2: Conv2::new(&convolution(model.conv2())),
            fc1: Linear::new(&fc1, 0),
            fc1_requantizer: requantizers(&fc1),
            fc2: Linear::new(&fc2, 0),
            fc2_requantizer: requantizers(&fc2),
            fc3: (0..model.classes()).step_by(LANES).map(|first| Linear::new(&fc3, first)).collect(),
            fc3_multiplier: fc3.multiplier,
            quantization: model.quantization(Tensor::Logits),
        }
    }

    /// Runs the network on one image. It cannot fail.
    pub fn classify(&self, pixels: &Pixels) -> Logits {
        self.set.run(Classify { classifier: self, pixels, workspace: None })
    }

    /// Like [`classify`](Self::classify), and writes the activations of every layer into `workspace`.
    pub fn classify_into(&self, pixels: &Pixels, workspace: &mut Workspace) -> Logits {
        self.set.run(Classify { classifier: self, pixels, workspace: Some(workspace) })
    }
}

/// The requantizers of a layer's outputs, sixteen by sixteen.
fn requantizers<const K: usize, const TILES: usize>(layer: &LayerArrays<K>) -> [Requantizer<LANES>; TILES] {
    let mut chunks = layer.multiplier.chunks(LANES);
    core::array::from_fn(|_| Requantizer::new(chunks.next().expect("the tiles hold all outputs")))
}

struct Classify<'a> {
    classifier: &'a Classifier,
    pixels: &'a Pixels,
    workspace: Option<&'a mut Workspace>,
}

impl WithSimd for Classify<'_> {
    type Output = Logits;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Logits {
        let Self { classifier: c, pixels, workspace } = self;
        let [pool1, pool2] = c.pools;
        let pool1 = c.conv1.forward(simd, pixels, pool1);
        let pool2 = c.conv2.forward(simd, &pool1, pool2);
        let fc1 = c.fc1.forward::<_, 8>(simd, pool2.as_flattened().as_flattened());
        let fc1: [_; FC2_PAIRS / LANES] = activations(simd, &fc1, &c.fc1_requantizer);
        let fc2 = c.fc2.forward::<_, 6>(simd, fc1.as_flattened());
        let fc2: [_; FC3_PAIRS / LANES] = activations(simd, &fc2, &c.fc2_requantizer);
        if let Some(workspace) = workspace {
            conv1::unpack_windows(&pool1, &mut workspace.pool1.0);
            conv2::unpack_positions(&pool2, &mut workspace.pool2);
            unpack_outputs(&fc1, &mut workspace.fc1);
            unpack_outputs(&fc2, &mut workspace.fc2);
        }
        let Quantization { scale, zero_point } = c.quantization;
        let mut all = [0; MAX_CLASSES];
        let tiles = all.chunks_mut(LANES).zip(c.fc3_multiplier.chunks(LANES)).zip(&c.fc3);
        for ((values, multipliers), layer) in tiles {
            let [accumulators] = layer.forward::<_, 1>(simd, fc2.as_flattened());
            for ((value, multiplier), accumulator) in values.iter_mut().zip(multipliers).zip(accumulators) {
                *value = multiplier.apply_linear(accumulator, zero_point);
            }
        }
        Logits::from_parts(all, c.fc3_multiplier.len(), scale.to_bits(), zero_point)
    }
}

/// The activations of a hidden fully connected layer, as pairs: the first vector with the second, and so on.
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

/// The outputs of a hidden fully connected layer from the pairs of [`activations`].
fn unpack_outputs(pairs: &[Lanes], outputs: &mut [u8]) {
    for (outputs, lanes) in outputs.chunks_mut(2 * LANES).zip(pairs) {
        for (place, output) in outputs.iter_mut().enumerate() {
            *output = unpack(lanes[place % LANES])[place / LANES];
        }
    }
}
