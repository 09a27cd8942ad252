//! A convolution in plain Rust. It defines the results, and it runs where a core's own convolution cannot: when the model
//! lacks the section with the weights in that core's form.

use crate::architecture::{CONV1_CHANNELS, IMAGE_SIDE, KERNEL_SIDE, POOL1_SIDE, Pixels, Pool};
use crate::model::{Channel, Channels, Conv1Parameters, Conv2Parameters};
use crate::pooling::pool_window;

/// conv1 with ReLU and pool1. `output` is 12 x 12 x 6, HWC.
pub(super) fn conv1_pool(pixels: &Pixels, parameters: &Conv1Parameters<'_>, pool: Pool, output: &mut [u8]) {
    let input = Map { values: pixels, side: IMAGE_SIDE, channels: 1 };
    conv_pool(&input, parameters.channels(), parameters.flat_weights(), pool, output);
}

/// conv2 with ReLU and pool2. `input` is 12 x 12 x 6 and `output` 4 x 4 x 16, both HWC.
pub(super) fn conv2_pool(input: &[u8], parameters: &Conv2Parameters<'_>, pool: Pool, output: &mut [u8]) {
    let input = Map { values: input, side: POOL1_SIDE, channels: CONV1_CHANNELS };
    conv_pool(&input, parameters.channels(), parameters.flat_weights(), pool, output);
}

/// A square feature map in HWC order, activations in [0, 255].
struct Map<'a> {
    values: &'a [u8],
    side: usize,
    channels: usize,
}

/// `weights` are OHWI. The pooled output has `(side - 4) / 2` rows and columns.
#[inline(never)]
fn conv_pool(input: &Map<'_>, channels: Channels<'_>, weights: &[i8], pool: Pool, output: &mut [u8]) {
    let row = input.side * input.channels;
    let per_output = KERNEL_SIDE * KERNEL_SIDE * input.channels;
    let mut places = output.iter_mut();
    for y in (0..input.side + 1 - KERNEL_SIDE).step_by(2) {
        for x in (0..input.side + 1 - KERNEL_SIDE).step_by(2) {
            let corner = y * row + x * input.channels;
            let mut weights = weights;
            for (channel, place) in channels.iter().zip(&mut places) {
                let mut window = [channel.bias; 4];
                for (sum, offset) in window.iter_mut().zip([0, input.channels, row, row + input.channels]) {
                    *sum += patch(input, corner + offset, weights);
                }
                weights = weights.get(per_output..).unwrap_or_default();
                *place = pool_window(pool, window, |accumulator| activation(channel, accumulator));
            }
        }
    }
}

/// The products of the 5x5 patch from the index `corner` on with the first of the weights.
#[cfg_attr(not(kernels = "portable"), inline(never))] // Where this is a fallback, small code matters more than speed.
fn patch(input: &Map<'_>, corner: usize, weights: &[i8]) -> i32 {
    let row = input.side * input.channels;
    // The weights of a kernel row, and the activations that they multiply, are next to each other.
    let taps = KERNEL_SIDE * input.channels;
    let mut activations = input.values.get(corner..).unwrap_or_default();
    let mut weights = weights;
    let mut sum = 0;
    for _ in 0..KERNEL_SIDE {
        let Some((kernel_row, rest)) = weights.split_at_checked(taps) else { break };
        for (u, w) in activations.iter().zip(kernel_row) {
            sum += i32::from(*u) * i32::from(*w);
        }
        activations = activations.get(row..).unwrap_or_default();
        weights = rest;
    }
    sum
}

#[cfg_attr(not(kernels = "portable"), inline(never))]
fn activation(channel: Channel, accumulator: i32) -> u8 {
    channel.multiplier.apply_relu(accumulator)
}
