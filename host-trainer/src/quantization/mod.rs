//! Turns a float network into an int8 one.
//!
//! [`lenet_core::quantization`] explains the scheme and its formulas. This folder chooses the numbers: weight scales
//! from the largest weight of each output channel, activation scales from the ranges seen on calibration images
//! ([`calibrate`]), and biases and multipliers from these scales ([`quantize`]). [`quantize_trained`] can also round
//! the weights of a channel so that their rounding noise cancels, and correct its bias for the mean of that noise.

mod calibration;
mod histogram;
mod moments;
mod output_noise;
mod quantize;

use crate::data::Split;
use crate::error::Result;
use crate::int8::QuantizedNetwork;
use crate::network::Network;

pub use calibration::{CALIBRATION_IMAGES, Calibration, PERCENTILE_OUTSIDE, Ranges, calibrate};
pub use quantize::{Granularity, quantize};

use output_noise::{Changes, reduce_output_noise};

/// How to quantize a trained network. `QUANTIZATION.md` explains the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How to choose the ranges of activations.
    pub calibration: Calibration,
    /// At most this many training images are used for calibration, evenly spaced over all.
    pub images: usize,
    /// Which weights share a scale.
    pub granularity: Granularity,
    /// How to round weights.
    pub rounding: Rounding,
    /// Whether to correct biases for the mean shift of the outputs that rounding the weights causes.
    pub bias_correction: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            calibration: Calibration::default(),
            images: CALIBRATION_IMAGES,
            granularity: Granularity::default(),
            rounding: Rounding::default(),
            bias_correction: true,
        }
    }
}

/// Post-training quantization: calibrates on `images`, which must be training images, and quantizes.
///
/// # Errors
/// Those of [`calibrate`] and [`quantize`].
pub fn quantize_trained(network: &Network, images: &Split, options: &Options) -> Result<QuantizedNetwork> {
    let images = images.evenly_spaced(options.images);
    let ranges = calibrate(network, &images, options.calibration)?;
    let mut quantized = quantize(network, &ranges, options.granularity)?;
    let changes = Changes { weights: options.rounding == Rounding::LeastSquares, biases: options.bias_correction };
    if changes.weights || changes.biases {
        reduce_output_noise(&mut quantized, network, &images, changes);
    }
    Ok(quantized)
}

/// How to round weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// Each weight to the nearest integer.
    Nearest,
    /// Each weight up or down, so that the mean squared error of the output over the calibration images becomes small.
    #[default]
    LeastSquares,
}

#[cfg(test)]
mod tests {
    use lenet_core::architecture::{CONV1_CHANNELS, CONV2_CHANNELS};

    use super::*;
    use crate::classes::Classes;
    use crate::data::digits_10k;
    use crate::training::{self, Recipe, RecipeName, initial_network};

    fn untrained() -> Network {
        let recipe = Recipe::named(RecipeName::Default);
        initial_network(&training::Options { recipe, pools: Default::default(), classes: Classes::digits(), seed: 3 })
    }

    /// Quantizes with the default options and this number of calibration images.
    fn default(network: &Network, images: usize) -> QuantizedNetwork {
        quantize_trained(network, &digits_10k().train.first(images), &Options::default()).unwrap()
    }

    fn nearest(network: &Network, images: usize) -> QuantizedNetwork {
        let options = Options { rounding: Rounding::Nearest, ..Options::default() };
        quantize_trained(network, &digits_10k().train.first(images), &options).unwrap()
    }

    #[test]
    fn per_tensor_scales_are_the_coarsest_of_the_layer() {
        let network = untrained();
        let ranges = calibrate(&network, &digits_10k().train.first(10), Calibration::MinMax).unwrap();
        let per_tensor = quantize(&network, &ranges, Granularity::PerTensor).unwrap();
        let per_channel = quantize(&network, &ranges, Granularity::PerChannel).unwrap();
        for (tensor, channel) in per_tensor.layers.iter().zip(&per_channel.layers) {
            let coarsest = channel.weight_scale.iter().copied().fold(0f32, f32::max);
            assert!(tensor.weight_scale.iter().all(|scale| *scale == coarsest));
        }
        assert_ne!(per_tensor, per_channel);
        per_tensor.encode(&Default::default()).unwrap();
    }

    #[test]
    fn weights_rounded_to_the_nearest_are_within_half_a_step() {
        let network = untrained();
        let quantized = nearest(&network, 50);
        let layer = &quantized.layers[4];
        for (index, real) in network.parameters.fc3_weight().iter().enumerate() {
            let scale = layer.weight_scale[index / 84];
            assert!((f32::from(layer.weights[index]) * scale - real).abs() <= 0.5001 * scale);
        }
        // OHWI: the second weight of conv2's first channel is input channel 1 at the same tap.
        let layer = &quantized.layers[1];
        let real = network.parameters.conv2_weight()[(0, 1, 0, 0)];
        assert!((f32::from(layer.weights[1]) * layer.weight_scale[0] - real).abs() <= 0.5001 * layer.weight_scale[0]);
        assert!(quantized.activations[5].scale > 0.0);
        assert_eq!(layer.weights.len(), CONV2_CHANNELS * 25 * CONV1_CHANNELS);
        assert_eq!(quantized.layers[4].bias.len(), 10);
    }

    #[test]
    fn dead_and_lopsided_channels_still_make_a_valid_model() {
        let mut network = untrained();
        network.parameters.conv1_weight_mut().fill(0.0);
        network.parameters.conv1_bias_mut().fill(0.0);
        network.parameters.conv2_weight_mut().index_axis_mut(ndarray::Axis(0), 0).fill(0.0);
        network.parameters.conv2_bias_mut()[0] = 1e6;
        network.parameters.fc2_bias_mut().fill(-1e9);
        network.parameters.fc3_weight_mut().fill(1e-30);
        let quantized = default(&network, 10);
        quantized.encode(&Default::default()).unwrap();
    }

    #[test]
    fn a_channel_of_equally_large_weights_gets_a_coarser_scale_and_others_do_not() {
        let mut network = untrained();
        network.parameters.conv2_weight_mut().index_axis_mut(ndarray::Axis(0), 3).fill(-0.25);
        let quantized = nearest(&network, 10);
        quantized.encode(&Default::default()).unwrap();
        let layer = &quantized.layers[1];
        let sums: Vec<u32> =
            layer.weights.chunks(150).map(|w| w.iter().map(|w| u32::from(w.unsigned_abs())).sum()).collect();
        // 150 weights of 54 steps. With 55 steps each the sum would be too large.
        assert_eq!(sums[3], 8_100);
        let largest = layer.weights.chunks(150).map(|w| w.iter().map(|w| w.unsigned_abs()).max().unwrap());
        assert!(largest.enumerate().all(|(channel, largest)| channel == 3 || largest == 127 || sums[channel] > 8_000));
    }

    #[test]
    fn a_nan_is_refused_by_name() {
        let mut network = untrained();
        let ranges = calibrate(&network, &digits_10k().train.first(10), Calibration::MinMax).unwrap();
        network.parameters.fc2_bias_mut()[7] = f32::NAN;
        let message = quantize(&network, &ranges, Granularity::PerChannel).unwrap_err().to_string();
        assert!(message.contains("bias 7 of fc2"), "{message}");
    }
}
