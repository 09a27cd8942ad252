//! Quantization-aware training: a float network learns to live with the rounding of the int8 one.
//!
//! It is a training as any other, by the same [`Trainer`], but its gradients are taken at the int8 network that the
//! float network becomes in each step, weight by weight and bit by bit ([`SimulatedInt8`]). The steps go to the float
//! weights, where they may add up until a rounded weight changes.

use rayon::ThreadPool;

use super::{Augmentation, Observer, Optimizer, Options, Recipe, RecipeName, Schedule, Snapshot, Trainer};
use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluation::{LossAndAccuracy, int8_loss_and_accuracy};
use crate::network::lanes::SimulatedInt8;
use crate::network::{Network, Parameters, Pools};
use crate::quantization::{Granularity, Ranges, quantize};

/// Where the ranges of the activations come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ActivationRanges {
    /// They stay as calibration found them.
    Frozen,
    /// They follow the lowest and highest outputs of each batch, as a moving average that begins with those of
    /// calibration. It is what TensorFlow's quantization-aware training does.
    Learned {
        /// Decay of the average per step, in [0, 1).
        decay: f32,
    },
}

/// Everything a fine-tuning depends on besides network, ranges and images.
#[derive(Clone, Debug, PartialEq)]
pub struct QatOptions {
    /// Hyper-parameters. Those of the initialization are not used.
    pub recipe: Recipe,
    /// Where the ranges of the activations come from.
    pub ranges: ActivationRanges,
    /// What shares a weight scale.
    pub granularity: Granularity,
    /// Seed of shuffling and augmentation.
    pub seed: u64,
}

impl QatOptions {
    /// What to use unless there is a reason not to, for so many epochs; `QUANTIZATION.md` tells how it was chosen.
    pub fn new(epochs: usize, seed: u64) -> Self {
        let recipe = Recipe {
            name: "qat".into(),
            epochs,
            optimizer: Optimizer::AdamW { beta1: 0.9, beta2: 0.999 },
            lr: 0.0003,
            weight_decay: 0.1,
            schedule: Schedule::Cosine { warm_up: 0.1 },
            augmentation: Augmentation::NONE,
            ..Recipe::named(RecipeName::Default)
        };
        Self { recipe, ranges: ActivationRanges::Frozen, granularity: Granularity::default(), seed }
    }
}

/// Fine-tunes a float network on `images` so that the int8 network it becomes is better, and gives the float
/// network and the ranges that [`quantize`] is to make it from.
///
/// `ranges` are those of calibration. `validation` is measured after each epoch, in int8, and has no influence.
///
/// # Errors
/// As [`quantize`], and what the observer returns.
pub fn fine_tune(
    network: &Network,
    ranges: &Ranges,
    images: &Split,
    validation: Option<&Split>,
    options: &QatOptions,
    pool: &ThreadPool,
    observer: &mut (dyn Observer + Send),
) -> Result<(Network, Ranges)> {
    let QatOptions { recipe, ranges: kind, granularity, seed } = options;
    let options = Options { recipe: recipe.clone(), pools: network.pools, seed: *seed };
    let snapshot = Snapshot::new(network.parameters.clone());
    let mut trainer = Trainer::resume(images, validation, &options, snapshot);
    trainer.simulation = Some(Simulation { ranges: *ranges, kind: *kind, granularity: *granularity });
    trainer.run(pool, observer)?;
    let ranges = trainer.simulation.as_ref().map_or(*ranges, |simulation| simulation.ranges);
    Ok((trainer.result(), ranges))
}

/// The int8 network in a training.
pub(super) struct Simulation {
    ranges: Ranges,
    kind: ActivationRanges,
    granularity: Granularity,
}

impl Simulation {
    /// The int8 network that a float one becomes now.
    ///
    /// # Errors
    /// As [`quantize`].
    pub(super) fn of(&self, parameters: &Parameters<f32>, pools: Pools) -> Result<SimulatedInt8> {
        let network = Network { parameters: parameters.clone(), pools };
        Ok(SimulatedInt8::from(&quantize(&network, &self.ranges, self.granularity)?))
    }

    /// Loss and accuracy on a split of the int8 network that a float one becomes now.
    ///
    /// # Errors
    /// As [`quantize`].
    pub(super) fn measure(&self, network: &Network, split: &Split) -> Result<LossAndAccuracy> {
        let file = quantize(network, &self.ranges, self.granularity)?.encode(&Default::default())?;
        let model = file.model().map_err(|error| Error::Quantize(error.to_string()))?;
        Ok(int8_loss_and_accuracy(model, split))
    }

    /// Takes notice of the lowest and highest outputs of a batch.
    pub(super) fn observe(&mut self, extremes: [(f32, f32); 5]) {
        if let ActivationRanges::Learned { decay } = self.kind {
            self.ranges = self.ranges.toward(extremes, 1.0 - decay);
        }
    }
}
