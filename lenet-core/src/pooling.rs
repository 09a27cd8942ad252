//! The 2x2 pools, on the four values of one window.

use crate::architecture::Pool;

/// An activation from the four accumulators of one window.
///
/// An average pool averages the four requantized activations; a maximum pool takes the largest of
/// the four accumulators and requantizes it once, with the same result.
#[inline(always)]
pub(crate) fn pool_window(pool: Pool, window: [i32; 4], requantize: impl Fn(i32) -> u8) -> u8 {
    match pool {
        Pool::Average => average(window.map(requantize)),
        Pool::Maximum => requantize(maximum(window)),
    }
}

/// The mean of four activations `u = q + 128`, rounded half away from zero.
///
/// Away from zero is meant on the signed values `q`, as TFLite computes it: with `s` the sum of the
/// four `q`, `(s + 2) / 4` where `s > 0` and `(s - 2) / 4` elsewhere, divisions truncating. On the sum
/// of the four `u` that is a half which goes up where the sum is more than 512 and down where it is less; at
/// 512 itself there is no half.
#[inline]
pub fn average(window: [u8; 4]) -> u8 {
    let sum: u32 = window.into_iter().map(u32::from).sum();
    ((sum + 1 + u32::from(sum >= 4 * 128)) >> 2) as u8
}

/// The largest of four accumulators.
///
/// Requantization is monotonic, so the largest accumulator of a channel gives its largest activation.
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
