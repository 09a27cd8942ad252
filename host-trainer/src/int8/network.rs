//! The integers of a quantized network in plain arrays.

use lenet_core::Pools;
use lenet_core::quantization::{Multiplier, Quantization};

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
    /// Pool kinds.
    pub pools: Pools,
    /// Scale and zero point of each tensor, in the order of [`lenet_core::Tensor::ALL`].
    pub activations: [Quantization; 6],
    /// The layers, in the order of [`lenet_core::Layer::ALL`].
    pub layers: [QuantizedLayer; 5],
}
