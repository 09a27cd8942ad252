use lenet_core::format::{VERSION, layer_bytes};
use lenet_core::quantization::{Multiplier, Quantization};
use lenet_core::{Layer, Tensor};
use serde::Serialize;

use super::histogram::Histogram;
use super::span::{Span, share};
use crate::formats::ModelFile;
use crate::int8::{QuantizedLayer, QuantizedNetwork};

/// Figures of an int8 model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Int8Summary {
    /// Version of the `.lenet` format.
    pub format_version: u16,
    /// Bytes of the `.lenet` file.
    pub model_bytes: usize,
    /// The CRC-32 at the end of the `.lenet` file, eight hex digits.
    pub crc32: String,
    /// One number over everything that determines answers, eight hex digits; see [`lenet_core::Model::identity`].
    pub identity: String,
    /// The labels, by class.
    pub labels: Vec<String>,
    /// The class that stands for anything else, if there is one.
    pub none_of_these: Option<usize>,
    /// How inputs are prepared.
    pub preparation: String,
    /// Why the kernels of Cortex-M cannot use their own form of the convolutions' weights, if they cannot.
    pub plain_convolutions: Option<String>,
    /// Where the model comes from.
    pub description: Description,
    /// Pooling after conv1.
    pub pool1: String,
    /// Pooling after conv2.
    pub pool2: String,
    /// The tensors, from input to logits.
    pub tensors: Vec<TensorSummary>,
    /// The layers, from conv1 to fc3.
    pub layers: Vec<LayerSummary>,
}

/// Where a model comes from: an owned copy of [`lenet_core::format::Description`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// Name of the data set it was trained on.
    pub data_set: String,
    /// Test accuracy of the float network, a fraction, if it was measured.
    pub float_accuracy: Option<f32>,
    /// Test accuracy of the model, a fraction, if it was measured.
    pub int8_accuracy: Option<f32>,
    /// Seed of the training, if known.
    pub seed: Option<u64>,
    /// The program that wrote the file.
    pub tool: String,
}

/// A tensor's scale and zero point: `real = scale * (q - zero_point)`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TensorSummary {
    /// Its name.
    pub name: String,
    /// Real value of one step.
    pub scale: f32,
    /// The `q` that stands for zero.
    pub zero_point: i8,
    /// The real values of -128 and 127.
    pub real: Span<f64>,
}

/// Figures of a layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerSummary {
    /// Its name.
    pub name: String,
    /// Output, row, column, input for a convolution; output, input for a fully connected layer.
    pub weight_shape: Vec<usize>,
    /// Bytes in the `.lenet` file, with biases, multipliers and scales.
    pub file_bytes: usize,
    /// The lowest and highest int8 weight.
    pub weight: Span<i8>,
    /// Fraction of the weights that are 0.
    pub zero_weights: f64,
    /// Fraction of the weights that are -127 or 127. One per channel is normal: the largest weight sets the scale.
    pub saturated_weights: f64,
    /// The real value of one step, over the output channels.
    pub weight_scale: Span<f32>,
    /// The real multipliers, over the output channels.
    pub multiplier: Span<f64>,
    /// The int32 biases.
    pub bias: Span<i32>,
    /// The largest magnitude that an accumulator can reach, `|bias| + 255 * sum(|w|)` for the worst channel; at most
    /// `2^31 - 1`.
    pub accumulator_bound: u64,
    /// How many times that bound could double and still fit: `log2(2^31 / accumulator_bound)`.
    pub headroom_bits: f64,
    /// The distribution of the int8 weights.
    pub histogram: Histogram,
}

/// The real value of a multiplier, exactly.
pub fn real_multiplier(multiplier: Multiplier) -> f64 {
    f64::from(multiplier.mantissa) * 2f64.powi(multiplier.exponent - 31)
}

/// The shape of a layer's int8 weights: output, row, column, input for a convolution; output, input for a fully
/// connected layer.
pub fn weight_shape(layer: Layer, classes: usize) -> Vec<usize> {
    use lenet_core::architecture::KERNEL_SIDE;
    let (outputs, per_output) = (layer.outputs(classes), layer.weights_per_output());
    match layer {
        Layer::Conv1 | Layer::Conv2 => {
            vec![outputs, KERNEL_SIDE, KERNEL_SIDE, per_output / (KERNEL_SIDE * KERNEL_SIDE)]
        }
        Layer::Fc1 | Layer::Fc2 | Layer::Fc3 => vec![outputs, per_output],
    }
}

impl Int8Summary {
    /// Summarizes a model file.
    ///
    /// # Errors
    /// Those of [`lenet_core::Model::from_bytes`].
    pub fn new(file: &ModelFile) -> Result<Self, lenet_core::Error> {
        let model = file.model()?;
        let network = QuantizedNetwork::from(&model);
        let lenet_core::format::Description { data_set, float_accuracy, int8_accuracy, seed, tool } =
            model.description();
        let (data_set, tool) = (data_set.to_owned(), tool.to_owned());
        Ok(Self {
            format_version: VERSION,
            model_bytes: file.bytes().len(),
            crc32: format!("{:08x}", file.crc32()),
            identity: file.identity()?,
            labels: model.labels().iter().map(str::to_owned).collect(),
            none_of_these: model.none_of_these(),
            preparation: model.preparation().to_string(),
            plain_convolutions: network.unpackable().map(|reason| reason.to_string()),
            description: Description { data_set, float_accuracy, int8_accuracy, seed, tool },
            pool1: model.pool1().to_string(),
            pool2: model.pool2().to_string(),
            tensors: Tensor::ALL.map(|tensor| TensorSummary::new(tensor, model.quantization(tensor))).into(),
            layers: (Layer::ALL.into_iter().zip(&network.layers))
                .map(|(layer, values)| LayerSummary::new(layer, values, model.classes()))
                .collect(),
        })
    }
}

impl TensorSummary {
    fn new(tensor: Tensor, quantization: Quantization) -> Self {
        let Quantization { scale, zero_point } = quantization;
        let real = Span { minimum: quantization.real_exact(i8::MIN), maximum: quantization.real_exact(i8::MAX) };
        Self { name: tensor.to_string(), scale, zero_point, real }
    }
}

impl LayerSummary {
    fn new(layer: Layer, values: &QuantizedLayer, classes: usize) -> Self {
        const CHANNELS: &str = "a layer has output channels";
        let QuantizedLayer { bias, weights, weight_scale, .. } = values;
        let magnitudes =
            weights.chunks(layer.weights_per_output()).map(|w| w.iter().map(|w| u64::from(w.unsigned_abs())).sum());
        let bounds =
            bias.iter().zip(magnitudes).map(|(bias, sum): (_, u64)| u64::from(bias.unsigned_abs()) + 255 * sum);
        let accumulator_bound = bounds.max().expect(CHANNELS);
        Self {
            name: layer.to_string(),
            weight_shape: weight_shape(layer, classes),
            file_bytes: layer_bytes(layer, classes),
            weight: Span::of(weights.iter().copied()).expect(CHANNELS),
            zero_weights: share(weights, |w| w == 0),
            saturated_weights: share(weights, |w| w.unsigned_abs() == 127),
            weight_scale: Span::of(weight_scale.iter().copied()).expect(CHANNELS),
            multiplier: Span::of(real_multipliers(values)).expect(CHANNELS),
            bias: Span::of(bias.iter().copied()).expect(CHANNELS),
            accumulator_bound,
            // When all weights and biases are zero the bound is 0; 1 avoids an infinite logarithm.
            headroom_bits: 31.0 - (accumulator_bound.max(1) as f64).log2(),
            histogram: Histogram::new(weights.iter().map(|w| f64::from(*w)), 127.5),
        }
    }
}

/// The real multipliers of a layer's output channels.
pub(super) fn real_multipliers(values: &QuantizedLayer) -> impl Iterator<Item = f64> {
    values.multiplier.iter().copied().map(real_multiplier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipliers_are_what_the_scales_say() {
        let file = ModelFile::new(include_bytes!("../../../data/digits-10k/digits-10k.lenet"));
        let model = file.model().unwrap();
        let network = QuantizedNetwork::from(&model);
        for (index, layer) in network.layers.iter().enumerate() {
            let [input, output] = [index, index + 1].map(|tensor| f64::from(network.activations[tensor].scale));
            for (real, weight_scale) in real_multipliers(layer).zip(&layer.weight_scale) {
                let expected = input * f64::from(*weight_scale) / output;
                assert!((real / expected - 1.0).abs() < 1e-9, "layer {index}: {real} is not {expected}");
            }
        }
    }

    #[test]
    fn figures_are_those_worked_out_by_hand() {
        let layer = QuantizedLayer {
            bias: vec![-1000, 5, 0, 0, 0, 0],
            multiplier: [-2, -3, -2, -2, -2, -2].map(|exponent| Multiplier { mantissa: 1 << 30, exponent }).to_vec(),
            weight_scale: vec![0.5, 0.25, 0.5, 0.5, 0.5, 0.5],
            weights: [vec![0; 50], vec![127; 25], vec![-1; 75]].concat(),
        };
        let summary = LayerSummary::new(Layer::Conv1, &layer, 10);
        assert_eq!(summary.weight_shape, [6, 5, 5, 1]);
        assert_eq!(summary.weight, Span { minimum: -1, maximum: 127 });
        assert_eq!((summary.zero_weights, summary.saturated_weights), (50.0 / 150.0, 25.0 / 150.0));
        assert_eq!(summary.multiplier, Span { minimum: 0.0625, maximum: 0.125 });
        assert_eq!(summary.bias, Span { minimum: -1000, maximum: 5 });
        assert_eq!(summary.accumulator_bound, 255 * 127 * 25);
        assert!((summary.headroom_bits - (2f64.powi(31) / 809_625.0).log2()).abs() < 1e-9);
        assert_eq!(summary.histogram.counts.iter().sum::<usize>(), 150);
    }
}
