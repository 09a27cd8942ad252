//! Training: steps of an optimizer over shuffled and distorted batches.
//!
//! The same seed gives the same bytes for any number of threads: what is random depends on the seed,
//! the epoch and the image, and gradients are added in an order of their own.

mod augment;
mod gradient;
mod optimizer;
mod recipe;
mod schedule;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPool;

use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluation;
use crate::network::lanes::InstructionSet;
use crate::network::{Network, Parameters, Pools};

pub use augment::{Augmentation, Augmenter};
pub use gradient::{BatchGradient, BatchResult, Source};
pub use optimizer::{Optimizer, State, StepOptions};
pub use recipe::{Recipe, RecipeName};
pub use schedule::Schedule;

/// Everything a training depends on besides its images.
#[derive(Clone, Debug)]
pub struct Options {
    /// Hyper-parameters.
    pub recipe: Recipe,
    /// Pool kinds.
    pub pools: Pools,
    /// Seed of initialization, shuffling and augmentation.
    pub seed: u64,
}

/// The mean loss since the last one of these.
#[derive(Clone, Copy, Debug)]
pub struct LossLine {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Batches done in this epoch.
    pub step: usize,
    /// Mean over the batches of their mean losses.
    pub loss: f64,
}

/// The end of an epoch.
#[derive(Clone, Copy, Debug)]
pub struct EpochLine {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Mean loss over the epoch's batches, each taken before its step, on distorted images.
    pub loss: f64,
    /// Fraction of the epoch's images classified rightly, likewise.
    pub accuracy: f64,
    /// Mean loss and accuracy on the validation split, if there is one.
    pub validation: Option<evaluation::LossAndAccuracy>,
    /// Learning rate of the last step.
    pub lr: f32,
}

/// Told how a training goes on. Every method may do nothing.
pub trait Observer {
    /// After each batch of `images` images.
    fn batch(&mut self, images: usize, result: BatchResult) {
        let _ = (images, result);
    }
    /// After each [`Recipe::log_every`] batches.
    fn loss(&mut self, line: LossLine) {
        let _ = line;
    }
    /// After each epoch.
    fn epoch(&mut self, line: EpochLine) {
        let _ = line;
    }
}

/// An observer that does nothing.
impl Observer for () {}

/// The network a seed starts from.
pub fn initial_network(options: &Options) -> Network {
    let mut rng = stream(options.seed, Purpose::Initialize, 0);
    Network { parameters: Parameters::init(&mut rng), pools: options.pools }
}

/// Trains a network on `images`. `validation` is measured after each epoch and has no influence.
///
/// # Errors
/// [`Error::Diverged`] when the loss stops being finite.
pub fn train(
    images: &Split,
    validation: Option<&Split>,
    options: &Options,
    pool: &ThreadPool,
    observer: &mut (dyn Observer + Send),
) -> Result<Network> {
    pool.install(|| {
        let mut trainer = Trainer::new(options, InstructionSet::detect());
        for epoch in 1..=options.recipe.epochs {
            let line = trainer.epoch(images, epoch, observer)?;
            let validation = validation.map(|split| evaluation::loss_and_accuracy(&trainer.result(), split));
            observer.epoch(EpochLine { validation, ..line });
        }
        Ok(trainer.result())
    })
}

struct Trainer<'a> {
    options: &'a Options,
    set: InstructionSet,
    batch: BatchGradient,
    state: State,
}

impl<'a> Trainer<'a> {
    fn new(options: &'a Options, set: InstructionSet) -> Self {
        let state = State::new(initial_network(options).parameters);
        Self { options, set, batch: BatchGradient::new(set), state }
    }

    /// The network as it would be the result now.
    fn result(&self) -> Network {
        let averaged = self.options.recipe.ema > 0.0;
        let parameters = if averaged { &self.state.average } else { &self.state.parameters };
        Network { parameters: parameters.clone(), pools: self.options.pools }
    }

    fn epoch(&mut self, images: &Split, epoch: usize, observer: &mut (dyn Observer + Send)) -> Result<EpochLine> {
        let recipe = &self.options.recipe;
        let seed = self.options.seed;
        let mut order: Vec<usize> = (0..images.len()).collect();
        order.shuffle(&mut stream(seed, Purpose::Shuffle, epoch));
        let augmenter = (recipe.augmentation != Augmentation::NONE)
            .then(|| Augmenter::new(recipe.augmentation, stream(seed, Purpose::Augment, epoch)));
        let source = Source { split: images, augmenter: augmenter.as_ref(), label_smoothing: recipe.label_smoothing };

        let steps = images.len().div_ceil(recipe.batch);
        let (mut epoch_loss, mut logged_loss, mut correct, mut lr) = (0.0, 0.0, 0, recipe.lr);
        for (step, batch) in order.chunks(recipe.batch).enumerate() {
            let result = self.batch.compute(&self.state.parameters, self.options.pools, source, batch);
            let factor = recipe.schedule.factor(self.state.steps, (recipe.epochs * steps) as u64);
            lr = (f64::from(recipe.lr) * factor) as f32;
            if !result.loss.is_finite() {
                return Err(Error::Diverged { epoch, step: step + 1, lr });
            }
            let options =
                StepOptions { optimizer: recipe.optimizer, lr, weight_decay: recipe.weight_decay, ema: recipe.ema };
            self.state.step(self.set, &options, &self.batch.gradients());
            epoch_loss += result.loss;
            logged_loss += result.loss;
            correct += result.correct;
            observer.batch(batch.len(), result);
            if (step + 1) % recipe.log_every == 0 {
                observer.loss(LossLine { epoch, step: step + 1, loss: logged_loss / recipe.log_every as f64 });
                logged_loss = 0.0;
            }
        }
        let accuracy = correct as f64 / images.len() as f64;
        Ok(EpochLine { epoch, loss: epoch_loss / steps as f64, accuracy, validation: None, lr })
    }
}

/// What a random stream is for.
#[derive(Clone, Copy)]
enum Purpose {
    Initialize,
    Shuffle,
    Augment,
}

/// An independent random stream of a seed for each purpose and epoch.
fn stream(seed: u64, purpose: Purpose, epoch: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(((purpose as u64) << 32) | epoch as u64);
    rng
}
