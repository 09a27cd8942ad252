//! Fully connected layers. The lanes are output channels.
//!
//! Inputs are paired as the previous layer leaves them, the first sixteen with the second sixteen and so on: pair `p`
//! holds inputs `i = 32 (p / 16) + p % 16` and `i + 16`.

use alloc::boxed::Box;
use alloc::vec;

use pulp::Simd;

use super::pairs::{LANES, Lanes, multiply_add, pair};
use super::parameters::LayerArrays;

/// The weights and biases of a layer with at most `2 * PAIRS` inputs and `16 * TILES` outputs, padded with zeros.
#[derive(Clone, Debug)]
pub(super) struct Linear<const PAIRS: usize, const TILES: usize> {
    bias: [Lanes; TILES],
    /// `[input pair][output]`: the order in which they are read.
    weights: Box<[[Lanes; TILES]]>,
}

impl<const PAIRS: usize, const TILES: usize> Linear<PAIRS, TILES> {
    /// The layer's outputs from `first` on, as many as there are and fit.
    pub(super) fn new<const K: usize>(layer: &LayerArrays<K>, first: usize) -> Self {
        const { assert!(K <= 2 * PAIRS && PAIRS.is_multiple_of(LANES)) }
        let mut bias = [[0; LANES]; TILES];
        for (to, from) in bias.as_flattened_mut().iter_mut().zip(&layer.bias[first..]) {
            *to = *from;
        }
        let mut weights = vec![[[0; LANES]; TILES]; PAIRS];
        for (at, weights) in weights.iter_mut().enumerate() {
            let input = 2 * LANES * (at / LANES) + at % LANES;
            for (to, from) in weights.as_flattened_mut().iter_mut().zip(&layer.weights[first..]) {
                let weight = |input: usize| from.get(input).copied().unwrap_or_default();
                *to = pair(weight(input), weight(input + LANES));
            }
        }
        Self { bias, weights: weights.into() }
    }

    /// The accumulators, from `PAIRS` pairs of activations. `BLOCK` vectors, a divisor of `TILES`, are computed
    /// together.
    #[inline(always)]
    pub(super) fn forward<S: Simd, const BLOCK: usize>(&self, simd: S, input: &[i32]) -> [Lanes; TILES] {
        const { assert!(TILES.is_multiple_of(BLOCK)) }
        let mut output = self.bias;
        let vectors = S::as_mut_simd_i32s(output.as_flattened_mut()).0;
        for (block, sums) in vectors.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
            let mut registers = *sums;
            for (input, weights) in input.iter().zip(&self.weights) {
                let input = simd.splat_i32s(*input);
                let weights = S::as_simd_i32s(weights.as_flattened()).0.as_chunks::<BLOCK>().0[block];
                for n in 0..BLOCK {
                    registers[n] = multiply_add(simd, input, weights[n], registers[n]);
                }
            }
            *sums = registers;
        }
        output
    }
}
