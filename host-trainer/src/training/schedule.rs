use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// Learning-rate schedule, as a factor on the recipe's learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// The rate stays constant.
    Constant,
    /// Linear warm-up from 0 to 1 over a fraction of the steps, then cosine decay to 0.
    Cosine {
        /// Fraction of the steps during which the rate rises, in [0, 1).
        warm_up: f64,
    },
    /// PyTorch's `OneCycleLR` with its defaults: from 1/25 up to 1 along a half cosine over a fraction of the steps,
    /// then down to 1/250,000 along another. Unlike PyTorch's, it does not cycle the momentum.
    OneCycle {
        /// Fraction of the steps during which the rate rises, in [0, 1).
        warm_up: f64,
    },
}

impl Schedule {
    /// The factor for a step, in [0, 1]. Steps count from 0; `steps` is their number in the whole training.
    pub fn factor(self, step: u64, steps: u64) -> f64 {
        let (step, steps) = (step as f64, steps as f64);
        match self {
            Self::Constant => 1.0,
            Self::Cosine { warm_up } => {
                let rising = warm_up * steps;
                if step < rising {
                    (step + 1.0).min(rising) / rising
                } else {
                    cosine(1.0, 0.0, (step - rising) / (steps - rising))
                }
            }
            Self::OneCycle { warm_up } => {
                let (first, last) = (1.0 / 25.0, 1.0 / 25.0 / 1e4);
                let top = warm_up * steps - 1.0;
                if step <= top {
                    cosine(first, 1.0, step / top)
                } else {
                    cosine(1.0, last, (step - top) / (steps - 1.0 - top))
                }
            }
        }
    }
}

/// Interpolates from `start` to `end` along a half cosine.
fn cosine(start: f64, end: f64, progress: f64) -> f64 {
    end + (start - end) * 0.5 * (1.0 + (PI * progress).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_factors(schedule: Schedule, steps: u64, expected: &[(u64, f64)]) {
        for (step, expected) in expected {
            let factor = schedule.factor(*step, steps);
            assert!((factor - expected).abs() < 1e-9, "{schedule:?} at {step}: {factor} instead of {expected}");
        }
    }

    #[test]
    fn cosine_has_its_closed_form() {
        assert_factors(Schedule::Constant, 100, &[(0, 1.0), (99, 1.0)]);
        // (1 + cos 45 degrees) / 2 at a quarter, and so on.
        let falling = [(0, 1.0), (25, 0.853_553_390_593), (50, 0.5), (75, 0.146_446_609_407)];
        assert_factors(Schedule::Cosine { warm_up: 0.0 }, 100, &falling);
        let risen = [(0, 0.1), (4, 0.5), (9, 1.0), (10, 1.0), (55, 0.5), (100, 0.0)];
        assert_factors(Schedule::Cosine { warm_up: 0.1 }, 100, &risen);
    }

    /// The values are those of `torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=100)`.
    #[test]
    fn one_cycle_follows_pytorch() {
        let by_pytorch = [(0, 0.04), (10, 0.295_163_948_464), (29, 1.0), (60, 0.589_280_090_286), (99, 4e-6)];
        assert_factors(Schedule::OneCycle { warm_up: 0.3 }, 100, &by_pytorch);
    }
}
