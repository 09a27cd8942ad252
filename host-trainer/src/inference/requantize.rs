//! From accumulators to activations `u = q + 128` in [0, 255], and the pools between.
//!
//! `lenet_core::quantization` defines the activation after a ReLU as
//!
//! ```text
//! u = clamp((acc * mantissa + 2^(shift - 1)) >> shift, 0, 255)      shift = 31 - exponent
//! ```
//!
//! The multiplier is positive, so an accumulator below 0 gives `u = 0`, as does 0 itself. With `max(acc, 0)`
//! in its place everything is unsigned, which takes cheaper instructions. The rounded product is below
//! `2^31`, as the multiplier is below 1.

use lenet_core::Pool;
use lenet_core::quantization::Multiplier;

use super::{LANES, Lanes};

/// The multipliers of sixteen lanes: `N` is 16, or 1 if all lanes have the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Requantizer<const N: usize> {
    mantissa: [u32; N],
    half: [u64; N],
    /// In [31, 62].
    shift: [u64; N],
}

impl<const N: usize> Requantizer<N> {
    /// Lanes for which there is no multiplier give 0.
    pub(super) fn new(multipliers: &[Multiplier]) -> Self {
        let mut made = Self { mantissa: [0; N], half: [0; N], shift: [31; N] };
        for (lane, multiplier) in multipliers.iter().enumerate() {
            made.mantissa[lane] = multiplier.mantissa.unsigned_abs();
            made.shift[lane] = 31 + u64::from(multiplier.exponent.unsigned_abs());
            made.half[lane] = 1 << (made.shift[lane] - 1);
        }
        made
    }

    /// As [`Multiplier::apply_relu`], in each lane.
    #[inline(always)]
    pub(super) fn relu(&self, accumulators: &Lanes) -> Lanes {
        let mut activations = [0; LANES];
        for lane in 0..LANES {
            let of = if N == 1 { 0 } else { lane };
            let accumulator = u64::from(accumulators[lane].max(0) as u32);
            // The mask tells the compiler that no shift overflows.
            let rounded = (accumulator * u64::from(self.mantissa[of]) + self.half[of]) >> (self.shift[of] & 63);
            activations[lane] = rounded.min(255) as i32;
        }
        activations
    }

    /// The pooled activations of one window in each lane, from its four accumulators.
    #[inline(always)]
    pub(super) fn pooled(&self, window: &[Lanes; 4], pool: Pool) -> Lanes {
        match pool {
            Pool::Maximum => {
                let mut largest = window[0];
                for accumulators in &window[1..] {
                    for lane in 0..LANES {
                        largest[lane] = largest[lane].max(accumulators[lane]);
                    }
                }
                self.relu(&largest)
            }
            Pool::Average => {
                let mut sums = [0; LANES];
                for accumulators in window {
                    let activations = self.relu(accumulators);
                    for lane in 0..LANES {
                        sums[lane] += activations[lane];
                    }
                }
                sums.map(average)
            }
        }
    }
}

/// The mean of four activations from their sum, as [`lenet_core::kernels::average`].
///
/// The signed values' sum is `s = sum - 512`, and their mean rounds half away from zero: up where `s > 0`,
/// down elsewhere. Shifted to unsigned values that is `(sum + 2) >> 2` and `(sum + 1) >> 2`.
#[inline(always)]
const fn average(sum: i32) -> i32 {
    (sum + 1 + (sum > 512) as i32) >> 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_is_that_of_the_core_for_every_sum() {
        for sum in 0..=4 * 255u32 {
            let window = [0, 1, 2, 3].map(|place| ((sum + place) / 4) as u8);
            assert_eq!(average(sum as i32), i32::from(lenet_core::kernels::average(window)), "sum {sum}");
        }
    }

    #[test]
    fn activations_are_those_of_the_core() {
        let accumulators =
            [i32::MIN, -1, 0, 1, 2, 3, 254, 255, 256, 509, 510, 511, 512, 1 << 20, i32::MAX - 1, i32::MAX];
        for mantissa in [1 << 30, (1 << 30) + 1, 3 << 29, i32::MAX] {
            for exponent in [0, -1, -7, -20, -30, -31] {
                let multiplier = Multiplier { mantissa, exponent };
                let expected = accumulators.map(|accumulator| i32::from(multiplier.apply_relu(accumulator)));
                assert_eq!(Requantizer::<1>::new(&[multiplier]).relu(&accumulators), expected);
                assert_eq!(Requantizer::<LANES>::new(&[multiplier; LANES]).relu(&accumulators), expected);
            }
        }
    }
}
