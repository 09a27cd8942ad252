//! Networks that were trained on normalized pixels.

use super::Network;

impl Network {
    /// The network that computes for the pixel `x = p/255` what this one computes for `(x - mean) / deviation`. `deviation`
    /// is not 0.
    ///
    /// Conv1 has no padding, so every one of its weights meets a pixel at every place: `sum w (x - m) / d + b = sum (w/d)
    /// x + (b - m/d sum w)`. New weights and biases are computed in double precision and rounded once.
    pub fn with_normalization(&self, mean: f64, deviation: f64) -> Self {
        let kernels = self.parameters.conv1_weight();
        let sums: Vec<f64> = kernels.outer_iter().map(|kernel| kernel.iter().map(|w| f64::from(*w)).sum()).collect();
        let mut network = self.clone();
        network.parameters.conv1_weight_mut().mapv_inplace(|w| (f64::from(w) / deviation) as f32);
        for (bias, sum) in network.parameters.conv1_bias_mut().iter_mut().zip(sums) {
            *bias = (f64::from(*bias) - mean / deviation * sum) as f32;
        }
        network
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits_10k;
    use crate::formats::decode_safetensors;
    use crate::network::plain;

    #[test]
    fn answers_are_those_for_normalized_pixels() {
        let bytes = include_bytes!("../../../data/digits-10k/digits-10k.safetensors");
        let network = decode_safetensors(bytes).unwrap().network;
        let (mean, deviation) = (0.1307, 0.3081);
        // This undoes it.
        let needs = network.with_normalization(-mean / deviation, 1.0 / deviation);
        assert!(needs.parameters.conv1_bias() != network.parameters.conv1_bias());
        let folded = needs.with_normalization(mean, deviation);
        for (a, b) in network.parameters.values().iter().zip(folded.parameters.values()) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
        // A mean and a deviation for which normalized pixels are bytes again: (p/255 + 51/255) / 0.5 = 2 (p + 51) / 255.
        let pixels = digits_10k().test.first(50).images().mapv(|p| p / 4);
        let normalized = pixels.mapv(|p| 2 * (p + 51));
        let logits =
            |network: &Network, pixels| plain::forward(&network.parameters.cast::<f64>(), network.pools, pixels).logits;
        let expected = logits(&network, normalized.view());
        let given = logits(&network.with_normalization(-0.2, 0.5), pixels.view());
        assert!(given.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4 * (1.0 + b.abs())));
    }
}
