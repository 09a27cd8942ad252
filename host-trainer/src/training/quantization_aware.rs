//! Quantization-aware training (QAT): fine-tunes a float network so that it still works well after rounding to int8.
//!
//! It uses the same [`Trainer`] as ordinary training. In each step, however, the float network is quantized, and the
//! loss and the gradients are computed with the resulting int8 network, which matches the real one bit for bit
//! ([`SimulatedInt8`](crate::network::lanes::SimulatedInt8)). The optimizer updates the float weights, so that small
//! steps can add up until a rounded weight changes.

use rayon::ThreadPool;

use super::simulation::{ActivationRanges, Simulation};
use super::{Augmentation, Observer, Optimizer, Options, Recipe, RecipeName, Schedule, Snapshot, Trainer};
use crate::data::Split;
use crate::error::Result;
use crate::network::Network;
use crate::quantization::{Granularity, Ranges};

/// Everything that fine-tuning depends on besides the network, the ranges and the images.
#[derive(Clone, Debug, PartialEq)]
pub struct QatOptions {
    /// Hyper-parameters; `initialization` is ignored.
    pub recipe: Recipe,
    /// Where the activation ranges come from.
    pub ranges: ActivationRanges,
    /// Granularity of the weight scales: per channel or per tensor.
    pub granularity: Granularity,
    /// Seed for shuffling and augmentation.
    pub seed: u64,
}

impl QatOptions {
    /// The recommended options for this many epochs; `quantization/experiments.md` says how they were chosen.
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

/// Fine-tunes a float network on `images` so that it loses less accuracy when quantized. Returns the float network and
/// the activation ranges to pass to [`quantize`](crate::quantization::quantize).
///
/// `ranges` are the calibrated ones to start from. `validation` is only measured, in int8 after each epoch; it does not
/// influence the training.
///
/// # Errors
/// As [`quantize`](crate::quantization::quantize), and any error of the observer.
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
    let (pools, classes) = (network.pools, network.classes.clone());
    let options = Options { recipe: recipe.clone(), pools, classes, seed: *seed };
    let snapshot = Snapshot::new(network.parameters.clone());
    let mut trainer = Trainer::resume(images, validation, &options, snapshot);
    trainer.simulation = Some(Simulation { ranges: *ranges, kind: *kind, granularity: *granularity });
    trainer.run(pool, observer)?;
    let ranges = trainer.simulation.as_ref().map_or(*ranges, |simulation| simulation.ranges);
    Ok((Network { none_of_these: network.none_of_these, preparation: network.preparation, ..trainer.result() }, ranges))
}
