//! From accumulators to activations `u = q + 128` in [0, 255], and the pools between, in lanes of 32 bits.
//!
//! [`Multiplier::apply_relu`] needs only the upper word of the 64-bit product:
//!
//! ```text
//! u = clamp((upper + half) >> shift, 0, 255)      upper = (acc * mantissa) >> 32
//! ```
//!
//! These lanes compute the same with `a = max(acc, 0)` in place of `acc`. The multiplier is positive, so every `acc <=
//! 0` gives `u = 0`, as `a = 0` does, and all values are unsigned. `a` and the mantissa are below 2^31, so `upper` is
//! below 2^30; `half` is at most 2^29, and their sum fits.

use pulp::Simd;

use super::pairs::LANES;
use crate::architecture::Pool;
use crate::quantization::Multiplier;

/// The multipliers of sixteen lanes: `N` is 16, or 1 if all lanes have the same multiplier.
#[derive(Clone, Copy, Debug)]
pub struct Requantizer<const N: usize> {
    mantissa: [u32; N],
    half: [u32; N],
    shift: [u32; N],
}

impl<const N: usize> Requantizer<N> {
    /// Requantization by at most `N` multipliers below 1/4. Lanes without a multiplier give 0.
    ///
    /// # Panics
    /// If there are more than `N` multipliers, or one is 1/4 or more.
    pub fn new(multipliers: &[Multiplier]) -> Self {
        let mut requantizer = Self { mantissa: [0; N], half: [0; N], shift: [0; N] };
        for (lane, multiplier) in multipliers.iter().enumerate() {
            assert!(multiplier.exponent <= -2, "the multiplier is 1/4 or more");
            requantizer.mantissa[lane] = multiplier.mantissa.unsigned_abs();
            requantizer.half[lane] = multiplier.upper_half().unsigned_abs();
            requantizer.shift[lane] = multiplier.upper_shift();
        }
        requantizer
    }

    /// As [`Multiplier::apply_relu`] in each lane. `part` says which part of the sixteen lanes the vector holds.
    #[inline(always)]
    pub(super) fn relu<S: Simd>(&self, simd: S, accumulators: S::i32s, part: usize) -> S::u32s {
        simd.min_u32s(self.rounded(simd, accumulators, part), simd.splat_u32s(255))
    }

    /// As [`Multiplier::apply`] in each lane, except that negative results are 0. `part` says which part of the sixteen
    /// lanes the vector holds.
    #[inline(always)]
    pub fn rounded<S: Simd>(&self, simd: S, accumulators: S::i32s, part: usize) -> S::u32s {
        let positive = simd.transmute_u32s_i32s(simd.max_i32s(accumulators, simd.splat_i32s(0)));
        let (_, upper) = simd.widening_mul_u32s(positive, Self::lanes(simd, &self.mantissa, part));
        let sum = simd.add_u32s(upper, Self::lanes(simd, &self.half, part));
        simd.wrapping_dyn_shr_u32s(sum, Self::lanes(simd, &self.shift, part))
    }

    /// The pooled activation of one window in each lane, from the four accumulators of the window.
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

/// The mean of four activations, from their sum in [0, 1020], as [`pooling::average`](crate::pooling::average).
///
/// That is `(sum + 1) >> 2`, or `(sum + 2) >> 2` where the sum is more than 512; at 512 both are the same.
/// `(sum + 511) >> 10` is 1 where `sum > 512`, else 0.
#[inline(always)]
pub fn average<S: Simd>(simd: S, sum: S::u32s) -> S::u32s {
    let up = shift_right::<S, 10>(simd, simd.add_u32s(sum, simd.splat_u32s(511)));
    shift_right::<S, 2>(simd, simd.add_u32s(simd.add_u32s(sum, simd.splat_u32s(1)), up))
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::arch::workstation::instruction_set::InstructionSet;

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
                let expected = u32::from(crate::pooling::average(window));
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
