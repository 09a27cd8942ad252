use std::str::FromStr;

use clap::{Args, ValueEnum};

use crate::data::Split;
use crate::network::Initialization;
use crate::training::{Augmentation, Frozen, Optimizer, Recipe, RecipeName, Schedule, draws_per_epoch};

/// The hyper-parameters: a named set, and options that override single values.
#[derive(Args, Debug)]
#[command(next_help_heading = "Recipe")]
pub(super) struct RecipeArguments {
    /// Named set of hyper-parameters; the options below override single values.
    /// [default: default, or with --from fine-tune]
    #[arg(long, value_enum)]
    recipe: Option<RecipeArgument>,
    /// Passes over the training images; 0 writes the untrained network. fine-tune makes as many
    /// as draw 200,000 images, from 5 to 500.
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Batch size, in images.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = parse_batch)]
    batch: Option<usize>,
    /// How the weights are initialized.
    #[arg(long, value_enum)]
    init: Option<InitArgument>,
    /// Optimization algorithm.
    #[arg(long, value_enum)]
    optimizer: Option<OptimizerArgument>,
    /// Learning rate; with a schedule, its peak.
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = parse_lr)]
    lr: Option<f32>,
    /// Momentum for sgd and nesterov, beta1 for adamw; at least 0 and below 1.
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = parse_fraction::<f32>)]
    momentum: Option<f32>,
    /// Weight decay.
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = parse_weight_decay)]
    weight_decay: Option<f32>,
    /// Learning-rate schedule.
    #[arg(long, value_enum)]
    schedule: Option<ScheduleArgument>,
    /// Warm-up: fraction of all steps during which the learning rate rises; at least 0 and below 1.
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = parse_fraction::<f64>)]
    warm_up: Option<f64>,
    /// Decay per step of the moving average of the weights, which becomes the trained network; 0 turns it off.
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = parse_fraction::<f32>)]
    ema: Option<f32>,
    /// Label smoothing: fraction of each target spread evenly over all classes; at least 0 and below 1.
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = parse_fraction::<f32>)]
    label_smoothing: Option<f32>,
    /// Strength of the augmentation (rotation, shear, scale, shift, elastic distortion): 1 suits MNIST, 0
    /// turns it off, 4 is the most.
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = parse_strength)]
    augment: Option<f32>,
    /// Layers that keep their weights; useful with --from.
    #[arg(long, value_enum)]
    freeze: Option<Frozen>,
    /// Draw the images of smaller classes more often, so that all classes are drawn equally often.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    balance: Option<bool>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RecipeArgument {
    /// AdamW with warm-up, cosine schedule, weight averaging and augmentation.
    Default,
    /// As in the PyTorch tutorial: batch 32, SGD, lr 0.001, momentum 0.9, 10 epochs.
    Tutorial,
    /// For --from, chosen for few images: a lower learning rate, stronger augmentation, balanced classes.
    FineTune,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum InitArgument {
    /// PyTorch's default.
    Pytorch,
    /// He initialization, meant for ReLU; biases start at zero.
    He,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum OptimizerArgument {
    /// Stochastic gradient descent with momentum.
    Sgd,
    /// SGD with Nesterov momentum.
    Nesterov,
    /// Adam with decoupled weight decay.
    Adamw,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScheduleArgument {
    /// Constant rate.
    Constant,
    /// Linear warm-up, then half a cosine down to 0.
    Cosine,
    /// PyTorch's OneCycleLR.
    OneCycle,
}

/// Parses a finite number that `valid` accepts. The error is `rule`, which says what is accepted.
fn number<T: FromStr + Copy + Into<f64>>(text: &str, valid: impl Fn(f64) -> bool, rule: &str) -> Result<T, String> {
    let accepted = |number: &T| (*number).into().is_finite() && valid((*number).into());
    text.parse().ok().filter(accepted).ok_or(rule.to_owned())
}

fn parse_batch(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|batch| *batch > 0).ok_or("it must be at least 1".into())
}

fn parse_lr(text: &str) -> Result<f32, String> {
    number(text, |lr| lr > 0.0, "it must be a number above 0")
}

fn parse_weight_decay(text: &str) -> Result<f32, String> {
    number(text, |decay| decay >= 0.0, "it must be a number, at least 0")
}

fn parse_strength(text: &str) -> Result<f32, String> {
    number(text, |strength| (0.0..=4.0).contains(&strength), "it must be a number from 0 to 4")
}

fn parse_fraction<T: FromStr + Copy + Into<f64>>(text: &str) -> Result<T, String> {
    number(text, |x| (0.0..1.0).contains(&x), "it must be a number, at least 0 and below 1")
}

impl RecipeArguments {
    /// The options that were given, as they are written on the command line.
    pub(super) fn options(&self) -> Vec<String> {
        let mut options = Vec::new();
        let mut add = |name: &str, value: Option<String>| {
            options.extend(value.map(|value| format!("--{name} {value}")));
        };
        add("recipe", word(self.recipe));
        add("epochs", text(self.epochs));
        add("batch", text(self.batch));
        add("init", word(self.init));
        add("optimizer", word(self.optimizer));
        add("lr", text(self.lr));
        add("momentum", text(self.momentum));
        add("weight-decay", text(self.weight_decay));
        add("schedule", word(self.schedule));
        add("warm-up", text(self.warm_up));
        add("ema", text(self.ema));
        add("label-smoothing", text(self.label_smoothing));
        add("augment", text(self.augment));
        add("freeze", word(self.freeze));
        match self.balance {
            None => {}
            Some(true) => options.push("--balance".into()),
            Some(false) => options.push("--balance=false".into()),
        }
        options
    }

    /// The named recipe with the given options applied. `from` says whether training starts from a trained network.
    pub(super) fn recipe(&self, images: &Split, from: bool) -> Recipe {
        let usual = if from { RecipeArgument::FineTune } else { RecipeArgument::Default };
        let name = match self.recipe.unwrap_or(usual) {
            RecipeArgument::Default => RecipeName::Default,
            RecipeArgument::Tutorial => RecipeName::Tutorial,
            RecipeArgument::FineTune => RecipeName::FineTune,
        };
        let named = Recipe::named(name);
        let balance = self.balance.unwrap_or(named.balance);
        let epochs = match name {
            RecipeName::FineTune => Recipe::fine_tuning_epochs(draws_per_epoch(images, balance)),
            _ => named.epochs,
        };
        Recipe {
            balance,
            frozen: self.freeze.unwrap_or(named.frozen),
            epochs: self.epochs.unwrap_or(epochs),
            batch: self.batch.unwrap_or(named.batch),
            initialization: match self.init {
                None => named.initialization,
                Some(InitArgument::Pytorch) => Initialization::PyTorch,
                Some(InitArgument::He) => Initialization::He,
            },
            optimizer: self.optimizer(named.optimizer),
            lr: self.lr.unwrap_or(named.lr),
            weight_decay: self.weight_decay.unwrap_or(named.weight_decay),
            schedule: self.schedule(named.schedule),
            ema: self.ema.unwrap_or(named.ema),
            label_smoothing: self.label_smoothing.unwrap_or(named.label_smoothing),
            augmentation: self.augment.map_or(named.augmentation, |strength| Augmentation::DIGITS.times(strength)),
            ..named
        }
    }

    fn optimizer(&self, named: Optimizer) -> Optimizer {
        let kind = self.optimizer.unwrap_or(match named {
            Optimizer::Sgd { nesterov: false, .. } => OptimizerArgument::Sgd,
            Optimizer::Sgd { nesterov: true, .. } => OptimizerArgument::Nesterov,
            Optimizer::AdamW { .. } => OptimizerArgument::Adamw,
        });
        let momentum = self.momentum.unwrap_or(match named {
            Optimizer::Sgd { momentum, .. } | Optimizer::AdamW { beta1: momentum, .. } => momentum,
        });
        match kind {
            OptimizerArgument::Adamw => Optimizer::AdamW { beta1: momentum, beta2: 0.999 },
            sgd => Optimizer::Sgd { momentum, nesterov: sgd == OptimizerArgument::Nesterov },
        }
    }

    fn schedule(&self, named: Schedule) -> Schedule {
        let kind = self.schedule.unwrap_or(match named {
            Schedule::Constant => ScheduleArgument::Constant,
            Schedule::Cosine { .. } => ScheduleArgument::Cosine,
            Schedule::OneCycle { .. } => ScheduleArgument::OneCycle,
        });
        let warm_up = |default| {
            self.warm_up.unwrap_or(match named {
                Schedule::Constant => default,
                Schedule::Cosine { warm_up } | Schedule::OneCycle { warm_up } => warm_up,
            })
        };
        match kind {
            ScheduleArgument::Constant => Schedule::Constant,
            ScheduleArgument::Cosine => Schedule::Cosine { warm_up: warm_up(0.0) },
            ScheduleArgument::OneCycle => Schedule::OneCycle { warm_up: warm_up(0.3) },
        }
    }
}

fn text<T: ToString>(value: Option<T>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// How a value is written on the command line.
pub(super) fn word<T: ValueEnum>(value: Option<T>) -> Option<String> {
    value.and_then(|value| value.to_possible_value()).map(|value| value.get_name().to_owned())
}
