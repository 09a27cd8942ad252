//! Quantizes a float network while it is being trained.

use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluation::{LossAndAccuracy, int8_loss_and_accuracy};
use crate::network::Network;
use crate::network::lanes::SimulatedInt8;
use crate::quantization::{Granularity, Ranges, quantize};

/// Where the activation ranges come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ActivationRanges {
    /// From calibration. They stay fixed during training.
    Frozen,
    /// From a moving average of the lowest and highest outputs of each batch, as in TensorFlow's quantization-aware
    /// training. It starts with the calibrated ranges.
    Learned {
        /// Decay rate of the average per step, in [0, 1).
        decay: f32,
    },
}

/// How to quantize the network during training.
pub(super) struct Simulation {
    pub(super) ranges: Ranges,
    pub(super) kind: ActivationRanges,
    pub(super) granularity: Granularity,
}

impl Simulation {
    /// Quantizes `network` with the current ranges.
    ///
    /// # Errors
    /// Those of [`quantize`].
    pub(super) fn of(&self, network: &Network) -> Result<SimulatedInt8> {
        Ok(SimulatedInt8::from(&quantize(network, &self.ranges, self.granularity)?))
    }

    /// Quantizes `network` with the current ranges and returns its loss and accuracy on a split, computed by
    /// `lenet-core`.
    ///
    /// # Errors
    /// Those of [`quantize`].
    pub(super) fn measure(&self, network: &Network, split: &Split) -> Result<LossAndAccuracy> {
        let file = quantize(network, &self.ranges, self.granularity)?.encode(&Default::default())?;
        let model = file.model().map_err(|error| Error::Quantize(error.to_string()))?;
        Ok(int8_loss_and_accuracy(model, split))
    }

    /// Updates learned ranges with the lowest and highest outputs of a batch. Frozen ranges stay the same.
    pub(super) fn observe(&mut self, extremes: [(f32, f32); 5]) {
        if let ActivationRanges::Learned { decay } = self.kind {
            self.ranges = self.ranges.toward(extremes, 1.0 - decay);
        }
    }
}
