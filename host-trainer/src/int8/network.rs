//! The integers of a quantized network in plain arrays.

use std::fmt;

use lenet_core::format::{PACKED_EXPONENT_MAX, WEIGHT_SUM_MAX};
use lenet_core::preparation::Preparation;
use lenet_core::quantization::{Multiplier, Quantization};
use lenet_core::{Layer, Pools};

use crate::classes::Classes;

/// The integers of one layer with `n` output channels of `k` weights each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuantizedLayer {
    /// `n` biases at scale `s_in * s_w[c]`.
    pub bias: Vec<i32>,
    /// `n` multipliers `s_in * s_w[c] / s_out`, as converted by [`multiplier_from_real`](super::multiplier_from_real).
    pub multiplier: Vec<Multiplier>,
    /// `n` weight scales.
    pub weight_scale: Vec<f32>,
    /// `n * k` weights in [-127, 127]: OHWI for convolutions, inputs in HWC order for fc1.
    pub weights: Vec<i8>,
}

/// A quantized network, independent of any file format.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizedNetwork {
    /// The classes, one for each output of fc3.
    pub classes: Classes,
    /// The class that stands for anything else, if there is one.
    pub none_of_these: Option<usize>,
    /// How inputs are prepared.
    pub preparation: Preparation,
    /// Pool kinds.
    pub pools: Pools,
    /// Scale and zero point of each tensor, in the order of [`lenet_core::Tensor::ALL`].
    pub activations: [Quantization; 6],
    /// The layers, in the order of [`lenet_core::Layer::ALL`].
    pub layers: [QuantizedLayer; 5],
}

/// Why the kernels of Cortex-M cannot use their own form of a convolution's weights. They compute the same bits from the
/// plain weights, which takes more instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpackable {
    /// A channel's weight magnitudes add up to more than [`WEIGHT_SUM_MAX`].
    WeightSum {
        /// The layer.
        layer: Layer,
        /// The output channel.
        channel: usize,
        /// The sum.
        sum: u32,
    },
    /// A channel's multiplier is 1/4 or more.
    Multiplier {
        /// The layer.
        layer: Layer,
        /// The output channel.
        channel: usize,
    },
}

impl QuantizedNetwork {
    /// The first reason against packing the convolutions' weights for the kernels of Cortex-M, if there is one.
    pub fn unpackable(&self) -> Option<Unpackable> {
        let convolutions = Layer::ALL.into_iter().zip(&self.layers).take(2);
        convolutions.into_iter().find_map(|(layer, values)| {
            let weights = values.weights.chunks_exact(layer.weights_per_output());
            values.multiplier.iter().zip(weights).enumerate().find_map(|(channel, (multiplier, weights))| {
                let sum = weights.iter().map(|weight| u32::from(weight.unsigned_abs())).sum();
                if sum > WEIGHT_SUM_MAX {
                    return Some(Unpackable::WeightSum { layer, channel, sum });
                }
                (multiplier.exponent > PACKED_EXPONENT_MAX).then_some(Unpackable::Multiplier { layer, channel })
            })
        })
    }
}

impl fmt::Display for Unpackable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::WeightSum { layer, channel, sum } => {
                write!(f, "the weights of {layer} channel {channel} add up to {sum} steps, more than {WEIGHT_SUM_MAX}")
            }
            Self::Multiplier { layer, channel } => {
                write!(f, "the multiplier of {layer} channel {channel} is 1/4 or more")
            }
        }
    }
}
