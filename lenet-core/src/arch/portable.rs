//! The portable kernels, in plain Rust for any processor. They define the results. They compute blank input like any
//! other.

use super::blank::Blank;
pub(crate) use super::hwc::{Pool1Output, Scratch};
use super::separate::separate;
use crate::architecture::{CONV2_CHANNELS, IMAGE_SIDE, KERNEL_SIDE, POOL2_SIDE, Pixels, Pool};
use crate::format::{halfwords, low_field};
use crate::model::{Conv1Parameters, Conv2Parameters, ConvParameters, DenseParameters};
use crate::pooling::pool_window;

pub(crate) fn conv1_pool(
    pixels: &Pixels,
    parameters: &Conv1Parameters<'_>,
    pool: Pool,
    _blank: Blank,
    _scratch: &mut Scratch,
    output: &mut Pool1Output,
) {
    let image: &[[[u8; 1]; IMAGE_SIDE]; IMAGE_SIDE] = bytemuck::must_cast_ref(pixels);
    conv_pool(image, parameters, pool, &mut output.0);
}

pub(crate) fn conv2_pool(
    input: &Pool1Output,
    parameters: &Conv2Parameters<'_>,
    pool: Pool,
    output: &mut [[[u8; CONV2_CHANNELS]; POOL2_SIDE]; POOL2_SIDE],
) {
    conv_pool(&input.0, parameters, pool, output);
}

/// A convolution with ReLU and its pool.
///
/// - `input`: `[H][W][I]`, activations in [0, 255].
/// - `output`: `[PH][PW][O]`, with `H = 2 PH + 4` and `W = 2 PW + 4` (checked at compile time).
fn conv_pool<
    const H: usize,
    const W: usize,
    const I: usize,
    const PH: usize,
    const PW: usize,
    const N: usize,
    const G: usize,
    const O: usize,
>(
    input: &[[[u8; I]; W]; H],
    parameters: &ConvParameters<'_, I, N, G, O>,
    pool: Pool,
    output: &mut [[[u8; O]; PW]; PH],
) {
    const { assert!(H == 2 * PH + KERNEL_SIDE - 1 && W == 2 * PW + KERNEL_SIDE - 1) };
    for (pooled_y, row) in output.iter_mut().enumerate() {
        for (pooled_x, pixel) in row.iter_mut().enumerate() {
            let (y, x) = (2 * pooled_y, 2 * pooled_x);
            let mut channels = parameters.channels().iter();
            for (outputs, words) in pixel.chunks_exact_mut(N).zip(parameters.words()) {
                let sums = [(y, x), (y, x + 1), (y + 1, x), (y + 1, x + 1)].map(|(y, x)| sums(input, y, x, words));
                for (index, (output, channel)) in outputs.iter_mut().zip(&mut channels).enumerate() {
                    let window = sums.map(|sums| channel.bias + sums.get(index).copied().unwrap_or_default());
                    *output = pool_window(pool, window, |accumulator| channel.multiplier.apply_relu(accumulator));
                }
            }
        }
    }
}

/// The sums of products of a group's channels over the 5x5 patch at `(y, x)`.
#[inline]
fn sums<const H: usize, const W: usize, const I: usize, const N: usize>(
    input: &[[[u8; I]; W]; H],
    y: usize,
    x: usize,
    words: &[[[[i32; N]; KERNEL_SIDE]; I]; KERNEL_SIDE],
) -> [i32; N] {
    let mut sums = [0; N];
    for (pixels, inputs) in input.iter().skip(y).zip(words) {
        for (index, columns) in inputs.iter().enumerate() {
            for (pixel, words) in pixels.iter().skip(x).zip(columns) {
                let u = i32::from(pixel[index]);
                for (sum, word) in sums.iter_mut().zip(words) {
                    *sum += u * low_field(*word);
                }
            }
        }
    }
    sums
}

/// Calls `each` with the sums of products of every two outputs, in order.
///
/// `input` holds the layer's activations in [0, 255]; missing inputs count as zero.
pub(crate) fn sums_of_products<const IP: usize, const OP: usize, const O: usize>(
    input: &[u8],
    parameters: &DenseParameters<'_, IP, OP, O>,
    _blank: Blank,
    _scratch: &mut Scratch,
    mut each: impl FnMut([i32; 2]),
) {
    let (pairs, _) = input.as_chunks::<2>();
    for words in parameters.words() {
        let (mut sum, mut low_sum) = (0, 0);
        for (pair, word) in pairs.iter().zip(words) {
            for (u, halfword) in pair.iter().zip(halfwords(*word)) {
                sum += i32::from(*u) * i32::from(halfword as i16);
                low_sum += i32::from(*u) * i32::from(halfword as i8);
            }
        }
        each(separate(sum, low_sum));
    }
}
