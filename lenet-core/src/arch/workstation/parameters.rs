//! A layer's parameters as plain arrays.

use crate::architecture::KERNEL_SIDE;
use crate::model::{Channels, ConvParameters, DenseParameters};
use crate::quantization::Multiplier;

/// The parameters of a layer with `O` output channels of `K` weights each.
pub(super) struct LayerArrays<const K: usize, const O: usize> {
    /// What the accumulators start from.
    pub(super) bias: [i32; O],
    /// The multipliers of the requantization.
    pub(super) multiplier: [Multiplier; O],
    /// In [-127, 127]: OHWI for convolutions, inputs in HWC order for fc1.
    pub(super) weights: [[i8; K]; O],
}

/// A convolution's parameters, copied. `K` is 25 times `I`.
pub(super) fn convolution<const K: usize, const I: usize, const N: usize, const G: usize, const O: usize>(
    parameters: &ConvParameters<'_, I, N, G, O>,
) -> LayerArrays<K, O> {
    const { assert!(K == KERNEL_SIDE * KERNEL_SIDE * I) };
    copy(parameters.channels(), |o, weights| {
        for ([row, column, input], weight) in parameters.weights(o) {
            weights[(row * KERNEL_SIDE + column) * I + input] = weight;
        }
    })
}

/// A fully connected layer's parameters, copied without the zeros that pad the inputs.
pub(super) fn dense<const K: usize, const IP: usize, const OP: usize, const O: usize>(
    parameters: &DenseParameters<'_, IP, OP, O>,
) -> LayerArrays<K, O> {
    const { assert!(K <= 2 * IP) };
    copy(parameters.channels(), |o, weights| {
        for (place, weight) in weights.iter_mut().zip(parameters.weights(o)) {
            *place = weight;
        }
    })
}

fn copy<const K: usize, const O: usize>(
    channels: &Channels<'_, O>,
    fill: impl Fn(usize, &mut [i8; K]),
) -> LayerArrays<K, O> {
    let mut all = channels.iter();
    let mut bias = [0; O];
    let mut weights = [[0; K]; O];
    let multiplier = core::array::from_fn(|o| {
        let channel = all.next().expect("a layer has all its channels");
        bias[o] = channel.bias;
        fill(o, &mut weights[o]);
        channel.multiplier
    });
    LayerArrays { bias, multiplier, weights }
}
