//! From a float network to an int8 one.
//!
//! The scheme and its formulas are in [`lenet_core::quantization`]. Here the numbers are chosen:
//! weight scales from each output channel's largest weight, activation scales from the ranges seen on
//! calibration images ([`calibrate`]), and from both the biases and multipliers ([`quantize`]). [`quantize_trained`]
//! can also round so that the errors of a channel's weights cancel, and let its bias make up for their mean.

mod calibration;
mod decode;
mod histogram;
mod moments;
mod multiplier;
mod network;
mod output_error;
mod words;

use lenet_core::architecture::{CONV2_CHANNELS, FC1_OUTPUTS, Layer, POOL2_SIDE};
use lenet_core::format::WEIGHT_SUM_MAX;
use lenet_core::quantization::{ACTIVATION_ZERO_POINT, Quantization};
use ndarray::ArrayViewD;

use crate::data::Split;
use crate::error::{Error, Result};
use crate::network::{Network, Parameters};

pub use calibration::{CALIBRATION_IMAGES, Calibration, PERCENTILE_OUTSIDE, Ranges, calibrate};
pub use multiplier::multiplier_from_real;
pub use network::{QuantizedLayer, QuantizedNetwork};

use output_error::{Changes, reduce_output_error};

/// The largest weight; weights are symmetric.
const WEIGHT_MAX: f64 = 127.0;
/// A bias may use this much of the accumulator; a layer's products need far less than the rest.
const BIAS_MAX: f64 = (1u32 << 30) as f64;
/// Least multiplier a channel is given; below 2^-32 it could not be stored.
const MULTIPLIER_MIN: f64 = 1.0 / (1u64 << 31) as f64;
/// Greatest multiplier a channel is given; 1/4 could not be stored.
const MULTIPLIER_MAX: f64 = 0.249;
/// Rounding may add up to a step to each of a convolution channel's weights, see [`Rounding::LeastSquares`].
const ROUNDING: f64 = 1.0;

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
        reduce_output_error(&mut quantized, network, &images, changes);
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

/// What shares a weight scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Granularity {
    /// The weights of an output channel.
    #[default]
    PerChannel,
    /// All weights of a layer.
    PerTensor,
}

/// Quantizes a network whose activations have the given ranges.
///
/// # Errors
/// [`Error::Quantize`] when a weight, bias or range is not finite.
pub fn quantize(network: &Network, ranges: &Ranges, granularity: Granularity) -> Result<QuantizedNetwork> {
    let p = &network.parameters;
    let biases = [p.conv1_bias(), p.conv2_bias(), p.fc1_bias(), p.fc2_bias(), p.fc3_bias()];

    let mut input = Quantization { scale: (1.0f64 / 255.0) as f32, zero_point: ACTIVATION_ZERO_POINT };
    let mut activations = vec![input];
    let mut layers = Vec::with_capacity(Layer::ALL.len());
    for (layer, (weights, bias)) in Layer::ALL.into_iter().zip(weights_in_file_order(p).into_iter().zip(biases)) {
        let float = FloatLayer { layer, granularity, weights, bias: bias.iter().map(|b| f64::from(*b)).collect() };
        float.check_finite()?;
        let wanted = ranges.quantization(layer)?;
        let (quantized, output) = float.quantize(f64::from(input.scale), wanted);
        layers.push(quantized);
        activations.push(output);
        input = output;
    }
    const COUNT: &str = "one for each of the five layers";
    Ok(QuantizedNetwork {
        pools: network.pools,
        activations: activations.try_into().expect(COUNT),
        layers: layers.try_into().expect(COUNT),
    })
}

/// The weights of each layer, channel by channel in the order of the model file: OIHW to OHWI, fc1's CHW to HWC.
fn weights_in_file_order(parameters: &Parameters<f32>) -> [Vec<f64>; 5] {
    let fc1 = parameters.fc1_weight().into_shape_with_order((FC1_OUTPUTS, CONV2_CHANNELS, POOL2_SIDE, POOL2_SIDE));
    let weights: [ArrayViewD<'_, f32>; 5] = [
        parameters.conv1_weight().permuted_axes([0, 2, 3, 1]).into_dyn(),
        parameters.conv2_weight().permuted_axes([0, 2, 3, 1]).into_dyn(),
        fc1.expect("256 is 16 x 4 x 4").permuted_axes([0, 2, 3, 1]).into_dyn(),
        parameters.fc2_weight().into_dyn(),
        parameters.fc3_weight().into_dyn(),
    ];
    weights.map(|weights| weights.iter().map(|w| f64::from(*w)).collect())
}

struct FloatLayer {
    layer: Layer,
    granularity: Granularity,
    weights: Vec<f64>,
    bias: Vec<f64>,
}

impl FloatLayer {
    fn check_finite(&self) -> Result<()> {
        let bad = |values: &[f64]| values.iter().position(|value| !value.is_finite());
        if let Some(index) = bad(&self.weights) {
            return Err(Error::Quantize(format!("weight {index} of {} is not finite; train again", self.layer)));
        }
        if let Some(index) = bad(&self.bias) {
            return Err(Error::Quantize(format!("bias {index} of {} is not finite; train again", self.layer)));
        }
        Ok(())
    }

    /// The least scale at which the weights of a convolution channel add up to no more than
    /// [`WEIGHT_SUM_MAX`] steps, which is coarser than their largest demands only if they are large on
    /// average: of 150 weights, more than 43 % of the largest.
    fn least_for_fields(&self, weights: &[f64]) -> f64 {
        match self.layer {
            Layer::Conv1 | Layer::Conv2 => {
                let most = f64::from(WEIGHT_SUM_MAX) - ROUNDING * weights.len() as f64;
                weights.iter().map(|w| w.abs()).sum::<f64>() / most
            }
            Layer::Fc1 | Layer::Fc2 | Layer::Fc3 => 0.0,
        }
    }

    /// The layer with inputs at `input_scale`, and the scale its outputs got: the wanted one, or a
    /// larger one where the wanted one would be finer than the accumulator's own steps.
    fn quantize(&self, input_scale: f64, wanted: Quantization) -> (QuantizedLayer, Quantization) {
        let per_output = self.layer.weights_per_output();
        let channels = || self.weights.chunks_exact(per_output).zip(&self.bias);
        let mut weight_scales: Vec<f32> = channels()
            .map(|(weights, bias)| {
                let largest = weights.iter().fold(0f64, |largest, w| largest.max(w.abs()));
                // The lower bounds matter only where all weights of a channel are nearly zero.
                let for_bias = bias.abs() / (input_scale * BIAS_MAX);
                let for_multiplier = f64::from(wanted.scale) / input_scale * MULTIPLIER_MIN;
                (largest / WEIGHT_MAX)
                    .max(self.least_for_fields(weights))
                    .max(for_bias)
                    .max(for_multiplier)
                    .max(f64::from(f32::MIN_POSITIVE)) as f32
            })
            .collect();
        let coarsest = weight_scales.iter().fold(0f32, |coarsest, scale| coarsest.max(*scale));
        if self.granularity == Granularity::PerTensor {
            weight_scales.fill(coarsest);
        }
        let least_scale = input_scale * f64::from(coarsest) / MULTIPLIER_MAX;
        let output = Quantization { scale: wanted.scale.max(least_scale as f32), ..wanted };

        let mut quantized = QuantizedLayer::default();
        for ((weights, bias), scale) in channels().zip(weight_scales) {
            let accumulator_scale = input_scale * f64::from(scale);
            let multiplier = multiplier_from_real(accumulator_scale / f64::from(output.scale))
                .expect("the scales were chosen to keep the multiplier in range");
            quantized.bias.push((bias / accumulator_scale).round().clamp(-BIAS_MAX, BIAS_MAX) as i32);
            quantized.mantissa.push(multiplier.mantissa);
            quantized.exponent.push(multiplier.exponent);
            quantized.weight_scale.push(scale);
            let steps = weights.iter().map(|w| (w / f64::from(scale)).round().clamp(-WEIGHT_MAX, WEIGHT_MAX) as i8);
            quantized.weights.extend(steps);
        }
        (quantized, output)
    }
}

#[cfg(test)]
mod tests {
    use lenet_core::architecture::{CLASSES, CONV1_CHANNELS};

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
