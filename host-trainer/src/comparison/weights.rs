//! Compares the weights of both networks.

use lenet_core::Layer;
use serde::Serialize;

use super::tally::Noise;
use crate::int8::order::weight_index;
use crate::int8::{QuantizedLayer, QuantizedNetwork};
use crate::network::Network;

/// The quantization noise of a layer's weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WeightNoise {
    /// Signal-to-quantization-noise ratio, dB; infinite, and null in JSON, when no weight differs.
    pub sqnr_db: f64,
    /// Largest magnitude of a weight's quantization error, in steps of its channel's scale. With rounding to the
    /// nearest at most a half, unless a weight was clamped or the network was fine-tuned afterwards.
    pub worst_error_steps: f64,
}

/// The noise of each layer's weights, in the order of [`Layer::ALL`].
pub(super) fn weight_noise(network: &Network, quantized: &QuantizedNetwork) -> [WeightNoise; 5] {
    Layer::ALL.map(|layer| of_layer(layer, network.parameters.weights(layer), &quantized.layers[layer as usize]))
}

/// `float` is in PyTorch's order (OIHW, fc1's inputs CHW), `layer` in the int8 network's (OHWI, fc1's inputs HWC).
fn of_layer(which: Layer, float: &[f32], layer: &QuantizedLayer) -> WeightNoise {
    let per_output = which.weights_per_output();
    let mut noise = Noise::default();
    let channels = float.chunks_exact(per_output).zip(layer.weights.chunks_exact(per_output));
    for ((float, quantized), scale) in channels.zip(&layer.weight_scale) {
        let scale = f64::from(*scale);
        for (index, q) in quantized.iter().enumerate() {
            noise.add(f64::from(float[weight_index(which, index)]), scale * f64::from(*q), scale);
        }
    }
    WeightNoise { sqnr_db: noise.sqnr_db(), worst_error_steps: noise.worst_steps() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::Classes;
    use crate::data::digits_10k;
    use crate::quantization::{Options, Rounding, quantize_trained};
    use crate::training::{self, Recipe, RecipeName, initial_network};

    #[test]
    fn rounding_costs_half_a_step_and_a_changed_weight_shows_in_its_layer() {
        let recipe = Recipe::named(RecipeName::Default);
        let mut network = initial_network(&training::Options {
            recipe,
            pools: Default::default(),
            classes: Classes::digits(),
            seed: 3,
        });
        let nearest = Options { rounding: Rounding::Nearest, ..Options::default() };
        let quantized = quantize_trained(&network, &digits_10k().train.first(50), &nearest).unwrap();
        let rounded = weight_noise(&network, &quantized);
        // A half, plus the rounding of the f32 scales.
        assert!(rounded.iter().all(|noise| noise.worst_error_steps < 0.5001 && noise.sqnr_db > 40.0), "{rounded:?}");
        // The last weight of conv2 in OIHW order is the last in OHWI too; the second is not.
        let step = quantized.layers[1].weight_scale[0];
        network.parameters.conv2_weight_mut()[(0, 0, 0, 1)] += 5.0 * step;
        let changed = weight_noise(&network, &quantized);
        assert!((4.5..5.5).contains(&changed[1].worst_error_steps), "{changed:?}");
        assert!([0, 2, 3, 4].iter().all(|layer| changed[*layer] == rounded[*layer]));
    }

    #[test]
    fn the_figures_of_two_channels_are_those_worked_out_by_hand() {
        // Steps of 1 and 0.5; all weights but two are exact. Signal 83 * 4 + 84 * 1 + 1, noise 1 + 0.25.
        let mut float = [[2.0; 84], [1.0; 84]];
        float[0][83] = 1.0;
        let mut layer = QuantizedLayer { weight_scale: vec![1.0, 0.5], weights: vec![2; 168], ..Default::default() };
        layer.weights[100] = 1;
        let noise = of_layer(Layer::Fc3, float.as_flattened(), &layer);
        assert!((noise.sqnr_db - 10.0 * (417.0f64 / 1.25).log10()).abs() < 1e-12, "{noise:?}");
        assert_eq!(noise.worst_error_steps, 1.0);
    }
}
