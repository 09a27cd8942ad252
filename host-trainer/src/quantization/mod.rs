//! From a float network to an int8 one.
//!
//! The scheme and its formulas are in [`lenet_core::quantization`]. Here the numbers are chosen:
//! weight scales from each output channel's largest weight, activation scales from the ranges seen on
//! calibration images ([`calibrate`]), and from both the biases and multipliers ([`quantize`]). [`quantize_trained`]
//! can also round so that the errors of a channel's weights cancel, and let its bias make up for their mean.

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

/// How a trained network is quantized. Why the defaults are what they are is told in `QUANTIZATION.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How the ranges of activations are chosen.
    pub calibration: Calibration,
    /// How many training images that choice looks at, at most: evenly spaced over all.
    pub images: usize,
    /// What shares a weight scale.
    pub granularity: Granularity,
    /// To which integers weights are rounded.
    pub rounding: Rounding,
    /// Whether biases make up for the mean error that the rounding of weights leaves in the outputs.
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
/// As [`calibrate`] and [`quantize`].
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

/// To which integers weights are rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// Each to the nearest.
    Nearest,
    /// To one of the two nearest, so that the output has the least mean squared error over calibration images.
    #[default]
    LeastSquares,
}

#[cfg(test)]
mod tests {
    use lenet_core::architecture::{CLASSES, CONV1_CHANNELS, CONV2_CHANNELS};

    use super::*;
    use crate::data::digits_10k;
    use crate::training::{self, Recipe, RecipeName, initial_network};

    fn untrained() -> Network {
        let recipe = Recipe::named(RecipeName::Default);
        initial_network(&training::Options { recipe, pools: Default::default(), seed: 3 })
    }

    /// Quantized with the default choices and so many calibration images.
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
        assert_eq!(quantized.layers[4].bias.len(), CLASSES);
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
        // 150 weights of 54 steps; one step more would be too many.
        assert_eq!(sums[3], 8_100);
        let largest = layer.weights.chunks(150).map(|w| w.iter().map(|w| w.unsigned_abs()).max().unwrap());
        assert!(largest.enumerate().all(|(channel, largest)| channel == 3 || largest == 127 || sums[channel] > 8_000));
    }

    #[test]
    fn not_a_number_is_refused_by_name() {
        let mut network = untrained();
        let ranges = calibrate(&network, &digits_10k().train.first(10), Calibration::MinMax).unwrap();
        network.parameters.fc2_bias_mut()[7] = f32::NAN;
        let message = quantize(&network, &ranges, Granularity::PerChannel).unwrap_err().to_string();
        assert!(message.contains("bias 7 of fc2"), "{message}");
    }
}
