//! The fully connected layers: sums of products, then bias and requantization.

use crate::arch::{Blank, Scratch, sums_of_products};
use crate::labels::MAX_CLASSES;
use crate::logits::Logits;
use crate::model::DenseParameters;

/// A hidden layer: `output[o] = ReLU(bias[o] + sum(input[i] * weights[o][i]))`, requantized.
///
/// `input` and `output` are activations in [0, 255]. There is an even number of outputs.
#[inline(never)]
pub(crate) fn fully_connected(
    input: &[u8],
    parameters: &DenseParameters<'_>,
    blank: Blank,
    scratch: &mut Scratch,
    output: &mut [u8],
) {
    let (places, _) = output.as_chunks_mut::<2>();
    let mut places = places.iter_mut().zip(parameters.channels().pairs());
    sums_of_products(input, parameters.rows(), blank, scratch, |[even, odd]| {
        if let Some(([even_place, odd_place], [even_channel, odd_channel])) = places.next() {
            *even_place = even_channel.multiplier.apply_relu(even_channel.bias + even);
            *odd_place = odd_channel.multiplier.apply_relu(odd_channel.bias + odd);
        }
    });
}

/// The last layer. It has no ReLU, and its outputs are signed values `q` with the given zero point; `scale_bits` are the
/// bits of their scale, because a float would be passed in a floating-point register.
///
/// Not inlined, so that its stack is gone while the convolutions use theirs.
#[inline(never)]
pub(crate) fn fully_connected_logits(
    input: &[u8],
    parameters: &DenseParameters<'_>,
    blank: Blank,
    scratch: &mut Scratch,
    scale_bits: u32,
    zero_point: i8,
) -> Logits {
    let mut values = [0; MAX_CLASSES];
    let mut places = values.iter_mut().zip(parameters.channels().iter());
    sums_of_products(input, parameters.rows(), blank, scratch, |sums| {
        for (sum, (place, channel)) in sums.into_iter().zip(&mut places) {
            *place = channel.multiplier.apply_linear(channel.bias + sum, zero_point);
        }
    });
    Logits::from_parts(values, parameters.channels().len(), scale_bits, zero_point)
}
