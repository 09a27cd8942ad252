//! Real multipliers in the form stored in a model file, and the scales they follow from.

use lenet_core::quantization::Multiplier;

/// Whether the scale that a file states for a bias is the product of the scales of input and weights, `needed`, as
/// closely as LiteRT asks. False when one of them is NaN.
pub fn is_bias_scale(found: f32, needed: f64) -> bool {
    const TOLERANCE: f64 = 1e-6;
    (f64::from(found) - needed).abs() <= TOLERANCE * needed
}

/// The integer form of a real multiplier: `real = f * 2^exponent` with `f` in [1/2, 1) (C's `frexp`),
/// and `mantissa = round(f * 2^31)`.
///
/// `None` when the rounded multiplier is not in [2^-32, 1).
pub fn multiplier_from_real(real: f64) -> Option<Multiplier> {
    if !real.is_normal() || real < 0.0 {
        return None;
    }
    let mut exponent = ((real.to_bits() >> 52) & 0x7ff) as i32 - 1022;
    let fraction = real / 2f64.powi(exponent);
    let mut mantissa = (fraction * 2f64.powi(31)).round() as i64;
    if mantissa == 1 << 31 {
        mantissa /= 2;
        exponent += 1;
    }
    let multiplier = Multiplier { mantissa: mantissa as i32, exponent };
    multiplier.is_valid().then_some(multiplier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(multiplier_from_real(0.125), Some(Multiplier { mantissa: 1 << 30, exponent: -2 }));
        assert_eq!(multiplier_from_real(0.1875), Some(Multiplier { mantissa: 3 << 29, exponent: -2 }));
        assert_eq!(multiplier_from_real(0.001), Some(Multiplier { mantissa: 1_099_511_628, exponent: -9 }));
        assert_eq!(multiplier_from_real(0.25), Some(Multiplier { mantissa: 1 << 30, exponent: -1 }));
        assert_eq!(multiplier_from_real(0.75), Some(Multiplier { mantissa: 3 << 29, exponent: 0 }));
        // Rounds up to the next power of two.
        assert_eq!(multiplier_from_real(0.125 - 1e-12), Some(Multiplier { mantissa: 1 << 30, exponent: -2 }));
        assert_eq!(multiplier_from_real(2f64.powi(-32)), Some(Multiplier { mantissa: 1 << 30, exponent: -31 }));
    }

    #[test]
    fn out_of_range_is_none() {
        for real in [0.0, -0.1, 1.0, 1.0 - 1e-12, 2f64.powi(-32) * 0.99, f64::NAN, f64::INFINITY] {
            assert_eq!(multiplier_from_real(real), None, "{real}");
        }
    }
}
