use crate::network::Parameters;

/// Stochastic gradient descent with momentum, in PyTorch's form: `v = momentum * v + g`, `p -= lr * v`.
#[derive(Clone, Debug)]
pub struct Sgd {
    momentum: f32,
    velocity: Parameters<f32>,
}

impl Sgd {
    /// A new optimizer at rest. `momentum` in [0, 1).
    pub fn new(momentum: f32) -> Self {
        Self { momentum, velocity: Parameters::zeros() }
    }

    /// One step against `gradient`.
    pub fn step(&mut self, parameters: &mut Parameters<f32>, gradient: &Parameters<f32>, lr: f32) {
        let arrays = parameters.slices_mut().into_iter().zip(self.velocity.slices_mut()).zip(gradient.arrays());
        for ((parameters, velocity), gradient) in arrays {
            for ((p, v), g) in parameters.iter_mut().zip(velocity).zip(gradient) {
                *v = self.momentum * *v + *g;
                *p -= lr * *v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_formula() {
        let (mut sgd, mut parameters, mut gradient) = (Sgd::new(0.5), Parameters::zeros(), Parameters::zeros());
        gradient.fc3_bias[3] = 2.0;
        sgd.step(&mut parameters, &gradient, 0.1);
        assert_eq!(parameters.fc3_bias[3], -0.2);
        sgd.step(&mut parameters, &gradient, 0.1);
        // v = 0.5 * 2 + 2 = 3
        assert!((parameters.fc3_bias[3] - -0.5).abs() < 1e-6);
        assert_eq!(parameters.fc3_bias[4], 0.0);
    }
}
