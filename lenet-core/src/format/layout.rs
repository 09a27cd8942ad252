//! Sizes, versions and alignment of a model file.

use crate::architecture::Layer;

/// The first four bytes of every model file.
pub const MAGIC: [u8; 4] = *b"LNT5";
/// Whether bytes start with [`MAGIC`]; [`include_model!`](crate::include_model) checks it at compile time.
pub const fn has_magic(bytes: &[u8]) -> bool {
    let Some(start) = bytes.first_chunk() else { return false };
    u32::from_le_bytes(*start) == u32::from_le_bytes(MAGIC)
}

/// The format version that this build writes and reads.
pub const VERSION: u16 = 2;
/// The file and its parameter block must both start at a multiple of this many bytes.
pub const ALIGNMENT: usize = 4;
/// Bytes of the CRC-32 after the message.
pub const CHECKSUM_BYTES: usize = 4;
/// Fully connected inputs are padded with zero weights to a multiple of this: the kernels take that many at a time.
const DENSE_INPUT_STEP: usize = 8;

/// Bytes of the parameter block, [`Message::parameters`](super::Message::parameters).
pub const PARAMETER_BYTES: usize = {
    let mut bytes = 0;
    let mut i = 0;
    while i < Layer::ALL.len() {
        bytes += layer_bytes(Layer::ALL[i]);
        i += 1;
    }
    bytes
};

/// Bytes of one layer in the parameter block.
///
/// Each output channel takes 4 bytes each for its bias, mantissa and weight scale, and 1 byte for its exponent; the
/// exponents are padded to a multiple of 4. A convolution adds 4 bytes a channel for its offset and 4 bytes a weight.
/// A fully connected layer adds 4 bytes for every two inputs of two outputs.
pub const fn layer_bytes(layer: Layer) -> usize {
    let (outputs, weights) = (layer.outputs(), layer.weights_per_output());
    let channels = 3 * 4 * outputs + outputs.next_multiple_of(ALIGNMENT);
    channels
        + match layer {
            Layer::Conv1 | Layer::Conv2 => 4 * outputs + 4 * outputs * weights,
            Layer::Fc1 | Layer::Fc2 | Layer::Fc3 => 4 * (outputs / 2) * (dense_inputs(weights) / 2),
        }
}

/// Inputs of a fully connected layer in the file, including the padding.
pub const fn dense_inputs(inputs: usize) -> usize {
    inputs.next_multiple_of(DENSE_INPUT_STEP)
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
