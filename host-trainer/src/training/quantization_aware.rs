//! Quantization-aware training: a float network learns to live with the rounding of the int8 one.
//!
//! It is a training as any other, by the same [`Trainer`], but its gradients are taken at the int8 network that the
//! float network becomes in each step, weight by weight and bit by bit ([`Int8`](crate::network::lanes::Int8)). The steps go to the float
//! weights, where they may add up until a rounded weight changes.

use rayon::ThreadPool;

use super::simulation::{ActivationRanges, Simulation};
use super::{Augmentation, Observer, Optimizer, Options, Recipe, RecipeName, Schedule, Snapshot, Trainer};
use crate::data::Split;
use crate::error::Result;
use crate::network::Network;
use crate::quantization::{Granularity, Ranges};

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
/// network and the ranges that [`quantize`](crate::quantization::quantize) is to make it from.
///
/// `ranges` are those of calibration. `validation` is measured after each epoch, in int8, and has no influence.
///
/// # Errors
/// As [`quantize`](crate::quantization::quantize), and what the observer returns.
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
