//! The 2x2 pools, on the four values of a window.

use crate::architecture::Pool;

/// The pooled activation of a window, from its four accumulators.
///
/// Average pooling requantizes all four and averages the activations. Maximum pooling requantizes only the largest
/// accumulator, which gives the same result because requantization is monotonic.
#[inline(always)]
pub(crate) fn pool_window(pool: Pool, window: [i32; 4], requantize: impl Fn(i32) -> u8) -> u8 {
    match pool {
        Pool::Average => average(window.map(requantize)),
        Pool::Maximum => requantize(maximum(window)),
    }
}

/// The mean of four activations `u = q + 128`, rounded half away from zero.
///
/// As in TFLite, "away from zero" refers to the signed values `q`: with `s` as the sum of the four `q`, the mean is
/// `(s + 2) / 4` if `s > 0` and `(s - 2) / 4` otherwise, with truncating divisions. In terms of the sum of the four
/// `u`, halves round up above 512 and down below; at 512 itself there is no half.
#[inline]
pub fn average(window: [u8; 4]) -> u8 {
    let sum: u32 = window.into_iter().map(u32::from).sum();
    ((sum + 1 + u32::from(sum >= 4 * 128)) >> 2) as u8
}

/// The largest of four accumulators.
///
/// Requantization is monotonic, so the largest accumulator of a channel becomes its largest activation.
#[inline]
pub fn maximum(window: [i32; 4]) -> i32 {
    let [a, b, c, d] = window;
    a.max(b).max(c.max(d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_is_that_of_tflite_for_every_sum() {
        for sum in -512..=508 {
            let mut rest = sum;
            let q = [0; 4].map(|_: i16| {
                let part = rest.clamp(-128, 127);
                rest -= part;
                part
            });
            let expected = if sum > 0 { (sum + 2) / 4 } else { (sum - 2) / 4 };
            assert_eq!(average_of_q(q), expected, "the sum is {sum}");
        }
    }

    fn average_of_q(q: [i16; 4]) -> i16 {
        i16::from(average(q.map(|q| (q + 128) as u8))) - 128
    }

    #[test]
    fn average_rounds_half_away_from_zero_on_signed_values() {
        assert_eq!(average_of_q([0, 0, 0, 2]), 1);
        assert_eq!(average_of_q([0, 0, 0, -2]), -1);
        assert_eq!(average_of_q([0, 0, 0, 1]), 0);
        assert_eq!(average_of_q([0, 0, 0, -1]), 0);
        assert_eq!(average_of_q([3, 3, 4, 4]), 4);
        assert_eq!(average_of_q([-3, -3, -4, -4]), -4);
        assert_eq!(average_of_q([-128; 4]), -128);
        assert_eq!(average_of_q([127; 4]), 127);
    }

    #[test]
    fn maximum_finds_the_largest_in_any_place() {
        for place in 0..4 {
            let mut window = [i32::MIN, -7, -7, i32::MIN];
            window[place] = -3;
            assert_eq!(maximum(window), -3);
        }
    }
}
