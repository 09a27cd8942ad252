//! The fully connected layers: sums of products, then bias and requantization.

use crate::arch::{Blank, Scratch, sums_of_products};
use crate::model::DenseParameters;

/// A hidden layer: `output[o] = ReLU(bias[o] + sum(input[i] * weights[o][i]))`, requantized.
///
/// `input` and `output` are activations in [0, 255].
pub(crate) fn fully_connected<const IP: usize>(
    input: &[u8],
    parameters: &DenseParameters<'_, IP>,
    blank: Blank,
    scratch: &mut Scratch,
    output: &mut [u8],
) {
    let mut places = output.iter_mut().zip(parameters.channels().iter());
    sums_of_products(input, parameters.words(), blank, scratch, |sums| {
        for (sum, (place, channel)) in sums.into_iter().zip(&mut places) {
            *place = channel.multiplier.apply_relu(channel.bias + sum);
        }
    });
}

/// The last layer. It has no ReLU, and its outputs are signed values `q` with the given zero point.
pub(crate) fn fully_connected_logits<const IP: usize>(
    input: &[u8],
    parameters: &DenseParameters<'_, IP>,
    blank: Blank,
    scratch: &mut Scratch,
    zero_point: i8,
    output: &mut [i8],
) {
    let mut places = output.iter_mut().zip(parameters.channels().iter());
    sums_of_products(input, parameters.words(), blank, scratch, |sums| {
        for (sum, (place, channel)) in sums.into_iter().zip(&mut places) {
            *place = channel.multiplier.apply_linear(channel.bias + sum, zero_point);
        }
    });
}
