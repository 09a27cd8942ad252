//! The bytes of a model file. The page `FORMAT.md` beside the crate's
//! manifest writes the same down for someone who reads the file with other tools.
//!
//! A file is one postcard [`Message`] and the CRC-32 of its bytes, little-endian. All numbers the
//! kernels use lie in [`Message::parameters`], which starts at a multiple of 4.

use serde::{Deserialize, Serialize};

use crate::architecture::{Layer, Pool};
use crate::quantization::Quantization;

/// The first four bytes of every model file.
pub const MAGIC: [u8; 4] = *b"LNT5";
/// The format version this build writes and reads.
pub const VERSION: u16 = 2;
/// The parameter block, and so the file, starts at a multiple of this many bytes.
pub const ALIGNMENT: usize = 4;
/// Bytes of the CRC-32 after the message.
pub const CHECKSUM_BYTES: usize = 4;
/// Bytes of [`Message::parameters`].
pub const PARAMETER_BYTES: usize = {
    let mut bytes = 0;
    let mut i = 0;
    while i < Layer::ALL.len() {
        bytes += layer_bytes(Layer::ALL[i]);
        i += 1;
    }
    bytes
};

/// Bytes of one layer in the parameter block: biases, mantissas and weight scales of 4 bytes each,
/// exponents of 1 byte filled up to a multiple of 4, a convolution's offsets of 4 bytes, and the
/// words of the weights: one a weight in a convolution, one for two inputs of two outputs elsewhere.
pub const fn layer_bytes(layer: Layer) -> usize {
    let (outputs, weights) = (layer.outputs(), layer.weights_per_output());
    let channels = 3 * 4 * outputs + outputs.next_multiple_of(ALIGNMENT);
    channels
        + match layer {
            Layer::Conv1 | Layer::Conv2 => 4 * outputs + 4 * outputs * weights,
            Layer::Fc1 | Layer::Fc2 | Layer::Fc3 => 4 * (outputs / 2) * (dense_inputs(weights) / 2),
        }
}

/// The inputs a fully connected layer has in the file: filled up with zero weights to a multiple of 8,
/// which is how many a kernel takes at a time.
pub const fn dense_inputs(inputs: usize) -> usize {
    inputs.next_multiple_of(8)
}

/// How a message begins in every version of the format.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Prefix {
    /// [`MAGIC`].
    pub magic: [u8; 4],
    /// [`VERSION`].
    pub version: u16,
}

/// Where a model comes from. It has no part in inference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Description<'a> {
    /// Name of the data set it was trained on.
    pub data_set: &'a str,
    /// Fraction of test images the float network classified rightly, if it was measured.
    pub float_accuracy: Option<f32>,
    /// Fraction of test images this network classified rightly, if it was measured.
    pub int8_accuracy: Option<f32>,
    /// Seed of the training, if known.
    pub seed: Option<u64>,
    /// Name and version of the program that wrote the file.
    pub tool: &'a str,
}

/// The content of a model file, in the order of its bytes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Message<'a> {
    /// Magic number and version.
    pub prefix: Prefix,
    /// Pooling after conv1.
    pub pool1: Pool,
    /// Pooling after conv2.
    pub pool2: Pool,
    /// Scale and zero point of each [`Tensor`](crate::Tensor), in the order of `Tensor::ALL`.
    pub activations: [Quantization; 6],
    /// Provenance.
    #[serde(borrow)]
    pub description: Description<'a>,
    /// 0 to 3 zero bytes that bring `parameters` to a multiple of 4.
    pub padding: &'a [u8],
    /// For each [`Layer`], in order, with `n` outputs: `n` biases (i32), `n` mantissas (i32),
    /// `n` weight scales (f32), `n` exponents (i8), for a convolution `n` offsets (i32), then the words
    /// of the weights, [`ConvWords`](crate::model::ConvWords) or
    /// [`DenseWords`](crate::model::DenseWords). Little-endian.
    pub parameters: &'a [u8],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_block_has_the_size_on_the_format_page() {
        let sizes = Layer::ALL.map(layer_bytes);
        assert_eq!(sizes, [704, 9_872, 32_280, 11_172, 1_012]);
        assert_eq!(PARAMETER_BYTES, 55_040);
    }
}
