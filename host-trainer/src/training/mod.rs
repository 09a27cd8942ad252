//! Training: steps of an optimizer over shuffled and distorted batches.
//!
//! The same seed gives the same bytes for any number of threads: what is random depends on the seed,
//! the epoch and the image, and gradients are added in an order of their own.

mod augment;
mod gradient;
mod optimizer;
mod quantization_aware;
mod recipe;
mod rendezvous;
mod schedule;

use std::ops::ControlFlow;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPool;
use serde::{Deserialize, Serialize};

use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluation::{self, LossAndAccuracy};
use crate::network::lanes::{InstructionSet, Pass};
use crate::network::{Network, Parameters, Pools};

pub use augment::{Augmentation, Augmenter};
pub use gradient::{BatchGradient, BatchResult, Source};
pub use optimizer::{Optimizer, State, StepOptions};
pub use quantization_aware::{ActivationRanges, QatOptions, fine_tune};
pub use recipe::{Recipe, RecipeName};
pub use schedule::Schedule;

use quantization_aware::Simulation;

/// Everything a training depends on besides its images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochLine {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Mean loss over the epoch's batches, each taken before its step, on distorted images.
    pub loss: f64,
    /// Fraction of the epoch's images classified rightly, likewise.
    pub accuracy: f64,
    /// Mean loss and accuracy on the validation split, if there is one.
    pub validation: Option<LossAndAccuracy>,
    /// Learning rate of the last step.
    pub lr: f32,
}

/// Told how a training goes on. Every method may do nothing.
pub trait Observer {
    /// After each batch of `images` images. A break ends the training here, to be resumed or not.
    fn batch(&mut self, images: usize, result: BatchResult) -> ControlFlow<()> {
        let _ = (images, result);
        ControlFlow::Continue(())
    }
    /// After each [`Recipe::log_every`] batches.
    fn loss(&mut self, line: LossLine) {
        let _ = line;
    }
    /// After each epoch, with what it takes to go on from there. An error ends the training.
    ///
    /// # Errors
    /// As the observer likes.
    fn epoch(&mut self, line: EpochLine, snapshot: &Snapshot) -> Result<()> {
        let _ = (line, snapshot);
        Ok(())
    }
}

/// An observer that does nothing.
impl Observer for () {}

/// The network a seed starts from.
pub fn initial_network(options: &Options) -> Network {
    let mut rng = stream(options.seed, Purpose::Initialize, 0);
    Network { parameters: Parameters::init(options.recipe.initialization, &mut rng), pools: options.pools }
}

/// Trains a network on `images`, from the beginning to the end. `validation` is measured after each
/// epoch and has no influence.
///
/// # Errors
/// [`Error::Diverged`] when the loss stops being finite, and what the observer returns.
pub fn train(
    images: &Split,
    validation: Option<&Split>,
    options: &Options,
    pool: &ThreadPool,
    observer: &mut (dyn Observer + Send),
) -> Result<Network> {
    let mut trainer = Trainer::new(images, validation, options);
    trainer.run(pool, observer)?;
    Ok(trainer.result())
}

/// Everything a training remembers from one batch to the next. What is random it does not: that
/// depends on seed, epoch and image alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The network and its optimizer.
    pub state: State,
    /// Epochs finished.
    pub epochs: usize,
    /// Batches done in the epoch after those.
    pub batches: usize,
    epoch_loss: f64,
    logged_loss: f64,
    correct: usize,
}

impl Snapshot {
    /// A training at its beginning.
    fn new(parameters: Parameters<f32>) -> Self {
        let state = State::new(parameters);
        Self { state, epochs: 0, batches: 0, epoch_loss: 0.0, logged_loss: 0.0, correct: 0 }
    }
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// After its last epoch.
    Finished,
    /// Earlier, as the observer wished.
    Interrupted,
}

/// A training that can be stopped after any batch and resumed from its [`Snapshot`].
pub struct Trainer<'a> {
    images: &'a Split,
    validation: Option<&'a Split>,
    options: &'a Options,
    set: InstructionSet,
    batch: BatchGradient,
    /// The int8 network's rounding, if gradients are taken through it.
    simulation: Option<Simulation>,
    snapshot: Snapshot,
}

impl<'a> Trainer<'a> {
    /// A training at its beginning.
    pub fn new(images: &'a Split, validation: Option<&'a Split>, options: &'a Options) -> Self {
        Self::resume(images, validation, options, Snapshot::new(initial_network(options).parameters))
    }

    /// A training where another one on the same images with the same options left off.
    pub fn resume(images: &'a Split, validation: Option<&'a Split>, options: &'a Options, snapshot: Snapshot) -> Self {
        let set = InstructionSet::detect();
        Self { images, validation, options, set, batch: BatchGradient::new(set), simulation: None, snapshot }
    }

    /// What it takes to go on from here.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The network as it would be the result now.
    pub fn result(&self) -> Network {
        let State { parameters, average, .. } = &self.snapshot.state;
        let averaged = self.options.recipe.ema > 0.0;
        let parameters = if averaged { average } else { parameters }.clone();
        Network { parameters, pools: self.options.pools }
    }

    /// Loss and accuracy of what would be the result now, in the arithmetic that it is trained for.
    fn measure(&self, split: &Split) -> Result<LossAndAccuracy> {
        let network = self.result();
        match &self.simulation {
            None => Ok(evaluation::float_loss_and_accuracy(&network, split)),
            Some(simulation) => simulation.measure(&network, split),
        }
    }

    /// Trains to the end, or to where the observer stops.
    ///
    /// # Errors
    /// [`Error::Diverged`] when the loss stops being finite, and what the observer returns.
    pub fn run(&mut self, pool: &ThreadPool, observer: &mut (dyn Observer + Send)) -> Result<Outcome> {
        pool.install(|| {
            while self.snapshot.epochs < self.options.recipe.epochs {
                if self.epoch(observer)? == Outcome::Interrupted {
                    return Ok(Outcome::Interrupted);
                }
            }
            Ok(Outcome::Finished)
        })
    }

    /// The rest of an epoch.
    fn epoch(&mut self, observer: &mut (dyn Observer + Send)) -> Result<Outcome> {
        let Options { recipe, pools, seed } = self.options;
        let epoch = self.snapshot.epochs + 1;
        let mut order: Vec<usize> = (0..self.images.len()).collect();
        order.shuffle(&mut stream(*seed, Purpose::Shuffle, epoch));
        let augmenter = (recipe.augmentation != Augmentation::NONE)
            .then(|| Augmenter::new(recipe.augmentation, stream(*seed, Purpose::Augment, epoch)));
        let (augmenter, label_smoothing) = (augmenter.as_ref(), recipe.label_smoothing);
        let source = Source { split: self.images, augmenter, label_smoothing };

        let batches = order.len().div_ceil(recipe.batch);
        let steps = (recipe.epochs * batches) as u64;
        for (batch, images) in order.chunks(recipe.batch).enumerate().skip(self.snapshot.batches) {
            let state = &mut self.snapshot.state;
            let lr = recipe.learning_rate(state.steps, steps);
            let simulated = self.simulation.as_ref().map(|int8| int8.of(&state.parameters, *pools)).transpose()?;
            let pass = simulated.as_ref().map_or(Pass::Float(&state.parameters, *pools), Pass::SimulatedInt8);
            let result = self.batch.compute(pass, source, images);
            if !result.loss.is_finite() {
                let layer = self.batch.not_finite(&state.parameters, *pools, source, images);
                return Err(Error::Diverged { epoch, step: batch + 1, layer, lr });
            }
            state.step(self.set, &recipe.step_options(lr), &self.batch.gradients());
            if let Some(simulation) = &mut self.simulation {
                simulation.observe(self.batch.extremes());
            }
            self.snapshot.batches += 1;
            self.snapshot.epoch_loss += result.loss;
            self.snapshot.logged_loss += result.loss;
            self.snapshot.correct += result.correct;
            if self.snapshot.batches.is_multiple_of(recipe.log_every) {
                let loss = std::mem::take(&mut self.snapshot.logged_loss) / recipe.log_every as f64;
                observer.loss(LossLine { epoch, step: self.snapshot.batches, loss });
            }
            if observer.batch(images.len(), result).is_break() {
                return Ok(Outcome::Interrupted);
            }
        }
        // Of the last step, which was before this start if the run was interrupted right behind it.
        let lr = recipe.learning_rate(self.snapshot.state.steps.saturating_sub(1), steps);
        let loss = self.snapshot.epoch_loss / batches as f64;
        let accuracy = self.snapshot.correct as f64 / order.len() as f64;
        let Snapshot { epochs, batches, epoch_loss, logged_loss, correct, .. } = &mut self.snapshot;
        (*epochs, *batches, *epoch_loss, *logged_loss, *correct) = (epoch, 0, 0.0, 0.0, 0);
        let validation = self.validation.map(|split| self.measure(split)).transpose()?;
        observer.epoch(EpochLine { epoch, loss, accuracy, validation, lr }, &self.snapshot)?;
        Ok(Outcome::Finished)
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
