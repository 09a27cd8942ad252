//! Optimizers: SGD and AdamW.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::rendezvous::Rendezvous;
use crate::network::Parameters;
use crate::network::lanes::InstructionSet;

/// The optimizer. Names and formulas are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// Stochastic gradient descent: `g += weight_decay * p`, `v = momentum * v + g`, `p -= lr * v`,
    /// or `p -= lr * (g + momentum * v)` with Nesterov momentum.
    Sgd {
        /// Momentum in [0, 1).
        momentum: f32,
        /// Whether to use Nesterov momentum.
        nesterov: bool,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter, 2019): `p -= lr * weight_decay * p`,
    /// `m = beta1 * m + (1 - beta1) * g`, `v = beta2 * v + (1 - beta2) * g^2`,
    /// `p -= lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + 1e-8)`.
    AdamW {
        /// Decay rate of the mean gradient, in [0, 1).
        beta1: f32,
        /// Decay rate of the mean squared gradient, in [0, 1).
        beta2: f32,
    },
}

const EPSILON: f32 = 1e-8;

/// Parameters one thread updates at a time.
const CHUNK: usize = 8192;

/// A network in training: its parameters and the optimizer's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The current parameters.
    pub parameters: Parameters<f32>,
    /// SGD's velocity or AdamW's mean gradient.
    pub first: Parameters<f32>,
    /// AdamW's mean squared gradient.
    pub second: Parameters<f32>,
    /// Exponential moving average of the parameters, if the recipe keeps one.
    pub average: Parameters<f32>,
    /// Steps taken.
    pub steps: u64,
}

/// What a step depends on besides the state and the gradient.
#[derive(Clone, Copy, Debug)]
pub struct StepOptions {
    /// The optimizer.
    pub optimizer: Optimizer,
    /// Learning rate of this step.
    pub lr: f32,
    /// Weight decay.
    pub weight_decay: f32,
    /// Decay rate of the moving average of the parameters, in [0, 1); 0 keeps no average. At step `t` it is at most
    /// `(1 + t) / (10 + t)`, as in TensorFlow's `ExponentialMovingAverage`.
    pub ema: f32,
    /// Number of parameters, the first ones of [`Parameters::values`], that the step does not change.
    pub frozen: usize,
}

impl State {
    /// The state before the first step.
    pub fn new(parameters: Parameters<f32>) -> Self {
        let classes = parameters.classes();
        Self {
            average: parameters.clone(),
            parameters,
            first: Parameters::zeros(classes),
            second: Parameters::zeros(classes),
            steps: 0,
        }
    }

    /// Takes one step with the sum of `gradients`, which are added in this order.
    pub fn step(&mut self, set: InstructionSet, options: &StepOptions, gradients: &[&Parameters<f32>]) {
        self.steps += 1;
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let frozen = options.frozen;
        let together = Rendezvous::new((self.parameters.values().len() - frozen).div_ceil(CHUNK));
        let chunks = self.parameters.values_mut()[frozen..]
            .par_chunks_mut(CHUNK)
            .zip(self.first.values_mut()[frozen..].par_chunks_mut(CHUNK))
            .zip(self.second.values_mut()[frozen..].par_chunks_mut(CHUNK))
            .zip(self.average.values_mut()[frozen..].par_chunks_mut(CHUNK));
        chunks.enumerate().for_each(|(index, (((parameters, first), second), average))| {
            let start = frozen + index * CHUNK;
            let update = Update { options, steps, start, gradients, parameters, first, second, average };
            together.run(|| set.run(update));
        });
    }
}

/// The update of one chunk, compiled for each instruction set. It sums nothing across vector lanes, so rounding does
/// not depend on the instruction set.
struct Update<'a> {
    options: &'a StepOptions,
    steps: i32,
    start: usize,
    gradients: &'a [&'a Parameters<f32>],
    parameters: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    average: &'a mut [f32],
}

impl WithSimd for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { options, steps, start, gradients, parameters, first, second, average } = self;
        let StepOptions { optimizer, lr, weight_decay, ema, .. } = *options;
        let mut buffer = [0.0; CHUNK];
        let gradient = &mut buffer[..parameters.len()];
        for other in gradients {
            for (sum, g) in gradient.iter_mut().zip(&other.values()[start..]) {
                *sum += *g;
            }
        }
        match optimizer {
            Optimizer::Sgd { momentum, nesterov } => {
                for ((p, v), g) in parameters.iter_mut().zip(first).zip(gradient) {
                    let g = *g + weight_decay * *p;
                    *v = momentum * *v + g;
                    *p -= lr * if nesterov { g + momentum * *v } else { *v };
                }
            }
            Optimizer::AdamW { beta1, beta2 } => {
                let (correction1, correction2) = (1.0 - beta1.powi(steps), 1.0 - beta2.powi(steps));
                let (rate, root) = (lr / correction1, correction2.sqrt().recip());
                for (((p, m), v), g) in parameters.iter_mut().zip(first).zip(second).zip(gradient) {
                    *m = beta1 * *m + (1.0 - beta1) * *g;
                    *v = beta2 * *v + (1.0 - beta2) * *g * *g;
                    *p = *p * (1.0 - lr * weight_decay) - rate * *m / (v.sqrt() * root + EPSILON);
                }
            }
        }
        if ema > 0.0 {
            // A lower decay rate at first; otherwise the average would remember the initial parameters for a long time.
            let ema = ema.min((1 + steps) as f32 / (10 + steps) as f32);
            for (average, p) in average.iter_mut().zip(parameters) {
                *average = ema * *average + (1.0 - ema) * *p;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::Frozen;

    /// The value of one parameter after each gradient, and the final state.
    fn run(options: &StepOptions, start: f32, gradients: &[f32]) -> (Vec<f32>, State) {
        let mut parameters = Parameters::zeros(10);
        parameters.fc3_bias_mut()[3] = start;
        let mut state = State::new(parameters);
        let values = gradients.iter().map(|g| {
            let (mut half, mut other) = (Parameters::zeros(10), Parameters::zeros(10));
            half.fc3_bias_mut()[3] = g * 0.75;
            other.fc3_bias_mut()[3] = g * 0.25;
            state.step(InstructionSet::detect(), options, &[&half, &other]);
            state.parameters.fc3_bias()[3]
        });
        (values.collect(), state)
    }

    fn assert_near(got: &[f32], expected: &[f64]) {
        for (got, expected) in got.iter().zip(expected) {
            assert!((f64::from(*got) - expected).abs() < 1e-6, "{got} instead of {expected}");
        }
    }

    #[test]
    fn sgd_follows_its_formula() {
        let optimizer = Optimizer::Sgd { momentum: 0.5, nesterov: false };
        let options = StepOptions { optimizer, lr: 0.1, weight_decay: 0.0, ema: 0.0, frozen: 0 };
        let (values, state) = run(&options, 0.0, &[2.0, 2.0]);
        // v = 2, then 0.5 * 2 + 2 = 3
        assert_near(&values, &[-0.2, -0.5]);
        assert_eq!(state.parameters.fc3_bias()[4], 0.0);
        let options = StepOptions { weight_decay: 1.0, ..options };
        // g = 2 + 1 = 3, v = 3, p = 1 - 0.3
        assert_near(&run(&options, 1.0, &[2.0]).0, &[0.7]);
    }

    #[test]
    fn nesterov_looks_ahead() {
        let optimizer = Optimizer::Sgd { momentum: 0.5, nesterov: true };
        let options = StepOptions { optimizer, lr: 0.1, weight_decay: 0.0, ema: 0.0, frozen: 0 };
        // v = 2: p -= 0.1 * (2 + 1); v = 3: p -= 0.1 * (2 + 1.5)
        assert_near(&run(&options, 0.0, &[2.0, 2.0]).0, &[-0.3, -0.65]);
    }

    /// The values are those of `torch.optim.AdamW` in f64.
    #[test]
    fn adamw_follows_pytorch() {
        let optimizer = Optimizer::AdamW { beta1: 0.9, beta2: 0.999 };
        let options = StepOptions { optimizer, lr: 0.01, weight_decay: 0.1, ema: 0.0, frozen: 0 };
        let (values, _) = run(&options, 0.5, &[0.3, -0.1, 0.02, 0.7]);
        let by_pytorch =
            [0.489_500_000_333_333_3, 0.485_008_314_792_474_75, 0.481_032_188_653_719_16, 0.474_077_835_372_530_07];
        assert_near(&values, &by_pytorch);
    }

    #[test]
    fn average_follows_the_parameters() {
        let optimizer = Optimizer::Sgd { momentum: 0.0, nesterov: false };
        let options = StepOptions { optimizer, lr: 1.0, weight_decay: 0.0, ema: 0.75, frozen: 0 };
        let (values, state) = run(&options, 4.0, &[4.0, 0.0]);
        assert_eq!(values, [0.0, 0.0]);
        // 2/11 of 4, then 3/12 of that
        assert_near(&[state.average.fc3_bias()[3]], &[4.0 * 2.0 / 11.0 * 0.25]);
    }

    #[test]
    fn frozen_parameters_do_not_change() {
        let classes = 10;
        let before = Parameters::try_from(vec![0.5f32; Parameters::<f32>::count(classes)]).unwrap();
        let gradient = Parameters::try_from(vec![1.0f32; Parameters::<f32>::count(classes)]).unwrap();
        for frozen in [Frozen::None, Frozen::Convolutions, Frozen::AllButLast] {
            let frozen = frozen.parameters();
            let optimizer = Optimizer::AdamW { beta1: 0.9, beta2: 0.999 };
            let options = StepOptions { optimizer, lr: 0.01, weight_decay: 0.1, ema: 0.9, frozen };
            let mut state = State::new(before.clone());
            state.step(InstructionSet::detect(), &options, &[&gradient]);
            for values in [&state.parameters, &state.average] {
                assert!(values.values()[..frozen].iter().all(|value| *value == 0.5));
                assert!(values.values()[frozen..].iter().all(|value| *value < 0.5));
            }
        }
        assert_eq!([Frozen::None, Frozen::Convolutions, Frozen::AllButLast].map(Frozen::parameters), [0, 2572, 43576]);
    }
}
