//! Reduces the quantization noise in the outputs below that of rounding each number to the nearest.

use ndarray::ArrayView2;

use super::moments::{Moments, input_moments};
use super::quantize::{BIAS_MAX, WEIGHT_MAX, int8_weights};
use crate::data::Split;
use crate::int8::QuantizedNetwork;
use crate::network::Network;

/// Most passes over the weights of a channel; usually a few are enough.
const PASSES: usize = 20;

/// What [`reduce_output_noise`] may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Changes {
    /// The rounding of weights.
    pub(super) weights: bool,
    /// Biases, to cancel the mean of the noise.
    pub(super) biases: bool,
}

/// Changes the rounding so that the outputs come closer to those of the float network.
///
/// Let `e[i] = s_w * w[i] - weight[i]` be the rounding noise of a channel's weights, `x` the channel's inputs, `m`
/// their mean and `C` their covariance. The output is then off by `sum of e[i] * x[i]`, which has the variance `e^T C
/// e` and the mean `e^T m`.
///
/// - Weights: coordinate descent reduces the variance, or variance plus squared mean if biases are not corrected. Each
///   weight moves to whichever of its two neighbouring integers is better while all other weights stay the same
///   (K. Behdin and others, "QuantEase", 2023; the restriction to the two neighbours is that of AdaRound: M. Nagel and
///   others, "Up or down?", 2020). Neighbouring inputs of a convolution are similar, so the noise can cancel.
/// - Biases: `bias -= e^T m` (M. Nagel and others, "Data-free quantization through weight equalization and bias
///   correction", 2019, section 4.2, with measured instead of derived means).
///
/// `images` must be training images.
pub(super) fn reduce_output_noise(
    quantized: &mut QuantizedNetwork,
    network: &Network,
    images: &Split,
    changes: Changes,
) {
    let weights = int8_weights(&network.parameters);
    let moments = input_moments(network, images);
    for (index, ((layer, weights), moments)) in quantized.layers.iter_mut().zip(&weights).zip(&moments).enumerate() {
        let input_scale = f64::from(quantized.activations[index].scale);
        let Moments { mean, covariance } = moments;
        let mut objective = covariance.clone();
        if !changes.biases {
            objective.indexed_iter_mut().for_each(|((i, j), value)| *value += mean[i] * mean[j]);
        }
        let channels = layer.weights.chunks_exact_mut(mean.len()).zip(weights.chunks_exact(mean.len()));
        for ((bias, scale), (steps, real)) in layer.bias.iter_mut().zip(&layer.weight_scale).zip(channels) {
            let scale = f64::from(*scale);
            if changes.weights {
                round_together(steps, real, scale, objective.view());
            }
            if changes.biases {
                let noise = steps.iter().zip(real).map(|(step, real)| scale * f64::from(*step) - real);
                let excess: f64 = noise.zip(mean).map(|(noise, mean)| noise * mean).sum();
                let corrected = f64::from(*bias) - excess / (input_scale * scale);
                *bias = corrected.round().clamp(-BIAS_MAX, BIAS_MAX) as i32;
            }
        }
    }
}

/// Reduces `e^T objective e` with `e = steps - real / scale`, by moving each of `steps` between the integers below and
/// above `real / scale`. It never increases.
fn round_together(steps: &mut [i8], real: &[f64], scale: f64, objective: ArrayView2<'_, f64>) {
    let exact: Vec<f64> = real.iter().map(|weight| weight / scale).collect();
    let noise: Vec<f64> = steps.iter().zip(&exact).map(|(step, exact)| f64::from(*step) - exact).collect();
    let mut gradient: Vec<f64> =
        objective.rows().into_iter().map(|row| row.iter().zip(&noise).map(|(c, e)| c * e).sum()).collect();
    for _ in 0..PASSES {
        let mut moved = false;
        for i in 0..steps.len() {
            let now = f64::from(steps[i]);
            let other = if now > exact[i] { now - 1.0 } else { now + 1.0 };
            // Skip a clamped weight, which is not one of its two neighbours, and a weight that is exact already.
            if (now - exact[i]).abs() >= 1.0 || now == exact[i] || other.abs() > WEIGHT_MAX {
                continue;
            }
            let change = other - now;
            if change * (2.0 * gradient[i] + change * objective[(i, i)]) < 0.0 {
                steps[i] = other as i8;
                gradient.iter_mut().zip(objective.row(i)).for_each(|(g, c)| *g += change * c);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::classes::Classes;
    use crate::data::digits_10k;
    use crate::quantization::{Calibration, Granularity, calibrate, quantize};
    use crate::training::{Options, Recipe, RecipeName, initial_network};

    fn square(noise: &[f64], objective: &Array2<f64>) -> f64 {
        objective.indexed_iter().map(|((i, j), c)| noise[i] * c * noise[j]).sum()
    }

    #[test]
    fn noise_on_equal_inputs_cancels() {
        // Both inputs are equal, so only the sum of the weights matters: 0.4 + 0.4 is nearer to 1 than to 0.
        let alike = Array2::ones((2, 2));
        let mut steps = [0, 0];
        round_together(&mut steps, &[0.4, 0.4], 1.0, alike.view());
        assert_eq!(steps.iter().sum::<i8>(), 1);
        // For independent inputs the nearest integer is best for each weight.
        let mut steps = [0, 1, -1];
        round_together(&mut steps, &[0.4, 0.6, -0.7], 1.0, Array2::eye(3).view());
        assert_eq!(steps, [0, 1, -1]);
        // The largest weight cannot grow.
        let mut steps = [127, 0];
        round_together(&mut steps, &[127.4, 0.2], 1.0, alike.view());
        assert_eq!(steps, [127, 1]);
    }

    #[test]
    fn noise_falls_in_every_channel_and_its_mean_to_zero() {
        let recipe = Recipe::named(RecipeName::Default);
        let network =
            initial_network(&Options { recipe, pools: Default::default(), classes: Classes::digits(), seed: 4 });
        let images = digits_10k().train.first(200);
        let ranges = calibrate(&network, &images, Calibration::MinMax).unwrap();
        let nearest = quantize(&network, &ranges, Granularity::PerChannel).unwrap();
        let mut together = nearest.clone();
        reduce_output_noise(&mut together, &network, &images, Changes { weights: true, biases: true });
        together.encode(&Default::default()).unwrap();

        let moments = input_moments(&network, &images);
        for (index, real) in int8_weights(&network.parameters).iter().enumerate() {
            let k = moments[index].mean.len();
            let input_scale = f64::from(nearest.activations[index].scale);
            let (mut before, mut after) = (0.0, 0.0);
            for (o, real) in real.chunks(k).enumerate() {
                let scale = f64::from(nearest.layers[index].weight_scale[o]);
                let noise = |network: &QuantizedNetwork| -> Vec<f64> {
                    let steps = &network.layers[index].weights[o * k..(o + 1) * k];
                    steps.iter().zip(real).map(|(step, real)| scale * f64::from(*step) - real).collect()
                };
                let [old, new] = [&nearest, &together].map(noise);
                let [old_square, new_square] = [&old, &new].map(|noise| square(noise, &moments[index].covariance));
                assert!(new_square <= old_square * (1.0 + 1e-9));
                before += old_square;
                after += new_square;
                let mean: f64 = new.iter().zip(&moments[index].mean).map(|(noise, mean)| noise * mean).sum();
                let biases = [&together, &nearest].map(|network| f64::from(network.layers[index].bias[o]));
                let left = mean + (biases[0] - biases[1]) * input_scale * scale;
                // The rest is the rounding of the bias itself.
                assert!(left.abs() <= 0.501 * input_scale * scale, "{index} {o}: {left}");
            }
            assert!(after < 0.8 * before, "{index}: {after} of {before}");
        }
    }
}
