//! Takes the sums of two outputs of a fully connected layer apart.

/// The two sums in `256 * odd + even`, given `even`.
///
/// With up to 256 products of magnitude 255 * 127, neither sum leaves 32 bits: 255 * 127 * 256 * 257 is less than 2^31.
#[inline]
pub(super) fn separate(sum: i32, even: i32) -> [i32; 2] {
    [even, (sum - even) >> 8]
}

/// The same for the two words that an assembly function returns, with `even` in the upper one.
#[cfg(not(kernels = "portable"))]
#[inline]
pub(super) fn separate_words(sums: u64) -> [i32; 2] {
    separate(sums as i32, (sums >> 32) as i32)
}
