//! A layer's parameters as plain arrays, with every multiplier below 1/4.

use alloc::vec;
use alloc::vec::Vec;

use crate::architecture::KERNEL_SIDE;
use crate::model::{Channel, Channels, ConvParameters, DenseParameters};
use crate::quantization::Multiplier;

/// The parameters of a layer whose output channels have `K` weights each.
pub(super) struct LayerArrays<const K: usize> {
    /// What the accumulators start from.
    pub(super) bias: Vec<i32>,
    /// The multipliers of the requantization, with exponents up to -2.
    pub(super) multiplier: Vec<Multiplier>,
    /// In [-508, 508]: OHWI for convolutions, inputs in HWC order for fc1.
    pub(super) weights: Vec<[i16; K]>,
}

/// An output channel with four times its weights and bias and a quarter of its multiplier, if that is 1/4 or more.
///
/// [`Requantizer`](super::Requantizer) takes multipliers below 1/4 only.
///
/// The outputs stay the same. Four times the accumulator times a quarter of the multiplier is the same product. The bias
/// is first clamped to 2^28 in magnitude, so that four times the accumulator fits in 32 bits. That changes no output: the
/// products add up to less than 2^23, so beyond 2^28 the bias alone decides, and the output is clamped either way.
#[derive(Clone, Copy, Debug)]
struct BelowQuarter {
    /// 1 or 4, for the weights.
    factor: i16,
    /// The bias times the factor.
    bias: i32,
    /// Its exponent is at most -2.
    multiplier: Multiplier,
}

impl From<Channel> for BelowQuarter {
    fn from(Channel { bias, multiplier }: Channel) -> Self {
        let Multiplier { mantissa, exponent } = multiplier;
        if exponent <= -2 {
            return Self { factor: 1, bias, multiplier };
        }
        const LIMIT: i32 = 1 << 28;
        let multiplier = Multiplier { mantissa, exponent: exponent - 2 };
        Self { factor: 4, bias: 4 * bias.clamp(-LIMIT, LIMIT), multiplier }
    }
}

/// A convolution's parameters, copied. `K` is 25 times `I`.
pub(super) fn convolution<const K: usize, const I: usize, const N: usize, const G: usize, const O: usize>(
    parameters: &ConvParameters<'_, I, N, G, O>,
) -> LayerArrays<K> {
    const { assert!(K == KERNEL_SIDE * KERNEL_SIDE * I) };
    copy(parameters.channels(), |o| parameters.flat_weights().iter().skip(o * K).copied())
}

/// A fully connected layer's parameters, copied without the zeros that pad the inputs.
pub(super) fn dense<const K: usize>(parameters: &DenseParameters<'_>) -> LayerArrays<K> {
    copy(parameters.channels(), |o| parameters.weights(o))
}

fn copy<const K: usize, W: Iterator<Item = i8>>(
    channels: Channels<'_>,
    weights_of: impl Fn(usize) -> W,
) -> LayerArrays<K> {
    let count = channels.len();
    let mut arrays = LayerArrays {
        bias: Vec::with_capacity(count),
        multiplier: Vec::with_capacity(count),
        weights: vec![[0; K]; count],
    };
    for ((o, channel), weights) in channels.iter().enumerate().zip(&mut arrays.weights) {
        let BelowQuarter { factor, bias, multiplier } = channel.into();
        arrays.bias.push(bias);
        arrays.multiplier.push(multiplier);
        for (place, weight) in weights.iter_mut().zip(weights_of(o)) {
            *place = factor * i16::from(weight);
        }
    }
    arrays
}
