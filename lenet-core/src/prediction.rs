//! Probabilities and the most probable classes, for a person to read.
//!
//! This is the only floating-point arithmetic in the crate. It is behind the feature `predictions`, which is on by
//! default.

use heapless::Vec;
use micromath::F32Ext;

use crate::labels::MAX_CLASSES;
use crate::logits::Logits;

/// One class and its probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The class.
    pub class: usize,
    /// Its probability, in [0, 1].
    pub probability: f32,
}

impl Logits {
    /// The softmax of the real logits, `exp(scale * q)` over its sum; the zero point cancels. One for each class.
    ///
    /// The exponential is micromath's approximation: each probability is within 0.01 of the exact one, and all of them
    /// add up to 1 within rounding. Never base a decision on them: [`class`](Self::class) is exact.
    pub fn probabilities(&self) -> Vec<f32, MAX_CLASSES> {
        let sum = self.weights().sum::<f32>();
        self.weights().map(|weight| weight / sum).collect()
    }

    /// The `K` most probable classes, best first, or all if `K` is larger. Equal logits are in the order of their
    /// classes.
    pub fn top<const K: usize>(&self) -> Vec<Candidate, K> {
        let sum = self.weights().sum::<f32>();
        // Largest logit first, then lowest class: the next one is the best of those after the one before.
        let rank = |(class, value): (usize, &i8)| (-i16::from(*value), class);
        let mut last = None;
        let next = || {
            let after = |rank: &(i16, usize)| last.is_none_or(|last| *rank > last);
            let (value, class) = self.values().iter().enumerate().map(rank).filter(after).min()?;
            last = Some((value, class));
            let weight = self.weights().nth(class)?;
            Some(Candidate { class, probability: weight / sum })
        };
        core::iter::from_fn(next).take(K).collect()
    }

    /// The exponential of each class's real logit, relative to that of the largest.
    fn weights(&self) -> impl Iterator<Item = f32> {
        let largest = self.values().iter().copied().fold(i8::MIN, i8::max);
        let scale = self.quantization().scale;
        self.values().iter().map(move |value| F32Ext::exp(scale * f32::from(i16::from(*value) - i16::from(largest))))
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::quantization::Quantization;

    fn logits(values: &[i8], scale: f32) -> Logits {
        Logits::new(values, Quantization { scale, zero_point: 3 })
    }

    #[test]
    fn probabilities_are_near_the_exact_softmax() {
        let mut worst = 0f64;
        for scale in [1e-6, 0.01, 0.05, 0.15, 0.3, 2.0, 1e6] {
            for step in 1..12i16 {
                for classes in [2, 10, 64] {
                    let values: Vec<i8> = (0..classes).map(|class| ((class * step * 7) % 101 - 50) as i8).collect();
                    let got = logits(&values, scale).probabilities();
                    let exact = values.iter().map(|q| f64::from(scale) * f64::from(*q));
                    let largest = exact.clone().fold(f64::MIN, f64::max);
                    let exact: Vec<f64> = exact.map(|x| (x - largest).exp()).collect();
                    let sum: f64 = exact.iter().sum();
                    assert_eq!(got.len(), values.len());
                    for (got, exact) in got.iter().zip(exact) {
                        assert!(got.is_finite());
                        worst = worst.max((f64::from(*got) - exact / sum).abs());
                    }
                    assert!((got.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                }
            }
        }
        assert!(worst < 0.01, "worst deviation {worst}");
    }

    #[test]
    fn top_orders_by_logit_then_class() {
        let best = logits(&[0, 9, 5, 9, 1, 2, 3, 4, 6, 7], 0.2).top::<3>();
        assert_eq!(best.iter().map(|c| c.class).collect::<Vec<_>>(), [1, 3, 9]);
        assert_eq!(best[0].probability, best[1].probability);
        assert!(best[1].probability > best[2].probability);
        let all = logits(&[0; 10], 0.2).top::<12>();
        assert_eq!(all.iter().map(|c| c.class).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(logits(&[i8::MIN; 64], 0.2).top::<64>().len(), 64);
    }
}
