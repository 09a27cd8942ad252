//! A quantized network written as a `.lenet` file.

use lenet_core::architecture::{CONV1_CHANNELS, Layer};
use lenet_core::checksum::crc32;
use lenet_core::format::{ALIGNMENT, CONV2_GROUP, Description, MAGIC, Message, Prefix, VERSION};

use super::file::ModelFile;
use super::words;
use crate::error::{Error, Result};
use crate::int8::{QuantizedLayer, QuantizedNetwork};

impl QuantizedNetwork {
    /// A `.lenet` file in version 2 of the format (`lenet-core/FORMAT.md`). The reader has already accepted it.
    ///
    /// # Errors
    /// [`Error::Quantize`] when the reader rejects the result because a value is out of range.
    pub fn encode(&self, description: &Description<'_>) -> Result<ModelFile> {
        let parameters = parameters(&self.layers);
        let mut message = Message {
            prefix: Prefix { magic: MAGIC, version: VERSION },
            pool1: self.pools.pool1,
            pool2: self.pools.pool2,
            activations: self.activations,
            description: *description,
            padding: &[],
            parameters: &parameters,
        };
        let encode = |message: &Message<'_>| {
            postcard::to_allocvec(message)
                .map_err(|error| Error::Quantize(format!("the model cannot be encoded: {error}")))
        };
        let start = encode(&message)?.len() - parameters.len();
        let padding = [0; ALIGNMENT];
        message.padding = &padding[..start.next_multiple_of(ALIGNMENT) - start];
        let mut bytes = encode(&message)?;
        bytes.extend(crc32(&bytes).to_le_bytes());
        let file = ModelFile::new(&bytes);
        file.model().map_err(|error| Error::Quantize(error.to_string()))?;
        Ok(file)
    }
}

/// The parameter block: layer after layer, each in the layout that `lenet-core/FORMAT.md` specifies.
fn parameters(layers: &[QuantizedLayer; 5]) -> Vec<u8> {
    let mut block = Vec::new();
    for (layer, values) in Layer::ALL.into_iter().zip(layers) {
        block.extend(values.bias.iter().flat_map(|x| x.to_le_bytes()));
        block.extend(values.multiplier.iter().flat_map(|x| x.mantissa.to_le_bytes()));
        block.extend(values.weight_scale.iter().flat_map(|x| x.to_le_bytes()));
        block.extend(values.multiplier.iter().map(|x| x.exponent as u8));
        block.resize(block.len().next_multiple_of(ALIGNMENT), 0);
        match layer {
            Layer::Conv1 => words::convolution::<1, CONV1_CHANNELS>(&values.weights, &mut block),
            Layer::Conv2 => words::convolution::<CONV1_CHANNELS, CONV2_GROUP>(&values.weights, &mut block),
            Layer::Fc1 | Layer::Fc2 | Layer::Fc3 => words::dense(&values.weights, layer, &mut block),
        }
    }
    block
}
