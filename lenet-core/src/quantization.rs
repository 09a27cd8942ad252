//! What an int8 value means, and the only rounding in the network.
//!
//! # The scheme
//!
//! This is TFLite's int8 scheme with single rounding. A tensor stores `q` in [-128, 127] with
//!
//! ```text
//! real = scale * (q - zero_point)
//! ```
//!
//! Weights are symmetric: zero point 0, one scale per output channel. The image and every activation after a ReLU have
//! zero point -128. So `u = q + 128` is an unsigned byte that is 0 where the real value is 0, and the kernels store
//! activations as `u`. For an output channel `c`
//!
//! ```text
//! real_out = sum(s_in * u * s_w[c] * w) + real_bias
//!          = s_in * s_w[c] * acc              acc = bias + sum(u * w), an exact int32
//! q_out    = zero_point + round(M[c] * acc)   M[c] = s_in * s_w[c] / s_out
//! ```
//!
//! The bias is stored as an integer at scale `s_in * s_w[c]`. The real multiplier `M[c]` is stored as a [`Multiplier`],
//! `M = mantissa / 2^31 * 2^exponent` with the mantissa in [2^30, 2^31). Then
//!
//! ```text
//! round(M * acc) = (acc * mantissa + 2^(30 - exponent)) >> (31 - exponent)
//! ```
//!
//! in 64 bits with an arithmetic shift: one rounding, ties toward plus infinity. The derivation is that of gemmlowp
//! (google/gemmlowp, `doc/quantization.md`), without its second, intermediate rounding.

use serde::{Deserialize, Serialize};

/// The zero point of the image and of every activation after a ReLU.
pub const ACTIVATION_ZERO_POINT: i8 = -128;

/// Scale and zero point of a tensor: `real = scale * (q - zero_point)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantization {
    /// Real value of one step: positive, finite, normal.
    pub scale: f32,
    /// The `q` whose real value is 0.
    pub zero_point: i8,
}

impl Quantization {
    /// The real value of `q`, `scale * (q - zero_point)`, rounded to f32 once.
    #[inline]
    pub fn real(self, q: i8) -> f32 {
        self.real_exact(q) as f32
    }

    /// The real value of `q` as f64, which holds it exactly.
    #[inline]
    pub fn real_exact(self, q: i8) -> f64 {
        f64::from(self.scale) * f64::from(i16::from(q) - i16::from(self.zero_point))
    }
}

/// Whether a scale is positive, finite and normal.
///
/// It compares bits, so that loading a model takes no floating-point code.
pub(crate) const fn is_valid_scale(scale: f32) -> bool {
    const SMALLEST: u32 = f32::MIN_POSITIVE.to_bits();
    const INFINITY: u32 = f32::INFINITY.to_bits();
    matches!(scale.to_bits(), SMALLEST..INFINITY)
}

/// A real multiplier in [2^-32, 1) as a 31-bit mantissa and a power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiplier {
    /// 2^31 times a fraction in [1/2, 1): in [2^30, 2^31).
    pub mantissa: i32,
    /// The power of two, in [-31, 0].
    pub exponent: i32,
}

impl Multiplier {
    /// The smallest exponent.
    pub const MIN_EXPONENT: i32 = -31;
    /// The largest exponent. It keeps the multiplier below 1, so that every product fits in 32 bits.
    pub const MAX_EXPONENT: i32 = 0;
    /// Up to this exponent the multiplier is below 1/4, and the half that rounding adds is an integer in the upper word
    /// of the 64-bit product: nothing needs the lower word.
    const UPPER_WORD_EXPONENT: i32 = -2;

    /// Whether both parts are in range.
    pub const fn is_valid(self) -> bool {
        self.mantissa >= 1 << 30 && Self::MIN_EXPONENT <= self.exponent && self.exponent <= Self::MAX_EXPONENT
    }

    /// `accumulator * multiplier` rounded to the nearest integer, ties toward plus infinity.
    ///
    /// For a valid multiplier this is exact for every `i32`, and fits in 32 bits because the multiplier is less than 1.
    #[inline]
    pub const fn apply(self, accumulator: i32) -> i32 {
        if self.exponent > Self::UPPER_WORD_EXPONENT {
            return self.apply_large(accumulator);
        }
        let upper = ((accumulator as i64 * self.mantissa as i64) >> 32) as i32;
        // Floor divisions in a row are one, and one half may be added between them.
        ((upper >> ((-2 - self.exponent) & 31)) + 1) >> 1
    }

    /// [`apply`](Self::apply) for a multiplier of 1/4 or more. It is rarely needed and not inlined, to keep code small.
    #[cold]
    #[inline(never)]
    const fn apply_large(self, accumulator: i32) -> i32 {
        let product = accumulator as i64 * self.mantissa as i64;
        (((product >> ((30 - self.exponent) & 63)) + 1) >> 1) as i32
    }

    /// Half of the divisor, in the upper word of the product: `2^(30 - exponent - 32)`. For multipliers below 1/4.
    #[inline]
    #[cfg(any(kernels = "armv7m", kernels = "armv7em", workstation))]
    pub(crate) const fn upper_half(self) -> i32 {
        1 << ((-2 - self.exponent) & 31)
    }

    /// The right shift of the upper word of the product: `31 - exponent - 32`, in [1, 30]. For multipliers below 1/4.
    #[inline]
    #[cfg(any(kernels = "armv7m", kernels = "armv7em", workstation))]
    pub(crate) const fn upper_shift(self) -> u32 {
        // The mask tells the compiler that the shift cannot overflow.
        (-1 - self.exponent) as u32 & 31
    }

    /// The activation `u = q + 128` after a ReLU: [`apply`](Self::apply), clamped to [0, 255].
    #[inline]
    pub fn apply_relu(self, accumulator: i32) -> u8 {
        self.apply(accumulator).clamp(0, 255) as u8
    }

    /// The `q` of an output without ReLU: [`apply`](Self::apply) plus the zero point, clamped to [-128, 127].
    #[inline]
    pub fn apply_linear(self, accumulator: i32, zero_point: i8) -> i8 {
        self.apply(accumulator).saturating_add(i32::from(zero_point)).clamp(-128, 127) as i8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EIGHTH: Multiplier = Multiplier { mantissa: 1 << 30, exponent: -2 };

    #[test]
    fn ties_go_up() {
        assert_eq!([-12, -11, -4, -3, 3, 4, 11, 12].map(|acc| EIGHTH.apply(acc)), [-1, -1, 0, 0, 0, 1, 1, 2]);
    }

    #[test]
    fn extremes_do_not_overflow() {
        let largest = Multiplier { mantissa: i32::MAX, exponent: -2 };
        assert_eq!(largest.apply(i32::MAX), 1 << 29);
        assert_eq!(largest.apply(i32::MIN), -(1 << 29));
        let smallest = Multiplier { mantissa: 1 << 30, exponent: -31 };
        assert_eq!(smallest.apply(i32::MAX), 0);
        // Exactly -1/2: the tie goes up.
        assert_eq!(smallest.apply(i32::MIN), 0);
        let below_one = Multiplier { mantissa: i32::MAX, exponent: 0 };
        assert_eq!([i32::MIN, -1, 0, 1, i32::MAX].map(|acc| below_one.apply(acc)), [-i32::MAX, -1, 0, 1, i32::MAX - 1]);
    }

    #[test]
    fn every_exponent_follows_the_formula() {
        for exponent in Multiplier::MIN_EXPONENT..=Multiplier::MAX_EXPONENT {
            for mantissa in [1 << 30, (1 << 30) + 1, 1_234_567_891, i32::MAX] {
                for accumulator in [i32::MIN, -98_765_431, -3, -2, -1, 0, 1, 2, 3, 77, 98_765_431, i32::MAX] {
                    let product = i128::from(accumulator) * i128::from(mantissa);
                    let expected = (product + (1 << (30 - exponent))) >> (31 - exponent);
                    let multiplier = Multiplier { mantissa, exponent };
                    assert_eq!(i128::from(multiplier.apply(accumulator)), expected, "{multiplier:?} * {accumulator}");
                }
            }
        }
    }

    #[test]
    fn activations_saturate() {
        assert_eq!([-5, 2035, 2036, 100_000].map(|acc| EIGHTH.apply_relu(acc)), [0, 254, 255, 255]);
        assert_eq!(EIGHTH.apply_linear(i32::MAX, 127), 127);
        assert_eq!(EIGHTH.apply_linear(i32::MIN, -128), -128);
        assert_eq!(EIGHTH.apply_linear(40, -3), 2);
    }

    #[test]
    fn range_is_checked() {
        assert!(EIGHTH.is_valid());
        assert!(!Multiplier { mantissa: (1 << 30) - 1, exponent: -2 }.is_valid());
        assert!(!Multiplier { mantissa: 1 << 30, exponent: 1 }.is_valid());
        assert!(!Multiplier { mantissa: 1 << 30, exponent: -32 }.is_valid());
    }
}
