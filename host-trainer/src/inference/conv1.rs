//! conv1 and pool1: 28 x 28 x 1 to 12 x 12 x 6. The lanes are pooling windows.
//!
//! A row of 28 pixels is 14 pairs, and the output columns `2k` and `2k + 1` of a window both read the pairs
//! `k`, `k + 1` and `k + 2`; only the weights differ, `w` being one row of the kernel:
//!
//! ```text
//! pixels   2k 2k+1   2k+2 2k+3   2k+4 2k+5
//! left     w0  w1     w2   w3     w4   0
//! right    0   w0     w1   w2     w3   w4
//! ```
//!
//! Even and odd rows of the image lie apart, each kind row after row. So a window's place in the map, `14 y + k`,
//! is where its pairs are as well, and sixteen windows that follow each other are one vector, even where a
//! row ends; the two windows past each row's end mean nothing, and nobody reads them.

use lenet_core::architecture::{CONV1_CHANNELS, IMAGE_SIDE, KERNEL_SIDE as K, POOL1_SIDE};
use lenet_core::{Pixels, Pool};
use pulp::Simd;

use super::LANES;
use super::pairs::{load, multiply_add, pack, pack_row, pair, parts, store};
use super::parameters::Channels;
use super::requantize::Requantizer;

/// Windows from one row of windows to the next; also pairs of a row of pixels.
pub(super) const PITCH: usize = IMAGE_SIDE / 2;

/// Vectors of windows in the map.
const TILES: usize = ((POOL1_SIDE - 1) * PITCH + POOL1_SIDE).div_ceil(LANES);

/// Pairs that overlap a row of the kernel, and rows of windows that overlap its columns.
const TAPS: usize = K.div_ceil(2);

/// Pairs that a tile of windows reads in the even or in the odd rows.
const REACH: usize = LANES + (TAPS - 1) * PITCH + TAPS - 1;

/// Output channels computed together; also those that conv2 pairs.
const CHANNELS: usize = 2;

/// pool1's output: for each two channels, a pair of activations for each window.
pub(super) type Map = [[i32; TILES * LANES]; CONV1_CHANNELS / CHANNELS];

/// The parameters of two output channels.
#[derive(Clone, Copy, Debug)]
struct Block {
    bias: [i32; CHANNELS],
    requantizer: [Requantizer<1>; CHANNELS],
    /// `[ky][pair][channel][left, right]`.
    weights: [[[[i32; 2]; CHANNELS]; TAPS]; K],
}

/// The parameters of conv1.
#[derive(Clone, Debug)]
pub(super) struct Conv1([Block; CONV1_CHANNELS / CHANNELS]);

impl Conv1 {
    pub(super) fn new(channels: &Channels<{ K * K }, CONV1_CHANNELS>) -> Self {
        Self(std::array::from_fn(|block| {
            let channel = |c: usize| block * CHANNELS + c;
            let weight = |c: usize, ky: usize, kx: Option<usize>| {
                kx.filter(|kx| *kx < K).map_or(0, |kx| i16::from(channels.weights[channel(c)][ky * K + kx]))
            };
            // Columns 0 and 1 of the window.
            let weights = |ky: usize, tap: usize, c: usize| {
                [0, 1].map(|column| {
                    let [first, second] = [2 * tap, 2 * tap + 1].map(|pixel| weight(c, ky, pixel.checked_sub(column)));
                    pair(first, second)
                })
            };
            Block {
                bias: std::array::from_fn(|c| channels.bias[channel(c)]),
                requantizer: std::array::from_fn(|c| Requantizer::new(&[channels.multiplier[channel(c)]])),
                weights: std::array::from_fn(|ky| {
                    std::array::from_fn(|tap| std::array::from_fn(|c| weights(ky, tap, c)))
                }),
            }
        }))
    }

    #[inline(always)]
    pub(super) fn forward<S: Simd>(&self, simd: S, pixels: &Pixels, pool: Pool) -> Map {
        // As pairs: the even rows and the odd ones, and what the last tile reads past their end.
        let mut rows = [[0; (TILES - 1) * LANES + REACH]; 2];
        for (y, row) in pixels.as_chunks::<IMAGE_SIDE>().0.iter().enumerate() {
            let to = rows[y % 2][y / 2 * PITCH..].first_chunk_mut::<PITCH>().expect("a row lies in the image");
            pack_row(row, to);
        }
        let mut map = [[0; TILES * LANES]; CONV1_CHANNELS / CHANNELS];
        for (block, map) in self.0.iter().zip(&mut map) {
            for (tile, map) in map.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                let reach = [0, 1].map(|parity| {
                    rows[parity][tile * LANES..].first_chunk::<REACH>().expect("the rows hold every tile's reach")
                });
                for part in parts::<S>() {
                    store(simd, map, part, block.windows(simd, reach, pool, part));
                }
            }
        }
        map
    }
}

impl Block {
    /// The pooled activations of both channels, as pairs, for the part of sixteen windows. `reach`: the pairs
    /// of even and odd rows, from the first window on.
    #[inline(always)]
    fn windows<S: Simd>(&self, simd: S, reach: [&[i32; REACH]; 2], pool: Pool, part: usize) -> S::i32s {
        // Of each channel the window's four accumulators: upper left, upper right, lower left, lower right.
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
