//! The int8 network that a float network becomes, while that is being trained.

use lenet_core::Pools;

use crate::error::Result;
use crate::network::lanes::Int8;
use crate::network::{Network, Parameters};
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

/// The int8 network in a training.
pub(super) struct Simulation {
    pub(super) ranges: Ranges,
    pub(super) kind: ActivationRanges,
    pub(super) granularity: Granularity,
}

impl Simulation {
    /// The int8 network that a float one becomes now.
    ///
    /// # Errors
    /// As [`quantize`].
    pub(super) fn of(&self, parameters: &Parameters<f32>, pools: Pools) -> Result<Int8> {
        let network = Network { parameters: parameters.clone(), pools };
        Ok(Int8::from(&quantize(&network, &self.ranges, self.granularity)?))
    }

    /// Takes notice of the lowest and highest outputs of a batch.
    pub(super) fn observe(&mut self, extremes: [(f32, f32); 5]) {
        if let ActivationRanges::Learned { decay } = self.kind {
            self.ranges = self.ranges.toward(extremes, 1.0 - decay);
        }
    }
}
