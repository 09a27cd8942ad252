//! A quantized network read back from a model file.

use lenet_core::architecture::Layer;
use lenet_core::model::{Channels, ConvParameters, DenseParameters};
use lenet_core::{Model, Pools, Tensor};

use crate::int8::{QuantizedLayer, QuantizedNetwork};

impl From<&Model<'_>> for QuantizedNetwork {
    /// Copies a model's numbers into plain arrays. [`QuantizedNetwork::encode`] turns them back into the same file.
    fn from(model: &Model<'_>) -> Self {
        Self {
            classes: model.labels().into(),
            none_of_these: model.none_of_these(),
            preparation: model.preparation(),
            pools: Pools { pool1: model.pool1(), pool2: model.pool2() },
            activations: Tensor::ALL.map(|tensor| model.quantization(tensor)),
            layers: [
                convolution(model.conv1()),
                convolution(model.conv2()),
                dense(model.fc1(), Layer::Fc1),
                dense(model.fc2(), Layer::Fc2),
                dense(model.fc3(), Layer::Fc3),
            ],
        }
    }
}

fn convolution<const I: usize, const N: usize, const G: usize, const O: usize>(
    parameters: &ConvParameters<'_, I, N, G, O>,
) -> QuantizedLayer {
    layer(parameters.channels(), parameters.flat_weights().to_vec())
}

fn dense(parameters: &DenseParameters<'_>, which: Layer) -> QuantizedLayer {
    let weights = |output| parameters.weights(output).take(which.weights_per_output());
    let channels = parameters.channels();
    layer(channels, (0..channels.len()).flat_map(weights).collect())
}

fn layer(channels: Channels<'_>, weights: Vec<i8>) -> QuantizedLayer {
    QuantizedLayer {
        bias: channels.iter().map(|channel| channel.bias).collect(),
        multiplier: channels.iter().map(|channel| channel.multiplier).collect(),
        weight_scale: channels.weight_scales().collect(),
        weights,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::ModelFile;

    #[test]
    fn a_file_decoded_and_encoded_is_the_same_file() {
        let bytes = include_bytes!("../../../../data/digits-10k/digits-10k.lenet");
        let file = ModelFile::new(bytes);
        let model = file.model().unwrap();
        let again = QuantizedNetwork::from(&model).encode(&model.description()).unwrap();
        assert_eq!(again.bytes(), bytes);
    }
}
