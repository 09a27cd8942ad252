//! Fully connected layers.

use crate::model::DenseParameters;

/// A hidden layer: `output[o] = ReLU(bias[o] + sum(input[i] * weights[o][i]))`, requantized.
///
/// `input` and `output` are activations in [0, 255].
pub fn fully_connected<const I: usize, const O: usize>(
    input: &[u8; I],
    parameters: &DenseParameters<'_, I, O>,
    output: &mut [u8; O],
) {
    for (out, channel) in output.iter_mut().zip(parameters.channels()) {
        *out = channel.multiplier.apply_relu(accumulate(input, channel.bias, channel.weights));
    }
}

/// The last layer: no ReLU, and signed outputs `q` with the given zero point.
pub fn fully_connected_logits<const I: usize, const O: usize>(
    input: &[u8; I],
    parameters: &DenseParameters<'_, I, O>,
    zero_point: i8,
    output: &mut [i8; O],
) {
    for (out, channel) in output.iter_mut().zip(parameters.channels()) {
        *out = channel.multiplier.apply_linear(accumulate(input, channel.bias, channel.weights), zero_point);
    }
}

#[inline]
fn accumulate<const I: usize>(input: &[u8; I], bias: i32, weights: &[i8; I]) -> i32 {
    input.iter().zip(weights).fold(bias, |sum, (u, w)| sum + i32::from(*u) * i32::from(*w))
}
