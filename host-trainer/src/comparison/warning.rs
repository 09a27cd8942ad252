//! What is off about a pair of networks, and what to try.

use std::fmt;

use lenet_core::architecture::Layer;
use serde::Serialize;

use super::{Comparison, Stage, TensorComparison};
use crate::network::Pools;

/// More percentage points of accuracy lost than this are a [`Warning`].
pub const POINTS_LOST_MAX: f64 = 0.3;
/// A tensor with a lower signal-to-quantization-noise ratio, dB, is a [`Warning`].
pub const SQNR_MIN_DB: f64 = 20.0;
/// A greater share of values saturated or clipped, in [0, 1], is a [`Warning`].
pub const SATURATION_MAX: f64 = 0.01;

/// Networks that predict the same for a smaller share of the images do not behave alike at all.
const AGREEMENT_MIN: f64 = 0.5;
/// Weights with less, dB, are others: the error is over half of them. Int8 leaves 30 dB and more, and those of
/// networks trained from different seeds are below 0.
const SAME_WEIGHTS_MIN_DB: f64 = 6.0;
/// Rounding weights costs more than this, dB, only with one scale for all channels, or where a channel has outliers.
const GOOD_WEIGHTS_MIN_DB: f64 = 30.0;
/// A tensor that uses fewer of the 256 steps has a range much too wide.
const STEPS_MIN: u16 = 64;

/// Something off about the int8 network.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Warning {
    /// The networks have different pools, so one did not come from the other.
    Pools {
        /// Of the float network.
        float: Pools,
        /// Of the int8 network.
        int8: Pools,
    },
    /// The networks have different weights, so one did not come from the other.
    Weights {
        /// Where they differ most.
        layer: &'static str,
        /// The signal-to-quantization-noise ratio of the weights there, dB.
        sqnr_db: f64,
    },
    /// The weights are the same, and the networks predict different classes for most images.
    Disagreement {
        /// The share of images with the same prediction, in [0, 1].
        agreement: f64,
    },
    /// Values of the float network that are no numbers, or beyond f32.
    NotFinite {
        /// Where first.
        tensor: Stage,
    },
    /// Accuracy is lost.
    Accuracy {
        /// Percentage points.
        points_lost: f64,
        /// The images this rests on.
        images: usize,
    },
    /// A tensor with much noise.
    Noise {
        /// Which one.
        tensor: Stage,
        /// Its signal-to-quantization-noise ratio, dB.
        sqnr_db: f64,
        /// Where the noise comes from.
        cause: Cause,
    },
    /// A range too narrow: values end up at its ends.
    Saturation {
        /// Which tensor.
        tensor: Stage,
        /// The share of values saturated or clipped, in [0, 1], whichever is greater.
        share: f64,
    },
    /// A channel of a convolution that is zero everywhere.
    DeadChannel {
        /// The convolution.
        layer: &'static str,
        /// The channel, from 0.
        channel: usize,
        /// The float network's largest value in it, steps: 0 if it is dead there too.
        float_peak_steps: f64,
    },
    /// Units of a fully connected layer that are zero in every image, and not in the float network.
    DeadUnits {
        /// The layer.
        layer: &'static str,
        /// The units, from 0.
        units: Vec<usize>,
        /// The float network's largest value in any of them, steps.
        float_peak_steps: f64,
    },
}

/// Where the noise of a tensor comes from, as far as the figures tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// From the tensor before it, which has too much already.
    Before,
    /// From values beyond the range.
    Saturation,
    /// From a range much too wide, whose steps are coarse.
    WideRange,
    /// From the rounding of the layer's weights.
    Weights,
    /// From rounding as such.
    Rounding,
}

impl Warning {
    /// Whether the two networks are no pair, so that whatever else differs says nothing about quantization.
    pub fn is_mismatch(&self) -> bool {
        matches!(self, Self::Pools { .. } | Self::Weights { .. } | Self::NotFinite { .. })
    }

    /// What to try.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Pools { .. } | Self::Weights { .. } => {
                "compare INT8 with the float network it was made from, or quantize FLOAT anew with `lenet quantize`"
            }
            Self::Disagreement { .. } => {
                "quantize anew with `lenet quantize` and training images like those here; the first tensor below with \
                 few dB is where it goes wrong"
            }
            Self::NotFinite { .. } => "train again with a lower --lr",
            Self::Accuracy { .. } => "calibrate on more training images (--images), or fine-tune with --qat 2",
            Self::Noise { cause, .. } => match cause {
                Cause::Before => "mend the tensor before it first",
                Cause::Saturation => "calibrate on more training images (--images), or with --calibration minmax",
                Cause::WideRange => "let calibration leave out outliers: --calibration percentile or mse",
                Cause::Weights => "quantize without --per-tensor, or fine-tune with --qat 2",
                Cause::Rounding => "fine-tune with --qat 2",
            },
            Self::Saturation { .. } => {
                "calibrate on more training images (--images), like those here, or with --calibration minmax"
            }
            Self::DeadChannel { float_peak_steps: 0.0, .. } => {
                "quantization is not to blame, but the channel is wasted: train with another --seed or with --init he"
            }
            Self::DeadChannel { .. } | Self::DeadUnits { .. } => {
                "let calibration leave out outliers, for finer steps (--calibration percentile), or use --qat 2"
            }
        }
    }
}

impl fmt::Display for Warning {
    /// What is off.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pools { float, int8 } => write!(
                f,
                "the networks are no pair: FLOAT has {} and {} pools, INT8 {} and {}",
                float.pool1, float.pool2, int8.pool1, int8.pool2
            ),
            Self::Weights { layer, sqnr_db } => write!(
                f,
                "the networks are no pair: the weights of {layer} are others (SQNR {sqnr_db:.1} dB, rounding leaves \
                 30 and more)"
            ),
            Self::Disagreement { agreement } => write!(
                f,
                "the networks agree on {:.1} % of the images only, though their weights are the same",
                100.0 * agreement
            ),
            Self::NotFinite { tensor } => write!(f, "the float network's values are not finite in {tensor}"),
            Self::Accuracy { points_lost, images } => {
                write!(f, "{points_lost:.2} points of accuracy lost, on {images} images")
            }
            Self::Noise { tensor, sqnr_db, cause } => {
                write!(f, "{tensor} has a SQNR of {sqnr_db:.1} dB, below {SQNR_MIN_DB}; ")?;
                f.write_str(match cause {
                    Cause::Before => "the tensor before it is noisy already",
                    Cause::Saturation => "its range is too narrow",
                    Cause::WideRange => "its range is too wide, and the steps too coarse",
                    Cause::Weights => "the rounding of the weights shows",
                    Cause::Rounding => "it is the rounding of its values",
                })
            }
            Self::Saturation { tensor, share } => {
                write!(f, "{:.1} % of the values of {tensor} are beyond the range of int8", 100.0 * share)
            }
            Self::DeadChannel { layer, channel, float_peak_steps: 0.0 } => {
                write!(f, "channel {channel} of {layer} is never active, in the float network neither")
            }
            Self::DeadChannel { layer, channel, float_peak_steps } => write!(
                f,
                "channel {channel} of {layer} is never active in int8; in float it reaches {float_peak_steps:.2} steps"
            ),
            Self::DeadUnits { layer, units, float_peak_steps } => write!(
                f,
                "{} of {layer} never active in int8, but in float, where the largest value is {float_peak_steps:.2} \
                 steps: {}",
                if units.len() == 1 { "1 unit" } else { "units" },
                units.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
            ),
        }
    }
}

impl Comparison {
    /// Everything that is off, the gravest first. When the networks are no pair, only that.
    pub fn warnings(&self) -> Vec<Warning> {
        let mismatch = self.mismatch();
        if !mismatch.is_empty() {
            return mismatch;
        }
        let agreement = 1.0 - self.changed.len() as f64 / self.images as f64;
        let mut warnings = Vec::new();
        if agreement < AGREEMENT_MIN {
            warnings.push(Warning::Disagreement { agreement });
        }
        if self.points_lost > POINTS_LOST_MAX {
            warnings.push(Warning::Accuracy { points_lost: self.points_lost, images: self.images });
        }
        let saturated = self.tensors.iter().filter(|tensor| tensor.saturated_or_clipped() > SATURATION_MAX);
        warnings.extend(
            saturated.map(|tensor| Warning::Saturation { tensor: tensor.tensor, share: tensor.saturated_or_clipped() }),
        );
        warnings.extend(self.noise());
        warnings.extend(self.tensors.iter().flat_map(TensorComparison::dead));
        warnings
    }

    fn mismatch(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if let Some(tensor) = self.tensors.iter().find(|tensor| tensor.channels.iter().any(|c| c.sqnr_db.is_nan())) {
            warnings.push(Warning::NotFinite { tensor: tensor.tensor });
        }
        if self.float_pools != self.int8_pools {
            warnings.push(Warning::Pools { float: self.float_pools, int8: self.int8_pools });
        }
        let worst = self.tensors.iter().min_by(|a, b| a.weights.sqnr_db.total_cmp(&b.weights.sqnr_db));
        if let Some(tensor) = worst.filter(|tensor| tensor.weights.sqnr_db < SAME_WEIGHTS_MIN_DB) {
            let (layer, sqnr_db) = (tensor.layer_name(), tensor.weights.sqnr_db);
            warnings.push(Warning::Weights { layer, sqnr_db });
        }
        warnings
    }

    fn noise(&self) -> impl Iterator<Item = Warning> {
        let is_noisy = |tensor: &TensorComparison| tensor.statistics.sqnr_db < SQNR_MIN_DB;
        let before = std::iter::once(false).chain(self.tensors.iter().map(is_noisy));
        self.tensors.iter().zip(before).filter(move |(tensor, _)| is_noisy(tensor)).map(|(tensor, noisy_before)| {
            let cause = if noisy_before {
                Cause::Before
            } else if tensor.saturated_or_clipped() > SATURATION_MAX {
                Cause::Saturation
            } else if tensor.statistics.steps_used() < STEPS_MIN {
                Cause::WideRange
            } else if tensor.weights.sqnr_db < GOOD_WEIGHTS_MIN_DB {
                Cause::Weights
            } else {
                Cause::Rounding
            };
            Warning::Noise { tensor: tensor.tensor, sqnr_db: tensor.statistics.sqnr_db, cause }
        })
    }
}

impl TensorComparison {
    fn saturated_or_clipped(&self) -> f64 {
        self.statistics.saturated.max(self.clipped)
    }

    fn layer_name(&self) -> &'static str {
        match self.tensor.layer() {
            Layer::Conv1 => "conv1",
            Layer::Conv2 => "conv2",
            Layer::Fc1 => "fc1",
            Layer::Fc2 => "fc2",
            Layer::Fc3 => "fc3",
        }
    }

    fn dead(&self) -> Vec<Warning> {
        let layer = self.layer_name();
        let steps = |peak: f32| f64::from(peak) / f64::from(self.scale);
        let dead = || self.channels.iter().enumerate().filter(|(_, channel)| !channel.int8_active);
        if matches!(self.tensor, Stage::Pool1 | Stage::Pool2) {
            return dead()
                .map(|(channel, c)| Warning::DeadChannel { layer, channel, float_peak_steps: steps(c.float_peak) })
                .collect();
        }
        let lost: Vec<_> = dead().filter(|(_, channel)| channel.float_active).collect();
        let float_peak_steps = lost.iter().fold(0.0, |peak: f64, (_, channel)| peak.max(steps(channel.float_peak)));
        let units: Vec<usize> = lost.into_iter().map(|(unit, _)| unit).collect();
        if units.is_empty() { Vec::new() } else { vec![Warning::DeadUnits { layer, units, float_peak_steps }] }
    }
}
