//! A quantized network written as a `.lenet` file.

use lenet_core::architecture::{CONV1_CHANNELS, Layer};
use lenet_core::checksum::crc32;
use lenet_core::format::{ALIGNMENT, CONV2_GROUP, Description, Extras, MAGIC, Network, Prefix, SMLAL, VERSION};
use serde::Serialize;

use super::file::ModelFile;
use super::words;
use crate::error::{Error, Result};
use crate::int8::{QuantizedLayer, QuantizedNetwork};

impl QuantizedNetwork {
    /// A `.lenet` file in version 3 of the format (`lenet-core/FORMAT.md`). The reader has already accepted it.
    ///
    /// # Errors
    /// [`Error::Quantize`] when the reader rejects the result because a value is out of range.
    pub fn encode(&self, description: &Description<'_>) -> Result<ModelFile> {
        let sections = if self.unpackable().is_none() { self.packed_convolutions() } else { Vec::new() };
        self.encode_with(description, &sections)
    }

    /// Like [`encode`](Self::encode), with these sections instead of those that the network allows.
    ///
    /// # Errors
    /// Those of [`encode`](Self::encode), and when the reader rejects a section.
    pub fn encode_with(&self, description: &Description<'_>, sections: &[u8]) -> Result<ModelFile> {
        let labels = self.classes.text();
        let parameters = parameters(&self.layers);
        let mut network = Network {
            prefix: Prefix { magic: MAGIC, version: VERSION },
            pool1: self.pools.pool1,
            pool2: self.pools.pool2,
            activations: self.activations,
            labels: &labels,
            none_of_these: self.none_of_these.map(|class| class as u8),
            rejection: &[],
            preparation: self.preparation.code(),
            padding: &[],
            parameters: &parameters,
        };
        let zeros = [0; ALIGNMENT];
        let start = encode(&network)?.len() - parameters.len();
        network.padding = &zeros[..start.next_multiple_of(ALIGNMENT) - start];
        let mut bytes = encode(&network)?;
        let mut extras = Extras { description: *description, padding: &[], sections };
        let start = bytes.len() + encode(&extras)?.len() - sections.len();
        extras.padding = &zeros[..start.next_multiple_of(ALIGNMENT) - start];
        bytes.extend(encode(&extras)?);
        bytes.extend(crc32(&bytes).to_le_bytes());
        let file = ModelFile::new(&bytes);
        file.model().map_err(|error| Error::Quantize(error.to_string()))?;
        Ok(file)
    }

    /// The section with the convolutions' weights in the form that the kernels of Cortex-M prefer.
    fn packed_convolutions(&self) -> Vec<u8> {
        let [conv1, conv2, ..] = &self.layers;
        let mut content = Vec::new();
        words::convolution::<1, CONV1_CHANNELS>(&conv1.weights, &mut content);
        words::convolution::<CONV1_CHANNELS, CONV2_GROUP>(&conv2.weights, &mut content);
        let length = u32::try_from(content.len()).expect("two small layers");
        [&SMLAL[..], &length.to_le_bytes(), &content].concat()
    }
}

fn encode(message: &impl Serialize) -> Result<Vec<u8>> {
    postcard::to_allocvec(message).map_err(|error| Error::Quantize(format!("the model cannot be encoded: {error}")))
}

/// The parameter block: layer after layer, each in the layout that `lenet-core/FORMAT.md` specifies.
fn parameters(layers: &[QuantizedLayer; 5]) -> Vec<u8> {
    let mut block = Vec::new();
    for (layer, values) in Layer::ALL.into_iter().zip(layers) {
        for ((bias, multiplier), weight_scale) in values.bias.iter().zip(&values.multiplier).zip(&values.weight_scale) {
            block.extend(bias.to_le_bytes());
            block.extend(multiplier.mantissa.to_le_bytes());
            block.extend(weight_scale.to_le_bytes());
            block.extend(multiplier.exponent.to_le_bytes());
        }
        match layer {
            Layer::Conv1 | Layer::Conv2 => block.extend(values.weights.iter().map(|weight| *weight as u8)),
            Layer::Fc1 | Layer::Fc2 | Layer::Fc3 => words::dense(&values.weights, layer, &mut block),
        }
        block.resize(block.len().next_multiple_of(ALIGNMENT), 0);
    }
    block
}
