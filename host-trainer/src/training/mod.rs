//! Training: stochastic gradient descent over shuffled batches.
//!
//! The same seed gives the same bytes for any number of threads: a batch is split into chunks of a
//! fixed size, each chunk's gradient is computed alone, and the gradients are added in chunk order.

mod augment;
mod recipe;
mod sgd;

use ndarray::{ArrayView1, ArrayView2, Axis};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPool;
use rayon::prelude::*;

use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluation;
use crate::network::{self, Network, Parameters, Pools, cross_entropy};

pub use augment::RandomShift;
pub use recipe::{Recipe, RecipeName, Schedule};
pub use sgd::Sgd;

/// Images whose gradient one thread computes at a time.
const CHUNK: usize = 8;

/// Everything a training depends on besides its images.
#[derive(Clone, Debug)]
pub struct Options {
    /// Hyper-parameters.
    pub recipe: Recipe,
    /// Pool kinds.
    pub pools: Pools,
    /// Seed of initialization and shuffling.
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
    /// Mean loss over the epoch's batches, each taken before its step.
    pub loss: f64,
    /// Fraction of the validation split classified rightly, if there is one.
    pub validation_accuracy: Option<f64>,
    /// Learning rate of the last step.
    pub lr: f32,
}

/// Told how a training goes on. Every method may do nothing.
pub trait Observer {
    /// After each batch of `images` images.
    fn batch(&mut self, images: usize) {
        let _ = images;
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
        let mut network = initial_network(options);
        let mut sgd = Sgd::new(options.recipe.momentum);
        for epoch in 1..=options.recipe.epochs {
            let line = train_epoch(&mut network, &mut sgd, images, options, epoch, observer)?;
            let validation_accuracy = validation.map(|split| evaluation::evaluate_float(&network, split).accuracy());
            observer.epoch(EpochLine { validation_accuracy, ..line });
        }
        Ok(network)
    })
}

fn train_epoch(
    network: &mut Network,
    sgd: &mut Sgd,
    images: &Split,
    options: &Options,
    epoch: usize,
    observer: &mut (dyn Observer + Send),
) -> Result<EpochLine> {
    let recipe = &options.recipe;
    let mut order: Vec<usize> = (0..images.len()).collect();
    order.shuffle(&mut stream(options.seed, Purpose::Shuffle, epoch));
    let shift = (recipe.max_shift > 0)
        .then(|| RandomShift::new(recipe.max_shift, stream(options.seed, Purpose::Augment, epoch)));

    let steps = images.len().div_ceil(recipe.batch);
    let (mut epoch_loss, mut logged_loss, mut lr) = (0.0, 0.0, recipe.lr);
    for (step, batch) in order.chunks(recipe.batch).enumerate() {
        let (loss, gradient) = batch_gradient(network, images, batch, shift.as_ref());
        lr = recipe.learning_rate((epoch - 1) * steps + step, recipe.epochs * steps);
        if !loss.is_finite() {
            return Err(Error::Diverged { epoch, step: step + 1, lr });
        }
        sgd.step(&mut network.parameters, &gradient, lr);
        epoch_loss += loss;
        logged_loss += loss;
        observer.batch(batch.len());
        if (step + 1) % recipe.log_every == 0 {
            observer.loss(LossLine { epoch, step: step + 1, loss: logged_loss / recipe.log_every as f64 });
            logged_loss = 0.0;
        }
    }
    Ok(EpochLine { epoch, loss: epoch_loss / steps as f64, validation_accuracy: None, lr })
}

/// Mean loss of the images that `batch` names, shifted if so wished, and its gradient.
pub fn batch_gradient(
    network: &Network,
    images: &Split,
    batch: &[usize],
    shift: Option<&RandomShift>,
) -> (f64, Parameters<f32>) {
    let weight = 1.0 / batch.len() as f32;
    let parts: Vec<(f32, Parameters<f32>)> = batch
        .par_chunks(CHUNK)
        .map(|chunk| {
            let pixels =
                shift.map_or_else(|| images.images().select(Axis(0), chunk), |shift| shift.gather(images, chunk));
            let labels = images.labels().select(Axis(0), chunk);
            chunk_gradient(network, pixels.view(), labels.view(), weight)
        })
        .collect();
    let mut parts = parts.into_iter();
    let (first_loss, mut gradient) = parts.next().expect("a batch has at least one image");
    let mut loss = f64::from(first_loss);
    for (part_loss, part) in parts {
        loss += f64::from(part_loss);
        gradient.add(&part);
    }
    (loss / batch.len() as f64, gradient)
}

fn chunk_gradient(
    network: &Network,
    pixels: ArrayView2<'_, u8>,
    labels: ArrayView1<'_, u8>,
    weight: f32,
) -> (f32, Parameters<f32>) {
    let activations = network::forward(&network.parameters, network.pools, pixels);
    let (loss, d_logits) = cross_entropy::loss_and_gradient(&activations.logits, labels, weight);
    (loss, network::backward(&network.parameters, network.pools, &activations, &d_logits))
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
