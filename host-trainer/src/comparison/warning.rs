//! Problems that a comparison can find, and what to try against them.

use std::fmt;

use lenet_core::Pools;
use serde::Serialize;

use super::findings::pool_names;
use super::stage::Stage;

/// Losing more percentage points of accuracy than this is a [`Warning`].
pub const POINTS_LOST_MAX: f64 = 0.3;
/// A tensor with a lower signal-to-quantization-noise ratio, dB, is a [`Warning`].
pub const SQNR_MIN_DB: f64 = 20.0;
/// A larger share of saturated or clipped values, in [0, 1], is a [`Warning`].
pub const SATURATION_MAX: f64 = 0.01;

/// A problem with the int8 network, or with the pair of networks.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Warning {
    /// The networks have different pools, so the int8 network was not made from this float network.
    Pools {
        /// The float network's pools.
        #[serde(serialize_with = "pool_names")]
        float: Pools,
        /// The int8 network's pools.
        #[serde(serialize_with = "pool_names")]
        int8: Pools,
    },
    /// The networks have different weights, so the int8 network was not made from this float network.
    Weights {
        /// The layer where they differ most.
        layer: &'static str,
        /// The signal-to-quantization-noise ratio of that layer's weights, dB.
        sqnr_db: f64,
    },
    /// The weights match, but the networks predict different classes for most images.
    Disagreement {
        /// The share of images with the same prediction, in [0, 1].
        agreement: f64,
    },
    /// The float network has values that are infinite or NaN.
    NotFinite {
        /// The first tensor with such values.
        tensor: Stage,
    },
    /// The int8 network is less accurate than it should be.
    Accuracy {
        /// Percentage points lost.
        points_lost: f64,
        /// The float network's accuracy, in [0, 1].
        float_accuracy: f64,
        /// The int8 network's accuracy, in [0, 1].
        int8_accuracy: f64,
    },
    /// A tensor with too much quantization noise.
    Noise {
        /// Which one.
        tensor: Stage,
        /// Its signal-to-quantization-noise ratio, dB.
        sqnr_db: f64,
        /// The likely cause.
        cause: Cause,
    },
    /// A range that is too narrow, so that values are clamped to its ends.
    Saturation {
        /// Which tensor.
        tensor: Stage,
        /// The share of saturated or of clipped values, in [0, 1], whichever is larger.
        share: f64,
    },
    /// A channel of a convolution that is zero everywhere in int8.
    DeadChannel {
        /// The convolution.
        layer: &'static str,
        /// The channel, from 0.
        channel: usize,
        /// The float network's largest value in it, steps: 0 if it is dead there too.
        float_peak_steps: f64,
    },
    /// Units of a fully connected layer that are zero in every image in int8, but not in the float network.
    DeadUnits {
        /// The layer.
        layer: &'static str,
        /// The units, from 0.
        units: Vec<usize>,
        /// The float network's largest value in any of them, steps.
        float_peak_steps: f64,
    },
}

/// The likely cause of a tensor's noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The preceding tensor, which is already too noisy.
    Before,
    /// Values beyond the range.
    Saturation,
    /// A range that is much too wide, which makes the steps coarse.
    WideRange,
    /// Rounding of the layer's weights.
    Weights,
    /// Rounding of the tensor's own values.
    Rounding,
}

impl Warning {
    /// Whether to show this warning before any figures, which mean little if the networks don't match or don't behave
    /// alike.
    pub fn comes_first(&self) -> bool {
        matches!(self, Self::Pools { .. } | Self::Weights { .. } | Self::NotFinite { .. } | Self::Disagreement { .. })
    }

    /// What to try.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Pools { .. } | Self::Weights { .. } => {
                "compare INT8 with the float network it was made from, or quantize FLOAT with `lenet quantize`"
            }
            Self::Disagreement { .. } => {
                "quantize again with `lenet quantize` and training images like the ones used here; the first tensor \
                 below with a low SQNR is where it goes wrong"
            }
            Self::NotFinite { .. } => "train again with a lower --lr",
            Self::Accuracy { .. } => "calibrate on more training images (--images), or fine-tune with --qat 2",
            Self::Noise { cause, .. } => match cause {
                Cause::Before => "fix the preceding tensor first",
                Cause::Saturation => "calibrate on more training images (--images), or with --calibration minmax",
                Cause::WideRange => "make calibration ignore outliers: --calibration percentile or mse",
                Cause::Weights => "quantize without --per-tensor, or fine-tune with --qat 2",
                Cause::Rounding => "fine-tune with --qat 2",
            },
            Self::Saturation { .. } => {
                "calibrate on more training images like the ones used here (--images), or with --calibration minmax"
            }
            Self::DeadChannel { float_peak_steps: 0.0, .. } => {
                "train with another --seed or with --init he; quantization is not the cause, since the channel is \
                 unused in both networks"
            }
            Self::DeadChannel { .. } | Self::DeadUnits { .. } => {
                "make calibration ignore outliers for finer steps (--calibration percentile), or fine-tune with --qat 2"
            }
        }
    }
}

impl fmt::Display for Warning {
    /// Says what is wrong.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pools { float, int8 } => write!(
                f,
                "the networks don't match: FLOAT has {} and {} pools, INT8 has {} and {}",
                float.pool1, float.pool2, int8.pool1, int8.pool2
            ),
            Self::Weights { layer, sqnr_db } => write!(
                f,
                "the networks don't match: {layer} weights differ (SQNR {sqnr_db:.1} dB; rounding alone leaves 30 or \
                 more)"
            ),
            Self::Disagreement { agreement } => write!(
                f,
                "the networks agree on only {:.1} % of the images, although their weights match",
                100.0 * agreement
            ),
            Self::NotFinite { tensor } => write!(f, "the float network has infinite or NaN values, first in {tensor}"),
            Self::Accuracy { points_lost, float_accuracy, int8_accuracy } => write!(
                f,
                "{points_lost:.2} points of accuracy lost: {:.2} % in float, {:.2} % in int8",
                100.0 * float_accuracy,
                100.0 * int8_accuracy
            ),
            Self::Noise { tensor, sqnr_db, cause } => {
                write!(f, "{tensor} has an SQNR of {sqnr_db:.1} dB, below {SQNR_MIN_DB}; likely cause: ")?;
                f.write_str(match cause {
                    Cause::Before => "the preceding tensor is already noisy",
                    Cause::Saturation => "its range is too narrow",
                    Cause::WideRange => "its range is too wide, which makes the steps coarse",
                    Cause::Weights => "the rounding of its layer's weights",
                    Cause::Rounding => "the rounding of its own values",
                })
            }
            Self::Saturation { tensor, share } => {
                write!(f, "{:.1} % of the values of {tensor} are beyond the range of int8", 100.0 * share)
            }
            Self::DeadChannel { layer, channel, float_peak_steps: 0.0 } => {
                write!(f, "channel {channel} of {layer} is never active, not even in the float network")
            }
            Self::DeadChannel { layer, channel, float_peak_steps } => write!(
                f,
                "channel {channel} of {layer} is never active in int8; in float it reaches {float_peak_steps:.2} steps"
            ),
            Self::DeadUnits { layer, units, float_peak_steps } => write!(
                f,
                "{layer} has {} never active in int8 but {} {float_peak_steps:.2} steps in float: {}",
                if units.len() == 1 { "a unit that is".into() } else { format!("{} units that are", units.len()) },
                if units.len() == 1 { "reaches" } else { "reach up to" },
                units.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
            ),
        }
    }
}
