//! The output of the network, and the rule that turns it into a class.

use crate::labels::MAX_CLASSES;
use crate::quantization::Quantization;

/// The output of the last layer, one value for each class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logits {
    /// Zero from `classes` on.
    values: [i8; MAX_CLASSES],
    classes: u8,
    /// Stored as bits, so that an inference does not even move a float.
    scale_bits: u32,
    zero_point: i8,
}

impl Logits {
    /// Logits with their scale and zero point. Values beyond [`MAX_CLASSES`] are left out.
    pub fn new(values: &[i8], quantization: Quantization) -> Self {
        let mut all = [0; MAX_CLASSES];
        for (place, value) in all.iter_mut().zip(values) {
            *place = *value;
        }
        Self::from_parts(all, values.len(), quantization.scale.to_bits(), quantization.zero_point)
    }

    /// Logits of at most [`MAX_CLASSES`] classes. The values from `classes` on are zero.
    #[inline]
    pub(crate) fn from_parts(values: [i8; MAX_CLASSES], classes: usize, scale_bits: u32, zero_point: i8) -> Self {
        Self { values, classes: classes.min(MAX_CLASSES) as u8, scale_bits, zero_point }
    }

    /// The quantized logits, one for each class.
    #[inline]
    pub fn values(&self) -> &[i8] {
        self.values.get(..usize::from(self.classes)).unwrap_or(&self.values)
    }

    /// Their scale and zero point.
    pub const fn quantization(&self) -> Quantization {
        Quantization { scale: f32::from_bits(self.scale_bits), zero_point: self.zero_point }
    }

    /// The predicted class, the [`argmax`] of the logits.
    pub fn class(&self) -> usize {
        argmax(self.values().iter().copied())
    }

    /// The real logits, `scale * (q - zero_point)`.
    pub fn real(&self) -> impl Iterator<Item = f32> {
        let quantization = self.quantization();
        self.values().iter().map(move |q| quantization.real(*q))
    }
}

/// The place of the largest value. Of equal values the first wins, so of equal logits the lowest class does.
///
/// Returns 0 if there are no values. A NaN never replaces another value, but nothing replaces a NaN at the first place.
#[inline]
pub fn argmax<T: PartialOrd>(values: impl IntoIterator<Item = T>) -> usize {
    let mut values = values.into_iter().enumerate();
    let Some(mut best) = values.next() else { return 0 };
    for candidate in values {
        if candidate.1 > best.1 {
            best = candidate;
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logits<const N: usize>(values: [i8; N], scale: f32) -> Logits {
        Logits::new(&values, Quantization { scale, zero_point: 3 })
    }

    #[test]
    fn lowest_class_wins_a_tie() {
        assert_eq!(logits([-9, 4, 4, 0, 4, -128, 1, 2, 3, 4], 0.1).class(), 1);
        assert_eq!(logits([-128; 10], 0.1).class(), 0);
        assert_eq!(logits([-128; 64], 0.1).class(), 0);
        // The unused places do not count.
        assert_eq!(logits([-3, -2], 0.1).class(), 1);
        assert_eq!(logits([-128, -128, -127, 0, 0, 0, 0, 0, 0, 127], 0.1).class(), 9);
    }

    #[test]
    fn argmax_of_floats_follows_the_same_rule() {
        assert_eq!(argmax([-1.0, 2.5, 2.5, f32::NAN]), 1);
        assert_eq!(argmax([0.0, -0.0]), 0);
        assert_eq!(argmax::<f32>([]), 0);
    }

    #[test]
    fn real_logits_are_steps_from_the_zero_point() {
        assert!(logits([-128, 127, 3, 4, 2], 0.5).real().eq([-65.5, 62.0, 0.0, 0.5, -0.5]));
    }
}
