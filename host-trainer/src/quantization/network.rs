use lenet_core::architecture::{CONV1_CHANNELS, Layer};
use lenet_core::checksum::crc32;
use lenet_core::format::{ALIGNMENT, CONV2_GROUP, Description, MAGIC, Message, Prefix, VERSION};
use lenet_core::quantization::{Multiplier, Quantization};

use crate::error::{Error, Result};
use crate::formats::ModelFile;
use crate::network::Pools;
use crate::quantization::words;

/// One layer's integers, owned. With `n` output channels and `k` weights each:
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuantizedLayer {
    /// `n` biases at scale `s_in * s_w[c]`.
    pub bias: Vec<i32>,
    /// `n` multiplier mantissas in [2^30, 2^31).
    pub mantissa: Vec<i32>,
    /// `n` multiplier exponents in [-31, -2].
    pub exponent: Vec<i8>,
    /// `n` weight scales.
    pub weight_scale: Vec<f32>,
    /// `n * k` weights in [-127, 127]: OHWI for convolutions, inputs in HWC order for fc1.
    pub weights: Vec<i8>,
}

impl QuantizedLayer {
    /// The multiplier of an output channel.
    ///
    /// # Panics
    /// When there is no such channel.
    pub fn multiplier(&self, channel: usize) -> Multiplier {
        Multiplier { mantissa: self.mantissa[channel], exponent: self.exponent[channel] }
    }
}

/// A quantized network before it becomes a file.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizedNetwork {
    /// Pool kinds.
    pub pools: Pools,
    /// Scale and zero point of each tensor, in the order of [`lenet_core::Tensor::ALL`].
    pub activations: [Quantization; 6],
    /// The layers, in the order of [`lenet_core::Layer::ALL`].
    pub layers: [QuantizedLayer; 5],
}

impl QuantizedNetwork {
    /// The bytes of a `.lenet` file, in version 2 of the format (`lenet-core/FORMAT.md`), already
    /// accepted by the reader.
    ///
    /// # Errors
    /// [`Error::Quantize`] when the reader refuses the result: some value is out of range.
    pub fn encode(&self, description: &Description<'_>) -> Result<ModelFile> {
        let parameters = self.parameters();
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
                .map_err(|error| Error::Quantize(format!("the model does not encode: {error}")))
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

    fn parameters(&self) -> Vec<u8> {
        let mut block = Vec::new();
        for (layer, values) in Layer::ALL.into_iter().zip(&self.layers) {
            block.extend(values.bias.iter().flat_map(|x| x.to_le_bytes()));
            block.extend(values.mantissa.iter().flat_map(|x| x.to_le_bytes()));
            block.extend(values.weight_scale.iter().flat_map(|x| x.to_le_bytes()));
            block.extend(values.exponent.iter().map(|x| *x as u8));
            block.resize(block.len().next_multiple_of(ALIGNMENT), 0);
            match layer {
                Layer::Conv1 => words::convolution::<1, CONV1_CHANNELS>(&values.weights, &mut block),
                Layer::Conv2 => words::convolution::<CONV1_CHANNELS, CONV2_GROUP>(&values.weights, &mut block),
                Layer::Fc1 | Layer::Fc2 | Layer::Fc3 => words::dense(&values.weights, layer, &mut block),
            }
        }
        block
    }
}
