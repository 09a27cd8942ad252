//! Fully connected layers. The lanes are output channels.
//!
//! Inputs are paired as the layer before leaves them, its first sixteen with its second sixteen and so on:
//! pair `p` is of the inputs `32 (p / 16) + p % 16` and 16 further.

use pulp::Simd;

use super::pairs::{multiply_add, pair};
use super::parameters::Channels;
use super::{LANES, Lanes};

/// The weights and biases of a layer with at most `2 * PAIRS` inputs and `16 * TILES` outputs, those too many
/// being 0.
#[derive(Clone, Debug)]
pub(super) struct Linear<const PAIRS: usize, const TILES: usize> {
    bias: [Lanes; TILES],
    /// `[input pair][output]`, so that they are read from the first to the last.
    weights: Box<[[Lanes; TILES]]>,
}

impl<const PAIRS: usize, const TILES: usize> Linear<PAIRS, TILES> {
    pub(super) fn new<const K: usize, const O: usize>(channels: &Channels<K, O>) -> Self {
        const { assert!(K <= 2 * PAIRS && PAIRS.is_multiple_of(LANES) && O <= TILES * LANES) }
        let mut bias = [[0; LANES]; TILES];
        bias.as_flattened_mut()[..O].copy_from_slice(&channels.bias);
        let mut weights = vec![[[0; LANES]; TILES]; PAIRS];
        for (at, weights) in weights.iter_mut().enumerate() {
            let first = 2 * LANES * (at / LANES) + at % LANES;
            for (to, from) in weights.as_flattened_mut().iter_mut().zip(&channels.weights) {
                let weight = |input: usize| from.get(input).map_or(0, |weight| i16::from(*weight));
                *to = pair(weight(first), weight(first + LANES));
            }
        }
        Self { bias, weights: weights.into() }
    }

    /// The accumulators. `input`: `PAIRS` pairs of activations. `BLOCK` vectors are computed together;
    /// it divides `TILES`.
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
