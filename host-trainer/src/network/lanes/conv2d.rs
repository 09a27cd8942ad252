//! 5x5 convolution without padding and with stride 1: input `[I, H, H]`, weight `[O, I, 5, 5]`, output `[O, P, P]` with
//! `P = H - 4`.
//!
//! Each function computes [`TILE`] neighbouring positions of a row at a time and keeps the inputs that their kernel
//! taps share in registers.

use lenet_core::architecture::KERNEL_SIDE as K;
use pulp::Simd;

use super::vector::{Lanes, Map, load, mul_add, parts, store, sum};

/// Positions of a row computed together. The output rows of both convolutions, 24 and 8 long, are multiples of it.
pub const TILE: usize = 8;

/// Input positions in a row that a tile of output positions depends on.
pub const TAPS: usize = TILE + K - 1;

/// Output channels computed together. Two take 16 registers for sums and 12 for inputs, of AVX-512's 32.
const CHANNELS: usize = 2;

/// `[O, I, 5, 5]`.
pub type Weight<const I: usize, const O: usize> = [[[[f32; K]; K]; I]; O];

/// The convolution, followed by a ReLU if `RELU`. If `blank(y, x)` returns true, `input[.., y, x..x + 12]` must be zero
/// in all lanes; it is skipped.
#[inline(always)]
pub fn forward<S: Simd, const I: usize, const H: usize, const O: usize, const P: usize, const RELU: bool>(
    simd: S,
    input: &Map<I, H>,
    weight: &Weight<I, O>,
    bias: &[f32; O],
    output: &mut Map<O, P>,
    blank: impl Fn(usize, usize) -> bool,
) {
    let zero = simd.splat_f32s(0.0);
    for part in parts::<S>() {
        for y in 0..P {
            for x in (0..P).step_by(TILE) {
                let channels = weight.as_chunks::<CHANNELS>().0.iter().zip(bias.as_chunks::<CHANNELS>().0);
                for ((weight, bias), output) in channels.zip(output.as_chunks_mut::<CHANNELS>().0) {
                    let mut sums = [[zero; TILE]; CHANNELS];
                    for c in 0..CHANNELS {
                        sums[c] = [simd.splat_f32s(bias[c]); TILE];
                    }
                    for ky in 0..K {
                        if blank(y + ky, x) {
                            continue;
                        }
                        for i in 0..I {
                            let taps = tile::<S, TAPS>(simd, &input[i][y + ky], x, part);
                            for kx in 0..K {
                                for c in 0..CHANNELS {
                                    let w = simd.splat_f32s(weight[c][i][ky][kx]);
                                    for p in 0..TILE {
                                        sums[c][p] = mul_add(simd, w, taps[p + kx], sums[c][p]);
                                    }
                                }
                            }
                        }
                    }
                    for c in 0..CHANNELS {
                        let row = output[c][y][x..].first_chunk_mut::<TILE>().expect(WHOLE_TILES);
                        for p in 0..TILE {
                            // Not a maximum: a NaN must pass through, so that it shows up in the loss.
                            let negative = simd.less_than_f32s(sums[c][p], zero);
                            let value = if RELU { simd.select_f32s(negative, zero, sums[c][p]) } else { sums[c][p] };
                            store(simd, &mut row[p], part, value);
                        }
                    }
                }
            }
        }
    }
}

/// Adds the gradients, summed over the lanes, to `d_weight` and `d_bias`. `d_output` is the gradient before the ReLU,
/// and `blank` is as in [`forward`].
#[inline(always)]
pub fn backward_parameters<S: Simd, const I: usize, const H: usize, const O: usize, const P: usize>(
    simd: S,
    input: &Map<I, H>,
    d_output: &Map<O, P>,
    d_weight: &mut Weight<I, O>,
    d_bias: &mut [f32; O],
    blank: impl Fn(usize, usize) -> bool,
) {
    let zero = simd.splat_f32s(0.0);
    let channels = d_output.as_chunks::<CHANNELS>().0.iter().zip(d_weight.as_chunks_mut::<CHANNELS>().0);
    for (d_output, d_weight) in channels {
        for i in 0..I {
            for ky in 0..K {
                let mut lanes = [[Lanes::ZERO; K]; CHANNELS];
                for part in parts::<S>() {
                    let mut sums = [[zero; K]; CHANNELS];
                    for y in 0..P {
                        for x in (0..P).step_by(TILE) {
                            if blank(y + ky, x) {
                                continue;
                            }
                            let taps = tile::<S, TAPS>(simd, &input[i][y + ky], x, part);
                            for c in 0..CHANNELS {
                                let d = tile::<S, TILE>(simd, &d_output[c][y], x, part);
                                for p in 0..TILE {
                                    for kx in 0..K {
                                        sums[c][kx] = mul_add(simd, d[p], taps[p + kx], sums[c][kx]);
                                    }
                                }
                            }
                        }
                    }
                    for c in 0..CHANNELS {
                        for kx in 0..K {
                            store(simd, &mut lanes[c][kx], part, sums[c][kx]);
                        }
                    }
                }
                for c in 0..CHANNELS {
                    for kx in 0..K {
                        d_weight[c][i][ky][kx] += sum(simd, &lanes[c][kx]);
                    }
                }
            }
        }
    }
    for (d_output, d_bias) in d_output.iter().zip(d_bias) {
        let mut lanes = Lanes::ZERO;
        for part in parts::<S>() {
            let mut sums = [zero; TILE];
            for row in d_output {
                for x in (0..P).step_by(TILE) {
                    let d = tile::<S, TILE>(simd, row, x, part);
                    for p in 0..TILE {
                        sums[p] = simd.add_f32s(sums[p], d[p]);
                    }
                }
            }
            for p in 1..TILE {
                sums[0] = simd.add_f32s(sums[0], sums[p]);
            }
            store(simd, &mut lanes, part, sums[0]);
        }
        *d_bias += sum(simd, &lanes);
    }
}

/// The gradient with respect to the input. Each of its rows sums the contributions of all kernel taps that reach it.
/// `P` must be exactly one tile.
#[inline(always)]
pub fn backward_input<S: Simd, const I: usize, const H: usize, const O: usize, const P: usize>(
    simd: S,
    weight: &Weight<I, O>,
    d_output: &Map<O, P>,
    d_input: &mut Map<I, H>,
) {
    const { assert!(P == TILE && H == TAPS) }
    let zero = simd.splat_f32s(0.0);
    for part in parts::<S>() {
        for y in 0..H {
            for i in 0..I {
                let mut sums = [zero; TAPS];
                for ky in (y + 1).saturating_sub(P)..K.min(y + 1) {
                    for o in 0..O {
                        let d = tile::<S, TILE>(simd, &d_output[o][y - ky], 0, part);
                        for kx in 0..K {
                            let w = simd.splat_f32s(weight[o][i][ky][kx]);
                            for p in 0..TILE {
                                sums[p + kx] = mul_add(simd, w, d[p], sums[p + kx]);
                            }
                        }
                    }
                }
                let row = d_input[i][y].first_chunk_mut::<TAPS>().expect(WHOLE_TILES);
                for x in 0..TAPS {
                    store(simd, &mut row[x], part, sums[x]);
                }
            }
        }
    }
}

const WHOLE_TILES: &str = "a row is a whole number of tiles long";

/// `N` neighbouring values of a row, starting at `x`.
#[inline(always)]
fn tile<S: Simd, const N: usize>(simd: S, row: &[Lanes], x: usize, part: usize) -> [S::f32s; N] {
    let row = row[x..].first_chunk::<N>().expect(WHOLE_TILES);
    let mut tile = [simd.splat_f32s(0.0); N];
    for n in 0..N {
        tile[n] = load(simd, &row[n], part);
    }
    tile
}
