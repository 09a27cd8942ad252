//! How parameters are laid out in 32-bit words.

use crate::architecture::KERNEL_SIDE;

/// What an output channel has besides its weights: bias (i32), mantissa (i32), weight scale (the bits of an f32) and
/// exponent (i32).
pub type Record = [i32; 4];

/// Bits of one field. A convolution packs three sums, one a field, into a 64-bit accumulator.
pub const FIELD_BITS: u32 = 21;

/// The largest sum of weight magnitudes that a convolution channel packed into [`ConvWords`] may have.
///
/// Activations go up to 255, so the channel's sums then take fewer than `2^FIELD_BITS` values and fit in a field.
pub const WEIGHT_SUM_MAX: u32 = (1 << FIELD_BITS) / 255;

/// Output channels of conv2 whose weights are stored next to each other.
pub const CONV2_GROUP: usize = 4;

/// The largest exponent of a multiplier that a convolution channel packed into [`ConvWords`] may have: its multiplier is
/// below 1/4, and half of the rounding's divisor is an integer in the upper word of the product.
pub const PACKED_EXPONENT_MAX: i32 = -2;

/// The weights of a convolution, `[output channel][row][column][input channel]`.
pub type ConvWeights<const INPUTS: usize, const OUTPUTS: usize> = [[[[i8; INPUTS]; KERNEL_SIDE]; KERNEL_SIDE]; OUTPUTS];

/// The weights of a convolution for the kernels that multiply with `SMLAL`,
/// `[group][row][input channel][column][output channel of the group]`.
///
/// Word `c` of a row is `w[c] + w[c - 1] * 2^21`, with `w[-1] = 0`. Multiplying two such words adds up the products of
/// several taps (see [`arch`](crate::arch)). The lowest 21 bits of a word, sign-extended, are `w[c]` alone.
pub type ConvWords<const INPUTS: usize, const PER_GROUP: usize, const GROUPS: usize> =
    [[[[[i32; PER_GROUP]; KERNEL_SIDE]; INPUTS]; KERNEL_SIDE]; GROUPS];

/// The weights of a fully connected layer for two outputs and two inputs; a layer has `[pair of outputs][pair of inputs]`.
///
/// With `w[o][i]`, the word for outputs `o`, `o + 1` and inputs `i`, `i + 1` has `256 * w[o + 1][i] + w[o][i]` in its
/// lower halfword and the same for input `i + 1` in its upper halfword.
///
/// If the number of outputs is odd, the last one is paired with zero weights.
pub type DenseWord = u32;

/// The two halfwords of a fully connected layer's word, the first input's first.
#[inline]
pub(crate) const fn halfwords(word: DenseWord) -> [u16; 2] {
    [word as u16, (word >> 16) as u16]
}

/// The weights of the even and the odd output in a halfword.
#[inline]
pub(crate) fn split_halfword(halfword: u16) -> [i8; 2] {
    let even = halfword as i8;
    // A difference of 2^15 wraps around: 128 becomes -128, and neither is a valid weight.
    [even, ((halfword as i16).wrapping_sub(i16::from(even)) >> 8) as i8]
}
