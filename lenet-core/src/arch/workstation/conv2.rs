//! conv2 and pool2: 12 x 12 x 6 to 4 x 4 x 16. The lanes are the output channels, exactly sixteen.
//!
//! A pair holds two input channels at one position, as conv1 leaves them.

use pulp::Simd;

use super::conv1::{PITCH, WindowPairs};
use super::pairs::{LANES, Lanes, load, multiply_add, pack, pair, parts, store, unpack};
use super::parameters::LayerArrays;
use super::requantize::Requantizer;
use crate::architecture::{CONV1_CHANNELS, CONV2_CHANNELS, KERNEL_SIDE as K, POOL1_SIDE, POOL2_SIDE, Pool};

const _: () = assert!(CONV2_CHANNELS == LANES);

/// Output positions of a row, computed together.
const SIDE: usize = 2 * POOL2_SIDE;

/// The parameters of conv2.
#[derive(Clone, Debug)]
pub(super) struct Conv2 {
    bias: Lanes,
    requantizer: Requantizer<LANES>,
    /// `[input pair][ky][kx][output channel]`.
    weights: [[[Lanes; K]; K]; CONV1_CHANNELS / 2],
}

impl Conv2 {
    pub(super) fn new(layer: &LayerArrays<{ K * K * CONV1_CHANNELS }>) -> Self {
        let weight = |input: usize, ky: usize, kx: usize, output: usize| {
            let at = (ky * K + kx) * CONV1_CHANNELS + 2 * input;
            let weights = &layer.weights[output];
            pair(weights[at], weights[at + 1])
        };
        Self {
            bias: core::array::from_fn(|output| layer.bias[output]),
            requantizer: Requantizer::new(&layer.multiplier),
            weights: core::array::from_fn(|input| {
                core::array::from_fn(|ky| {
                    core::array::from_fn(|kx| core::array::from_fn(|output| weight(input, ky, kx, output)))
                })
            }),
        }
    }

    /// pool2's output. In each row of four positions, the first is paired with the second and the third with the
    /// fourth.
    #[inline(always)]
    pub(super) fn forward<S: Simd>(&self, simd: S, input: &WindowPairs, pool: Pool) -> [[Lanes; 2]; POOL2_SIDE] {
        let mut output = [[[0; LANES]; 2]; POOL2_SIDE];
        for (y, row) in output.iter_mut().enumerate() {
            let mut rows = [[[0; LANES]; SIDE]; 2];
            self.row(simd, input, 2 * y, &mut rows[0]);
            self.row(simd, input, 2 * y + 1, &mut rows[1]);
            for (tile, lanes) in row.iter_mut().enumerate() {
                for part in parts::<S>() {
                    let [first, second] = [4 * tile, 4 * tile + 2].map(|x| {
                        let window = [(0, x), (0, x + 1), (1, x), (1, x + 1)];
                        let window = window.map(|(y, x)| load(simd, &rows[y][x], part));
                        self.requantizer.pooled(simd, window, pool, part)
                    });
                    store(simd, lanes, part, pack(simd, first, second));
                }
            }
        }
        output
    }

    /// The accumulators of row `y`.
    #[inline(always)]
    fn row<S: Simd>(&self, simd: S, input: &WindowPairs, y: usize, row: &mut [Lanes; SIDE]) {
        for part in parts::<S>() {
            let mut sums = [load(simd, &self.bias, part); SIDE];
            for (input, weights) in input.iter().zip(&self.weights) {
                for (ky, weights) in weights.iter().enumerate() {
                    let input = input[(y + ky) * PITCH..].first_chunk::<POOL1_SIDE>();
                    let input = input.expect("the input has all rows");
                    let mut taps = [simd.splat_i32s(0); POOL1_SIDE];
                    for x in 0..POOL1_SIDE {
                        taps[x] = simd.splat_i32s(input[x]);
                    }
                    for kx in 0..K {
                        let weight = load(simd, &weights[kx], part);
                        for x in 0..SIDE {
                            sums[x] = multiply_add(simd, taps[x + kx], weight, sums[x]);
                        }
                    }
                }
            }
            for x in 0..SIDE {
                store(simd, &mut row[x], part, sums[x]);
            }
        }
    }
}

/// pool2's output in HWC order.
pub(super) fn unpack_positions(
    pairs: &[[Lanes; 2]; POOL2_SIDE],
    output: &mut [[[u8; CONV2_CHANNELS]; POOL2_SIDE]; POOL2_SIDE],
) {
    for (row, tiles) in output.iter_mut().zip(pairs) {
        for (positions, lanes) in row.as_chunks_mut::<2>().0.iter_mut().zip(tiles) {
            for channel in 0..CONV2_CHANNELS {
                let [first, second] = unpack(lanes[channel]);
                positions[0][channel] = first;
                positions[1][channel] = second;
            }
        }
    }
}
