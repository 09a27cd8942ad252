//! Scales, and the nearest integers at those scales.

use lenet_core::Layer;
use lenet_core::format::WEIGHT_SUM_MAX;
use lenet_core::quantization::{ACTIVATION_ZERO_POINT, Quantization};

use super::calibration::Ranges;
use crate::error::{Error, Result};
use crate::int8::order::int8_order;
use crate::int8::{QuantizedLayer, QuantizedNetwork, multiplier_from_real};
use crate::network::{Network, Parameters};

/// The largest weight; weights are symmetric.
pub(super) const WEIGHT_MAX: f64 = 127.0;
/// A bias may use this much of the accumulator; a layer's products need far less than the rest.
pub(super) const BIAS_MAX: f64 = (1u32 << 30) as f64;
/// Least multiplier a channel is given; below 2^-32 it could not be stored.
const MULTIPLIER_MIN: f64 = 1.0 / (1u64 << 31) as f64;
/// Greatest multiplier a channel is given; 1/4 could not be stored.
const MULTIPLIER_MAX: f64 = 0.249;
/// Rounding may add up to a step to each of a convolution channel's weights, see [`Rounding::LeastSquares`](super::Rounding::LeastSquares).
const ROUNDING: f64 = 1.0;

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
    for (layer, (weights, bias)) in Layer::ALL.into_iter().zip(int8_weights(p).into_iter().zip(biases)) {
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

/// The weights of each layer, channel by channel in the order of the int8 network.
pub(super) fn int8_weights(parameters: &Parameters<f32>) -> [Vec<f64>; 5] {
    Layer::ALL.map(|layer| int8_order(layer, parameters.weights(layer)).into_iter().map(f64::from).collect())
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
            quantized.multiplier.push(multiplier);
            quantized.weight_scale.push(scale);
            let steps = weights.iter().map(|w| (w / f64::from(scale)).round().clamp(-WEIGHT_MAX, WEIGHT_MAX) as i8);
            quantized.weights.extend(steps);
        }
        (quantized, output)
    }
}
