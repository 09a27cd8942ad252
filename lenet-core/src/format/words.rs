//! How weights are packed into 32-bit words.

use crate::architecture::KERNEL_SIDE;

/// Bits of one field. A convolution packs three sums, one a field, into a 64-bit accumulator.
pub const FIELD_BITS: u32 = 21;

/// The largest sum of weight magnitudes that a convolution channel may have.
///
/// Activations go up to 255, so the channel's sums then take fewer than `2^FIELD_BITS` values and fit in a field.
pub const WEIGHT_SUM_MAX: u32 = (1 << FIELD_BITS) / 255;

/// Output channels of conv2 whose weights are stored next to each other.
pub const CONV2_GROUP: usize = 4;

/// The weights of a convolution, `[group][row][input channel][column][output channel of the group]`.
///
/// Word `c` of a row is `w[c] + w[c - 1] * 2^21`, with `w[-1] = 0`. Multiplying two such words adds up the products of
/// several taps (see [`arch`](crate::arch)). The lowest 21 bits of a word, sign-extended, are `w[c]` alone.
pub type ConvWords<const INPUTS: usize, const PER_GROUP: usize, const GROUPS: usize> =
    [[[[[i32; PER_GROUP]; KERNEL_SIDE]; INPUTS]; KERNEL_SIDE]; GROUPS];

/// The weights of a fully connected layer, `[pair of outputs][pair of inputs]`.
///
/// With `w[o][i]`, the word for outputs `o`, `o + 1` and inputs `i`, `i + 1` has `256 * w[o + 1][i] + w[o][i]` in its
/// lower halfword and the same for input `i + 1` in its upper halfword.
pub type DenseWords<const INPUT_PAIRS: usize, const OUTPUT_PAIRS: usize> = [[u32; INPUT_PAIRS]; OUTPUT_PAIRS];

/// The lowest field of a convolution's word, sign-extended.
#[inline]
pub(crate) const fn low_field(word: i32) -> i32 {
    (word << (32 - FIELD_BITS)) >> (32 - FIELD_BITS)
}

/// The two halfwords of a fully connected layer's word, the first input's first.
#[inline]
pub(crate) const fn halfwords(word: u32) -> [u16; 2] {
    [word as u16, (word >> 16) as u16]
}

/// The weights of the even and the odd output in a halfword.
#[inline]
pub(crate) fn split_halfword(halfword: u16) -> [i16; 2] {
    let even = i16::from(halfword as i8);
    [even, (halfword as i16).wrapping_sub(even) >> 8]
}
