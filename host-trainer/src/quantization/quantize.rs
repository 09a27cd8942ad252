//! Chooses scales and rounds to the nearest integers at these scales.

use lenet_core::Layer;
use lenet_core::format::WEIGHT_SUM_MAX;
use lenet_core::quantization::{ACTIVATION_ZERO_POINT, Quantization};

use super::calibration::Ranges;
use crate::error::{Error, Result};
use crate::int8::order::int8_order;
use crate::int8::{QuantizedLayer, QuantizedNetwork, multiplier_from_real};
use crate::network::{Network, Parameters};

/// The largest weight. Weights are symmetric, so the lowest is the negative of it.
pub(super) const WEIGHT_MAX: f64 = 127.0;
/// The largest bias. It leaves the products of a layer half of the accumulator, far more than they need.
pub(super) const BIAS_MAX: f64 = (1u32 << 30) as f64;
/// The smallest multiplier of a channel. Below 2^-32 it could not be stored.
const MULTIPLIER_MIN: f64 = 1.0 / (1u64 << 31) as f64;
/// The largest multiplier of a channel. 1/4 could not be stored.
const MULTIPLIER_MAX: f64 = 0.249;
/// The most steps that rounding may add to the magnitude of a weight, see
/// [`Rounding::LeastSquares`](super::Rounding::LeastSquares).
const ROUNDING: f64 = 1.0;

/// Which weights share a scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Granularity {
    /// The weights of an output channel.
    #[default]
    PerChannel,
    /// All weights of a layer.
    PerTensor,
}

/// Quantizes a network with the given activation ranges, rounding every number to the nearest.
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
        classes: network.classes.clone(),
        none_of_these: network.none_of_these,
        preparation: network.preparation,
        pools: network.pools,
        activations: activations.try_into().expect(COUNT),
        layers: layers.try_into().expect(COUNT),
    })
}

/// The weights of each layer, in the order of the int8 network.
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

    /// The finest scale at which the weights of a convolution channel add up to at most [`WEIGHT_SUM_MAX`] steps. It is
    /// coarser than the largest weight requires only when the weights are large on average: for 150 weights, more than
    /// 43 % of the largest.
    fn least_for_fields(&self, weights: &[f64]) -> f64 {
        match self.layer {
            Layer::Conv1 | Layer::Conv2 => {
                let most = f64::from(WEIGHT_SUM_MAX) - ROUNDING * weights.len() as f64;
                weights.iter().map(|w| w.abs()).sum::<f64>() / most
            }
            Layer::Fc1 | Layer::Fc2 | Layer::Fc3 => 0.0,
        }
    }

    /// The quantized layer for inputs at `input_scale`, and the quantization of its outputs. Their scale is the wanted
    /// one, or a larger one where the wanted scale would be too fine for the steps of the accumulator.
    fn quantize(&self, input_scale: f64, wanted: Quantization) -> (QuantizedLayer, Quantization) {
        let per_output = self.layer.weights_per_output();
        let channels = || self.weights.chunks_exact(per_output).zip(&self.bias);
        let mut weight_scales: Vec<f32> = channels()
            .map(|(weights, bias)| {
                let largest = weights.iter().fold(0f64, |largest, w| largest.max(w.abs()));
                // These two matter only when all weights of a channel are nearly zero.
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
