//! A 5x5 convolution with ReLU, fused with the 2x2 pool that follows it: the map between them,
//! four times as large as the result, never exists.

use super::pool;
use crate::architecture::{KERNEL_SIDE, Pool};
use crate::model::{ConvKernel, ConvParameters};
use crate::quantization::Multiplier;

/// Convolves without padding at stride 1, applies ReLU, then pools 2x2 at stride 2.
///
/// - `input`: `[H][W][I]`, activations in [0, 255].
/// - `parameters`: weights OHWI.
/// - `output`: `[PH][PW][O]` with `H = 2 PH + 4` and `W = 2 PW + 4`, which is checked at compile time.
///
/// An average pool averages the four requantized activations; a maximum pool takes the largest of
/// the four accumulators and requantizes it once, with the same result.
pub fn conv_pool<const H: usize, const W: usize, const I: usize, const PH: usize, const PW: usize, const O: usize>(
    input: &[[[u8; I]; W]; H],
    parameters: &ConvParameters<'_, I, O>,
    pool: Pool,
    output: &mut [[[u8; O]; PW]; PH],
) {
    const { assert!(H == 2 * PH + KERNEL_SIDE - 1 && W == 2 * PW + KERNEL_SIDE - 1) };
    for (pooled_y, row) in output.iter_mut().enumerate() {
        for (pooled_x, pixel) in row.iter_mut().enumerate() {
            let (y, x) = (2 * pooled_y, 2 * pooled_x);
            for (out, channel) in pixel.iter_mut().zip(parameters.channels()) {
                let window = [(y, x), (y, x + 1), (y + 1, x), (y + 1, x + 1)]
                    .map(|(y, x)| accumulate(input, y, x, channel.bias, channel.weights));
                *out = pool_window(window, channel.multiplier, pool);
            }
        }
    }
}

/// The accumulator of one output position: `bias + sum(u * w)` over the 5x5 patch at `(y, x)`.
#[inline]
fn accumulate<const H: usize, const W: usize, const I: usize>(
    input: &[[[u8; I]; W]; H],
    y: usize,
    x: usize,
    bias: i32,
    weights: &ConvKernel<I>,
) -> i32 {
    let mut sum = bias;
    for (pixels, weights) in input.iter().skip(y).zip(weights) {
        for (pixel, weights) in pixels.iter().skip(x).zip(weights) {
            for (u, w) in pixel.iter().zip(weights) {
                sum += i32::from(*u) * i32::from(*w);
            }
        }
    }
    sum
}

#[inline]
fn pool_window(window: [i32; 4], multiplier: Multiplier, pool: Pool) -> u8 {
    match pool {
        Pool::Average => pool::average(window.map(|accumulator| multiplier.apply_relu(accumulator))),
        Pool::Maximum => multiplier.apply_relu(pool::maximum(window)),
    }
}
