//! From accumulators to activations `u = q + 128` in [0, 255], and the pools between, in lanes of 32 bits.
//!
//! `lenet_core::quantization` defines the activation after a ReLU as
//!
//! ```text
//! u = clamp((acc * mantissa + 2^(30 - exponent)) >> (31 - exponent), 0, 255)
//! ```
//!
//! The multiplier is positive, so an accumulator below 0 gives `u = 0`, as does 0 itself: `a = max(acc, 0)` takes
//! its place and everything is unsigned. Half of the last bit can be added after all but one of the bits are
//! shifted out, and shifts can follow one another:
//!
//! ```text
//! u = min(((high >> -exponent) + 1) >> 1, 255)      high = (a * mantissa) >> 30 = (2 a * 2 mantissa) >> 32
//! ```
//!
//! With `a` and `mantissa` below `2^31` both factors fit in 32 bits, and `high` is the upper half of their product,
//! at most `(2^31 - 1)^2 >> 30 = 2^32 - 4`, so that adding 1 does not overflow.

use lenet_core::Pool;
use lenet_core::quantization::Multiplier;
use pulp::Simd;

use super::LANES;

/// The multipliers of sixteen lanes: `N` is 16, or 1 if all lanes have the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Requantizer<const N: usize> {
    doubled_mantissa: [u32; N],
    /// `-exponent`, in [2, 31].
    shift: [u32; N],
}

impl<const N: usize> Requantizer<N> {
    /// Lanes for which there is no multiplier give 0.
    pub(crate) fn new(multipliers: &[Multiplier]) -> Self {
        let mut made = Self { doubled_mantissa: [0; N], shift: [0; N] };
        for (lane, multiplier) in multipliers.iter().enumerate() {
            made.doubled_mantissa[lane] = 2 * multiplier.mantissa.unsigned_abs();
            made.shift[lane] = u32::from(multiplier.exponent.unsigned_abs());
        }
        made
    }

    /// As [`Multiplier::apply_relu`], in each lane; `part` is that of the lanes.
    #[inline(always)]
    pub(super) fn relu<S: Simd>(&self, simd: S, accumulators: S::i32s, part: usize) -> S::u32s {
        simd.min_u32s(self.rounded(simd, accumulators, part), simd.splat_u32s(255))
    }

    /// As [`Multiplier::apply`], in each lane, but 0 instead of what is negative.
    #[inline(always)]
    pub(crate) fn rounded<S: Simd>(&self, simd: S, accumulators: S::i32s, part: usize) -> S::u32s {
        let positive = simd.transmute_u32s_i32s(simd.max_i32s(accumulators, simd.splat_i32s(0)));
        let doubled = simd.add_u32s(positive, positive);
        let (_, high) = simd.widening_mul_u32s(doubled, Self::lanes(simd, &self.doubled_mantissa, part));
        let shifted = simd.wrapping_dyn_shr_u32s(high, Self::lanes(simd, &self.shift, part));
        shift_right::<S, 1>(simd, simd.add_u32s(shifted, simd.splat_u32s(1)))
    }

    /// The pooled activation of one window in each lane, from its four accumulators.
    #[inline(always)]
    pub(super) fn pooled<S: Simd>(&self, simd: S, window: [S::i32s; 4], pool: Pool, part: usize) -> S::u32s {
        let [a, b, c, d] = window;
        match pool {
            Pool::Maximum => self.relu(simd, simd.max_i32s(simd.max_i32s(a, b), simd.max_i32s(c, d)), part),
            Pool::Average => {
                let upper = simd.add_u32s(self.relu(simd, a, part), self.relu(simd, b, part));
                let lower = simd.add_u32s(self.relu(simd, c, part), self.relu(simd, d, part));
                average(simd, simd.add_u32s(upper, lower))
            }
        }
    }

    #[inline(always)]
    fn lanes<S: Simd>(simd: S, values: &[u32; N], part: usize) -> S::u32s {
        const { assert!(N == 1 || N == LANES) }
        if N == 1 { simd.splat_u32s(values[0]) } else { S::as_simd_u32s(values).0[part] }
    }
}

#[inline(always)]
fn shift_right<S: Simd, const BITS: u32>(simd: S, values: S::u32s) -> S::u32s {
    simd.wrapping_dyn_shr_u32s(values, simd.splat_u32s(BITS))
}

/// The mean of four activations from their sum in [0, 1020], as [`lenet_core::pooling::average`].
///
/// The signed values' sum is `s = sum - 512`, and their mean rounds half away from zero: up where `s > 0`,
/// down elsewhere. Shifted to unsigned values that is `(sum + 2) >> 2` and `(sum + 1) >> 2`; and
/// `(sum + 511) >> 10` is 1 where `sum > 512`, else 0.
#[inline(always)]
pub(crate) fn average<S: Simd>(simd: S, sum: S::u32s) -> S::u32s {
    let up = shift_right::<S, 10>(simd, simd.add_u32s(sum, simd.splat_u32s(511)));
    shift_right::<S, 2>(simd, simd.add_u32s(simd.add_u32s(sum, simd.splat_u32s(1)), up))
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::network::lanes::InstructionSet;

    struct Relu<const N: usize>(Requantizer<N>, [i32; LANES]);

    impl<const N: usize> WithSimd for Relu<N> {
        type Output = [u32; LANES];

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> [u32; LANES] {
            let mut activations = [0; LANES];
            let vectors = S::as_mut_simd_u32s(&mut activations).0.iter_mut();
            for (part, (to, from)) in vectors.zip(S::as_simd_i32s(&self.1).0).enumerate() {
                *to = self.0.relu(simd, *from, part);
            }
            activations
        }
    }

    struct Average([u32; LANES]);

    impl WithSimd for Average {
        type Output = [u32; LANES];

        #[inline(always)]
        fn with_simd<S: Simd>(mut self, simd: S) -> [u32; LANES] {
            S::as_mut_simd_u32s(&mut self.0).0.iter_mut().for_each(|sums| *sums = average(simd, *sums));
            self.0
        }
    }

    #[test]
    fn average_is_that_of_the_core_for_every_sum() {
        for set in InstructionSet::available() {
            for sum in 0..=4 * 255u32 {
                let window = [0, 1, 2, 3].map(|place| ((sum + place) / 4) as u8);
                let expected = u32::from(lenet_core::pooling::average(window));
                assert_eq!(set.run(Average([sum; LANES])), [expected; LANES], "sum {sum}, {set}");
            }
        }
    }

    #[test]
    fn activations_are_those_of_the_core() {
        let accumulators =
            [i32::MIN, -1, 0, 1, 2, 3, 254, 255, 256, 509, 510, 511, 512, 1 << 20, i32::MAX - 1, i32::MAX];
        for set in InstructionSet::available() {
            for mantissa in [1 << 30, (1 << 30) + 1, 3 << 29, i32::MAX] {
                for exponent in [-2, -3, -7, -20, -30, -31] {
                    let multiplier = Multiplier { mantissa, exponent };
                    let expected = accumulators.map(|accumulator| u32::from(multiplier.apply_relu(accumulator)));
                    let (one, all) = (Requantizer::<1>::new(&[multiplier]), Requantizer::new(&[multiplier; LANES]));
                    assert_eq!(set.run(Relu(one, accumulators)), expected, "{multiplier:?}, {set}");
                    assert_eq!(set.run(Relu::<LANES>(all, accumulators)), expected, "{multiplier:?}, {set}");
                }
            }
        }
    }
}
