//! Probabilities and the most probable classes, for a person to read.
//!
//! This is the only floating-point arithmetic in the crate. It is behind the feature `predictions`, which is on by
//! default.

use heapless::Vec;
use micromath::F32Ext;

use crate::architecture::CLASSES;
use crate::logits::Logits;

/// One class and its probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The class, in [0, 10).
    pub class: usize,
    /// Its probability, in [0, 1].
    pub probability: f32,
}

impl Logits {
    /// The softmax of the real logits, `exp(scale * q)` over its sum; the zero point cancels.
    ///
    /// The exponential is micromath's approximation: each probability is within 0.01 of the exact one, and the ten add
    /// up to 1 within rounding. Never base a decision on them: [`class`](Self::class) is exact.
    pub fn probabilities(&self) -> [f32; CLASSES] {
        let largest = self.values.into_iter().fold(i8::MIN, i8::max);
        let weights = self.values.map(|value| {
            let below = i16::from(value) - i16::from(largest);
            F32Ext::exp(self.quantization().scale * f32::from(below))
        });
        let sum: f32 = weights.iter().sum();
        weights.map(|weight| weight / sum)
    }

    /// The `K` most probable classes, best first, or all ten if `K` is larger. Equal logits are in the order of their
    /// classes.
    pub fn top<const K: usize>(&self) -> Vec<Candidate, K> {
        let mut ranked = [(0, Candidate { class: 0, probability: 0.0 }); CLASSES];
        let answers = self.values.into_iter().zip(self.probabilities()).enumerate();
        for (rank, (class, (value, probability))) in ranked.iter_mut().zip(answers) {
            *rank = (value, Candidate { class, probability });
        }
        ranked.sort_unstable_by_key(|(value, candidate)| (-i16::from(*value), candidate.class));
        ranked.into_iter().take(K).map(|(_, candidate)| candidate).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::quantization::Quantization;

    fn logits(values: [i8; CLASSES], scale: f32) -> Logits {
        Logits::new(values, Quantization { scale, zero_point: 3 })
    }

    #[test]
    fn probabilities_are_near_the_exact_softmax() {
        let mut worst = 0f64;
        for scale in [1e-6, 0.01, 0.05, 0.15, 0.3, 2.0, 1e6] {
            for step in 1..12i16 {
                let values = core::array::from_fn(|class| ((class as i16 * step * 7) % 101 - 50) as i8);
                let got = logits(values, scale).probabilities();
                let exact = values.map(|q| f64::from(scale) * f64::from(q));
                let largest = exact.iter().copied().fold(f64::MIN, f64::max);
                let exact = exact.map(|x| (x - largest).exp());
                let sum: f64 = exact.iter().sum();
                for (got, exact) in got.into_iter().zip(exact) {
                    assert!(got.is_finite());
                    worst = worst.max((f64::from(got) - exact / sum).abs());
                }
                assert!((got.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            }
        }
        assert!(worst < 0.01, "worst deviation {worst}");
    }

    #[test]
    fn top_orders_by_logit_then_class() {
        let best = logits([0, 9, 5, 9, 1, 2, 3, 4, 6, 7], 0.2).top::<3>();
        assert_eq!(best.iter().map(|c| c.class).collect::<Vec<_>>(), [1, 3, 9]);
        assert_eq!(best[0].probability, best[1].probability);
        assert!(best[1].probability > best[2].probability);
        assert_eq!(logits([0; CLASSES], 0.2).top::<12>().len(), CLASSES);
    }
}
