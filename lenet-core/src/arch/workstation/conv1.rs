//! conv1 and pool1: 28 x 28 x 1 to 12 x 12 x 6. The lanes are pooling windows.
//!
//! A row of 28 pixels is 14 pairs. The output columns `2k` and `2k + 1` of a window both read the pairs `k`, `k + 1`
//! and `k + 2`; only the weights differ. With `w` as one row of the kernel:
//!
//! ```text
//! pixels   2k 2k+1   2k+2 2k+3   2k+4 2k+5
//! left     w0  w1     w2   w3     w4   0
//! right    0   w0     w1   w2     w3   w4
//! ```
//!
//! The even rows of the image are stored one after the other, and so are the odd rows. Window `k` of row `y` is then at
//! `14 y + k` both in the output and in these rows, and sixteen consecutive windows are one vector, even across the end
//! of a row. The two windows past the end of each row are meaningless and never read.

use pulp::Simd;

use super::pairs::{LANES, load, multiply_add, pack, pack_row, pair, parts, store, unpack};
use super::parameters::LayerArrays;
use super::requantize::Requantizer;
use crate::architecture::{CONV1_CHANNELS, IMAGE_SIDE, KERNEL_SIDE as K, POOL1_SIDE, Pixels, Pool};

/// Distance between two rows of windows; also the number of pairs in a row of pixels.
pub(super) const PITCH: usize = IMAGE_SIDE / 2;

/// Vectors of windows in the output.
const TILES: usize = ((POOL1_SIDE - 1) * PITCH + POOL1_SIDE).div_ceil(LANES);

/// Pairs that overlap a row of the kernel, and rows of pairs of either parity that overlap its columns.
const TAPS: usize = K.div_ceil(2);

/// Pairs of even rows, or of odd rows, that a tile of windows reads.
const REACH: usize = LANES + (TAPS - 1) * PITCH + TAPS - 1;

/// Output channels computed together; conv2 reads them as pairs.
const CHANNELS: usize = 2;

/// pool1's output: for every two channels, a pair of activations for each window.
pub(super) type WindowPairs = [[i32; TILES * LANES]; CONV1_CHANNELS / CHANNELS];

/// The parameters of two output channels.
#[derive(Clone, Copy, Debug)]
struct ChannelPair {
    bias: [i32; CHANNELS],
    requantizer: [Requantizer<1>; CHANNELS],
    /// `[ky][pair][channel][left, right]`.
    weights: [[[[i32; 2]; CHANNELS]; TAPS]; K],
}

/// The parameters of conv1.
#[derive(Clone, Debug)]
pub(super) struct Conv1([ChannelPair; CONV1_CHANNELS / CHANNELS]);

impl Conv1 {
    pub(super) fn new(layer: &LayerArrays<{ K * K }>) -> Self {
        Self(core::array::from_fn(|block| {
            let channel = |c: usize| block * CHANNELS + c;
            let weight = |c: usize, ky: usize, kx: Option<usize>| {
                kx.filter(|kx| *kx < K).map_or(0, |kx| layer.weights[channel(c)][ky * K + kx])
            };
            // Columns 0 and 1 of the window.
            let weights = |ky: usize, tap: usize, c: usize| {
                [0, 1].map(|column| {
                    let [first, second] = [2 * tap, 2 * tap + 1].map(|pixel| weight(c, ky, pixel.checked_sub(column)));
                    pair(first, second)
                })
            };
            ChannelPair {
                bias: core::array::from_fn(|c| layer.bias[channel(c)]),
                requantizer: core::array::from_fn(|c| Requantizer::new(&[layer.multiplier[channel(c)]])),
                weights: core::array::from_fn(|ky| {
                    core::array::from_fn(|tap| core::array::from_fn(|c| weights(ky, tap, c)))
                }),
            }
        }))
    }

    #[inline(always)]
    pub(super) fn forward<S: Simd>(&self, simd: S, pixels: &Pixels, pool: Pool) -> WindowPairs {
        // As pairs: the even rows and the odd rows, with room for what the last tile reads past their end.
        let mut rows = [[0; (TILES - 1) * LANES + REACH]; 2];
        for (y, row) in pixels.as_chunks::<IMAGE_SIDE>().0.iter().enumerate() {
            let to = rows[y % 2][y / 2 * PITCH..].first_chunk_mut::<PITCH>().expect("a row lies in the image");
            pack_row(row, to);
        }
        let mut output = [[0; TILES * LANES]; CONV1_CHANNELS / CHANNELS];
        for (pair, output) in self.0.iter().zip(&mut output) {
            for (tile, output) in output.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                let reach = [0, 1].map(|parity| {
                    rows[parity][tile * LANES..].first_chunk::<REACH>().expect("the rows hold every tile's reach")
                });
                for part in parts::<S>() {
                    store(simd, output, part, pair.windows(simd, reach, pool, part));
                }
            }
        }
        output
    }
}

/// pool1's output in HWC order.
pub(super) fn unpack_windows(windows: &WindowPairs, output: &mut [[[u8; CONV1_CHANNELS]; POOL1_SIDE]; POOL1_SIDE]) {
    for (y, row) in output.iter_mut().enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            for (pair, channels) in pixel.as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate() {
                *channels = unpack(windows[pair][PITCH * y + x]);
            }
        }
    }
}

impl ChannelPair {
    /// The pooled activations of both channels, as pairs, for a part of sixteen windows. `reach` holds the pairs of the
    /// even and odd rows, starting at the first window.
    #[inline(always)]
    fn windows<S: Simd>(&self, simd: S, reach: [&[i32; REACH]; 2], pool: Pool, part: usize) -> S::i32s {
        // For each channel, the four accumulators of the window: upper left, upper right, lower left, lower right.
        let mut sums = self.bias.map(|bias| [simd.splat_i32s(bias); 4]);
        for ky in 0..K {
            for tap in 0..TAPS {
                let pairs = |row: usize| {
                    let lanes = reach[row % 2][row / 2 * PITCH + tap..].first_chunk::<LANES>();
                    load(simd, lanes.expect("the reach holds all taps"), part)
                };
                let (upper, lower) = (pairs(ky), pairs(ky + 1));
                for c in 0..CHANNELS {
                    for column in 0..2 {
                        let weight = simd.splat_i32s(self.weights[ky][tap][c][column]);
                        sums[c][column] = multiply_add(simd, upper, weight, sums[c][column]);
                        sums[c][2 + column] = multiply_add(simd, lower, weight, sums[c][2 + column]);
                    }
                }
            }
        }
        let [first, second] = [0, 1].map(|c| self.requantizer[c].pooled(simd, sums[c], pool, part));
        pack(simd, first, second)
    }
}
