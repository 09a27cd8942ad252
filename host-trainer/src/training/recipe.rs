use clap::ValueEnum;
use lenet_core::Layer;
use serde::{Deserialize, Serialize};

use super::augment::Augmentation;
use super::optimizer::{Optimizer, StepOptions};
use super::schedule::Schedule;
use crate::network::{Initialization, Parameters};

/// The built-in recipes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipeName {
    /// The recommended recipe.
    Default,
    /// Exactly the PyTorch tutorial's hyper-parameters.
    Tutorial,
    /// For starting from a trained network, with few images.
    FineTune,
}

/// The layers that training leaves as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Frozen {
    /// None; all layers are trained.
    #[default]
    None,
    /// conv1 and conv2.
    Convolutions,
    /// All but fc3.
    AllButLast,
}

impl Frozen {
    /// Number of frozen parameters, the first ones of [`Parameters::values`].
    pub fn parameters(self) -> usize {
        match self {
            Self::None => 0,
            Self::Convolutions => Parameters::<f32>::before(Layer::Fc1),
            Self::AllButLast => Parameters::<f32>::before(Layer::Fc3),
        }
    }
}

/// The hyper-parameters of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Name, for display and for files.
    pub name: String,
    /// Passes over the training images.
    pub epochs: usize,
    /// Images per step; the last step of an epoch may have fewer.
    pub batch: usize,
    /// How weights and biases are initialized.
    pub initialization: Initialization,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// Learning rate: the maximum of the schedule.
    pub lr: f32,
    /// Weight decay: coupled in SGD and decoupled in AdamW, as in PyTorch.
    pub weight_decay: f32,
    /// Learning-rate schedule.
    pub schedule: Schedule,
    /// Decay rate per step of the moving average of the parameters, which becomes the result; 0 keeps no average.
    pub ema: f32,
    /// Label smoothing: the fraction of each target that is spread evenly over all classes.
    pub label_smoothing: f32,
    /// How strongly images are distorted.
    pub augmentation: Augmentation,
    /// Number of batches that a logged loss is averaged over.
    pub log_every: usize,
    /// The layers that keep their parameters.
    #[serde(default)]
    pub frozen: Frozen,
    /// Whether images of smaller classes are drawn more often, so that all classes are drawn equally often.
    #[serde(default)]
    pub balance: bool,
}

impl Recipe {
    /// The learning rate of a step. Steps count from 0; `steps` is their number in the whole training.
    pub fn learning_rate(&self, step: u64, steps: u64) -> f32 {
        (f64::from(self.lr) * self.schedule.factor(step, steps)) as f32
    }

    /// The options of a step at the learning rate `lr`.
    pub fn step_options(&self, lr: f32) -> StepOptions {
        StepOptions {
            optimizer: self.optimizer,
            lr,
            weight_decay: self.weight_decay,
            ema: self.ema,
            frozen: self.frozen.parameters(),
        }
    }

    /// The epochs of [`RecipeName::FineTune`] when an epoch has this many draws: as many as make 200,000 draws, from 5
    /// to 500.
    pub fn fine_tuning_epochs(draws: usize) -> usize {
        const DRAWS: usize = 200_000;
        DRAWS.div_ceil(draws.max(1)).clamp(5, 500)
    }

    /// A short description: batch size, optimizer, learning rate, schedule and augmentation.
    pub fn describe(&self) -> String {
        let optimizer = match self.optimizer {
            Optimizer::Sgd { momentum, nesterov: false } => format!("SGD, momentum {momentum}"),
            Optimizer::Sgd { momentum, nesterov: true } => format!("SGD, Nesterov momentum {momentum}"),
            Optimizer::AdamW { .. } => "AdamW".to_owned(),
        };
        let schedule = match self.schedule {
            Schedule::Constant => "constant",
            Schedule::Cosine { .. } => "cosine",
            Schedule::OneCycle { .. } => "one cycle",
        };
        let bent = if self.augmentation == Augmentation::NONE { "" } else { ", augmented" };
        format!("batch {}, {optimizer}, lr {} {schedule}{bent}", self.batch, self.lr)
    }

    /// The recipe with this name.
    pub fn named(name: RecipeName) -> Self {
        match name {
            // Chosen on held-out training images; see `host-trainer/recipes/experiments.md`.
            RecipeName::Default => Self {
                name: "default".into(),
                epochs: 100,
                batch: 128,
                initialization: Initialization::He,
                optimizer: Optimizer::AdamW { beta1: 0.9, beta2: 0.999 },
                lr: 0.006,
                weight_decay: 0.1,
                schedule: Schedule::Cosine { warm_up: 0.1 },
                ema: 0.999,
                label_smoothing: 0.02,
                augmentation: Augmentation::DIGITS,
                log_every: 200,
                frozen: Frozen::None,
                balance: false,
            },
            // Chosen on data made for it; see `host-trainer/recipes/fine-tuning.md`.
            RecipeName::FineTune => Self {
                name: "fine-tune".into(),
                // For 10,000 draws an epoch.
                epochs: Self::fine_tuning_epochs(10_000),
                lr: 0.004,
                augmentation: Augmentation::DIGITS.times(1.5),
                balance: true,
                ..Self::named(RecipeName::Default)
            },
            RecipeName::Tutorial => Self {
                name: "tutorial".into(),
                epochs: 10,
                batch: 32,
                initialization: Initialization::PyTorch,
                optimizer: Optimizer::Sgd { momentum: 0.9, nesterov: false },
                lr: 0.001,
                weight_decay: 0.0,
                schedule: Schedule::Constant,
                ema: 0.0,
                label_smoothing: 0.0,
                augmentation: Augmentation::NONE,
                log_every: 200,
                frozen: Frozen::None,
                balance: false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tutorial_is_the_tutorial() {
        let recipe = Recipe::named(RecipeName::Tutorial);
        assert_eq!((recipe.epochs, recipe.batch, recipe.lr, recipe.log_every), (10, 32, 0.001, 200));
        assert_eq!(recipe.optimizer, Optimizer::Sgd { momentum: 0.9, nesterov: false });
        assert_eq!(recipe.initialization, Initialization::PyTorch);
        assert_eq!((recipe.schedule, recipe.augmentation), (Schedule::Constant, Augmentation::NONE));
        assert_eq!((recipe.weight_decay, recipe.ema, recipe.label_smoothing), (0.0, 0.0, 0.0));
    }
}
