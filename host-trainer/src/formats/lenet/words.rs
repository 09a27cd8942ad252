//! Weights in the order and width that the kernels read; `lenet-core/FORMAT.md` explains why.

use lenet_core::architecture::{KERNEL_SIDE, Layer};
use lenet_core::format::{FIELD_BITS, dense_inputs};

/// Appends a convolution's offsets and words.
///
/// - `weights`: OHWI with `I` input channels.
/// - Words: `[group of N outputs][row][input][column][output of the group]`, each
///   `w[column] + w[column - 1] * 2^21`.
pub(super) fn convolution<const I: usize, const N: usize>(weights: &[i8], block: &mut Vec<u8>) {
    const ROW: usize = KERNEL_SIDE;
    let channels: Vec<_> = weights.chunks_exact(ROW * ROW * I).collect();
    for channel in &channels {
        let offset: i32 = channel.iter().map(|w| 255 * i32::from(w.min(&0).unsigned_abs())).sum();
        block.extend(offset.to_le_bytes());
    }
    for group in channels.chunks_exact(N) {
        for (row, input) in (0..ROW).flat_map(|row| (0..I).map(move |input| (row, input))) {
            for column in 0..ROW {
                for channel in group {
                    let weight = |column: usize| i32::from(channel[(row * ROW + column) * I + input]);
                    let before = column.checked_sub(1).map_or(0, weight);
                    // At most 128 * 2^21 in magnitude.
                    let word = weight(column) + before * (1 << FIELD_BITS);
                    block.extend(word.to_le_bytes());
                }
            }
        }
    }
}

/// Appends a fully connected layer's words.
///
/// - `weights`: `[output][input]`.
/// - Words: `[pair of outputs][pair of inputs]`, each of two halfwords `256 * w[odd output] + w[even output]`,
///   the first input's in the lower half. Inputs are padded with zeros to a multiple of 8, an odd number of outputs with
///   an output of zeros.
pub(super) fn dense(weights: &[i8], layer: Layer, block: &mut Vec<u8>) {
    let inputs = layer.weights_per_output();
    for pair in weights.chunks(2 * inputs) {
        let (even, odd) = pair.split_at(inputs);
        for (input, even) in even.iter().enumerate() {
            let odd = odd.get(input).map_or(0, |odd| i16::from(*odd));
            // At most 256 * 127 + 127 in magnitude, or more than a halfword holds for a weight of -128, which the reader
            // refuses.
            block.extend((256 * odd).wrapping_add(i16::from(*even)).to_le_bytes());
        }
        block.resize(block.len() + 2 * (dense_inputs(inputs) - inputs), 0);
    }
}
