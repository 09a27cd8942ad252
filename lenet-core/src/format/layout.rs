//! Sizes, versions and alignment of a model file.

use super::words::Record;
use crate::architecture::Layer;

/// The first four bytes of every model file.
pub const MAGIC: [u8; 4] = *b"LNT5";
/// Whether bytes start with [`MAGIC`]; [`include_model!`](crate::include_model) checks it at compile time.
pub const fn has_magic(bytes: &[u8]) -> bool {
    let Some(start) = bytes.first_chunk() else { return false };
    u32::from_le_bytes(*start) == u32::from_le_bytes(MAGIC)
}

/// The format version that this build writes and reads.
pub const VERSION: u16 = 3;
/// The tag of the section that holds the convolutions' weights as [`ConvWords`](super::ConvWords).
pub const SMLAL: [u8; 4] = *b"SML1";
/// The file, its parameter block and its sections must all start at a multiple of this many bytes.
pub const ALIGNMENT: usize = 4;
/// Bytes of the CRC-32 after the message.
pub const CHECKSUM_BYTES: usize = 4;
/// Fully connected inputs are padded with zero weights to a multiple of this: the kernels take that many at a time.
const DENSE_INPUT_STEP: usize = 8;

/// Bytes of the parameter block of a network with this many classes,
/// [`Network::parameters`](super::Network::parameters).
pub const fn parameter_bytes(classes: usize) -> usize {
    let mut bytes = 0;
    let mut i = 0;
    while i < Layer::ALL.len() {
        bytes += layer_bytes(Layer::ALL[i], classes);
        i += 1;
    }
    bytes
}

/// Bytes of one layer in the parameter block.
///
/// Each output channel takes a [`Record`](super::Record) of 16 bytes. A convolution adds 1 byte a weight, padded to a
/// multiple of 4. A fully connected layer adds 4 bytes for every two inputs of two outputs; an odd output counts as two.
pub const fn layer_bytes(layer: Layer, classes: usize) -> usize {
    let (outputs, weights) = (layer.outputs(classes), layer.weights_per_output());
    size_of::<Record>() * outputs
        + match layer {
            Layer::Conv1 | Layer::Conv2 => (outputs * weights).next_multiple_of(ALIGNMENT),
            Layer::Fc1 | Layer::Fc2 | Layer::Fc3 => 4 * outputs.div_ceil(2) * (dense_inputs(weights) / 2),
        }
}

/// Bytes of the content of the section [`SMLAL`]: for each convolution 4 bytes a channel and 4 bytes a weight.
pub const SMLAL_BYTES: usize = {
    let (conv1, conv2) = (Layer::Conv1, Layer::Conv2);
    4 * conv1.outputs(0) * (1 + conv1.weights_per_output()) + 4 * conv2.outputs(0) * (1 + conv2.weights_per_output())
};

/// Inputs of a fully connected layer in the file, including the padding.
pub const fn dense_inputs(inputs: usize) -> usize {
    inputs.next_multiple_of(DENSE_INPUT_STEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_block_has_the_size_on_the_format_page() {
        let sizes = Layer::ALL.map(|layer| layer_bytes(layer, 10));
        assert_eq!(sizes, [248, 2_656, 32_640, 11_424, 1_040]);
        assert_eq!([2, 3, 10, 64].map(parameter_bytes), [47_176, 47_368, 48_008, 53_624]);
        assert_eq!(SMLAL_BYTES, 10_288);
    }
}
