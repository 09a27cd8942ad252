//! Training: optimizer steps over shuffled and augmented batches.
//!
//! The same seed gives the same bytes with any number of threads: randomness depends only on the seed, the epoch and
//! the image, and gradients are always added in the same order.

mod augment;
mod draws;
mod gradient;
mod optimizer;
mod quantization_aware;
mod recipe;
mod rendezvous;
mod schedule;
mod simulation;
mod transfer;

use std::ops::ControlFlow;

use lenet_core::Pools;
use lenet_core::preparation::Preparation;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPool;
use serde::{Deserialize, Serialize};

use crate::classes::Classes;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluation::{self, LossAndAccuracy};
use crate::network::lanes::{InstructionSet, Pass};
use crate::network::{Network, Parameters};

pub use augment::{Augmentation, Augmenter};
pub use draws::count as draws_per_epoch;
pub use gradient::{BatchGradient, BatchResult, Source};
pub use optimizer::{Optimizer, State, StepOptions};
pub use quantization_aware::{QatOptions, fine_tune};
pub use recipe::{Frozen, Recipe, RecipeName};
pub use schedule::Schedule;
pub use simulation::ActivationRanges;
pub use transfer::transferred;

use simulation::Simulation;

/// Everything that training depends on besides the images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Hyper-parameters.
    pub recipe: Recipe,
    /// Pool kinds.
    pub pools: Pools,
    /// The classes.
    pub classes: Classes,
    /// Seed for initialization, shuffling and augmentation.
    pub seed: u64,
}

impl Options {
    /// The network with these parameters.
    fn network(&self, parameters: Parameters<f32>) -> Network {
        Network {
            parameters,
            pools: self.pools,
            classes: self.classes.clone(),
            none_of_these: None,
            preparation: Preparation::default(),
        }
    }
}

/// The mean loss since the previous `LossLine`.
#[derive(Clone, Copy, Debug)]
pub struct LossLine {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Batches finished in this epoch.
    pub step: usize,
    /// Mean of the batches' mean losses.
    pub loss: f64,
}

/// Summary of a finished epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochLine {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Mean loss over the epoch's batches, on augmented images, each measured before the batch's step.
    pub loss: f64,
    /// Fraction of the epoch's images classified correctly, measured in the same way.
    pub accuracy: f64,
    /// Mean loss and accuracy on the validation split, if there is one.
    pub validation: Option<LossAndAccuracy>,
    /// Learning rate of the last step.
    pub lr: f32,
}

/// Receives the progress of training. By default every method does nothing.
pub trait Observer {
    /// Called after each batch of `images` images. `Break` stops the training, which can be resumed from there.
    fn batch(&mut self, images: usize, result: BatchResult) -> ControlFlow<()> {
        let _ = (images, result);
        ControlFlow::Continue(())
    }
    /// Called after every [`Recipe::log_every`] batches.
    fn loss(&mut self, line: LossLine) {
        let _ = line;
    }
    /// Called after each epoch, with the state needed to resume from there.
    ///
    /// # Errors
    /// Whatever the observer reports; it ends the training.
    fn epoch(&mut self, line: EpochLine, snapshot: &Snapshot) -> Result<()> {
        let _ = (line, snapshot);
        Ok(())
    }
}

/// An observer that does nothing.
impl Observer for () {}

/// The network before the first step, as the seed initializes it.
pub fn initial_network(options: &Options) -> Network {
    let mut rng = stream(options.seed, Purpose::Initialize, 0);
    options.network(Parameters::init(options.recipe.initialization, options.classes.count(), &mut rng))
}

/// Trains a network on `images` from start to finish. `validation` is only measured, after each epoch; it does not
/// influence the training.
///
/// # Errors
/// [`Error::Diverged`] if the loss stops being finite, and any error of the observer.
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

/// All state that training carries from one batch to the next. No random state is needed, as randomness depends only on
/// the seed, the epoch and the image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The network and its optimizer.
    pub state: State,
    /// Epochs finished.
    pub epochs: usize,
    /// Batches finished in the epoch after those.
    pub batches: usize,
    epoch_loss: f64,
    logged_loss: f64,
    correct: usize,
}

impl Snapshot {
    /// The state before the first step of a training that starts from these parameters.
    pub fn new(parameters: Parameters<f32>) -> Self {
        let state = State::new(parameters);
        Self { state, epochs: 0, batches: 0, epoch_loss: 0.0, logged_loss: 0.0, correct: 0 }
    }
}

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// After its last epoch.
    Finished,
    /// Earlier, because the observer stopped it.
    Interrupted,
}

/// A training that can be stopped after any batch and resumed from its [`Snapshot`].
pub struct Trainer<'a> {
    images: &'a Split,
    validation: Option<&'a Split>,
    options: &'a Options,
    set: InstructionSet,
    batch: BatchGradient,
    /// Makes the int8 network that gradients are computed through, in quantization-aware training.
    simulation: Option<Simulation>,
    snapshot: Snapshot,
}

impl<'a> Trainer<'a> {
    /// A training that starts from the seed's initial network. Labels of images must be below the number of classes.
    pub fn new(images: &'a Split, validation: Option<&'a Split>, options: &'a Options) -> Self {
        Self::resume(images, validation, options, Snapshot::new(initial_network(options).parameters))
    }

    /// A training that continues from the snapshot of another one on the same images with the same options.
    pub fn resume(images: &'a Split, validation: Option<&'a Split>, options: &'a Options, snapshot: Snapshot) -> Self {
        let set = InstructionSet::detect();
        Self { images, validation, options, set, batch: BatchGradient::new(set), simulation: None, snapshot }
    }

    /// The state needed to resume from here.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The network that training would return if it ended now: the average if there is one, else the parameters.
    pub fn result(&self) -> Network {
        let State { parameters, average, .. } = &self.snapshot.state;
        let averaged = self.options.recipe.ema > 0.0;
        self.options.network(if averaged { average } else { parameters }.clone())
    }

    /// Loss and accuracy of [`result`](Self::result), in the arithmetic it is trained for: float or int8.
    fn measure(&self, split: &Split) -> Result<LossAndAccuracy> {
        let network = self.result();
        match &self.simulation {
            None => Ok(evaluation::float_loss_and_accuracy(&network, split)),
            Some(simulation) => simulation.measure(&network, split),
        }
    }

    /// Trains to the end, or until the observer stops it.
    ///
    /// # Errors
    /// [`Error::Diverged`] if the loss stops being finite, and any error of the observer.
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

    /// Trains the rest of the current epoch.
    fn epoch(&mut self, observer: &mut (dyn Observer + Send)) -> Result<Outcome> {
        let Options { recipe, pools, seed, .. } = self.options;
        let epoch = self.snapshot.epochs + 1;
        let order = draws::draws(self.images, recipe.balance, &mut stream(*seed, Purpose::Shuffle, epoch));
        let augmenter = (recipe.augmentation != Augmentation::NONE)
            .then(|| Augmenter::new(recipe.augmentation, stream(*seed, Purpose::Augment, epoch)));
        let (augmenter, label_smoothing) = (augmenter.as_ref(), recipe.label_smoothing);
        let source = Source { split: self.images, augmenter, label_smoothing };

        let batches = order.len().div_ceil(recipe.batch);
        let steps = (recipe.epochs * batches) as u64;
        for (batch, images) in order.chunks(recipe.batch).enumerate().skip(self.snapshot.batches) {
            let state = &mut self.snapshot.state;
            let lr = recipe.learning_rate(state.steps, steps);
            let simulated = self
                .simulation
                .as_ref()
                .map(|int8| int8.of(&self.options.network(state.parameters.clone())))
                .transpose()?;
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
        // The last step's rate, computed again here: if the run was interrupted right after that step, the loop above
        // did not run.
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

/// What a stream of random numbers is used for.
#[derive(Clone, Copy)]
enum Purpose {
    Initialize,
    Shuffle,
    Augment,
}

/// The seed's stream of random numbers for one purpose and epoch, independent of all others.
fn stream(seed: u64, purpose: Purpose, epoch: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(((purpose as u64) << 32) | epoch as u64);
    rng
}
