//! What is off about a pair of networks, and what to try.

use std::fmt;

use lenet_core::Pools;
use serde::Serialize;

use super::findings::pool_names;
use super::stage::Stage;

/// More percentage points of accuracy lost than this are a [`Warning`].
pub const POINTS_LOST_MAX: f64 = 0.3;
/// A tensor with a lower signal-to-quantization-noise ratio, dB, is a [`Warning`].
pub const SQNR_MIN_DB: f64 = 20.0;
/// A greater share of values saturated or clipped, in [0, 1], is a [`Warning`].
pub const SATURATION_MAX: f64 = 0.01;

/// Something off about the int8 network.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Warning {
    /// The networks have different pools, so one did not come from the other.
    Pools {
        /// Of the float network.
        #[serde(serialize_with = "pool_names")]
        float: Pools,
        /// Of the int8 network.
        #[serde(serialize_with = "pool_names")]
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
        /// Of the float network, in [0, 1].
        float_accuracy: f64,
        /// Of the int8 network, in [0, 1].
        int8_accuracy: f64,
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
    /// Whether it is to be read before any figure, as the networks are no pair or answer as if they were none.
    pub fn comes_first(&self) -> bool {
        matches!(self, Self::Pools { .. } | Self::Weights { .. } | Self::NotFinite { .. } | Self::Disagreement { .. })
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
                "train with another --seed or with --init he; quantization is not to blame, the channel is wasted in both"
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
            Self::Accuracy { points_lost, float_accuracy, int8_accuracy } => write!(
                f,
                "{points_lost:.2} points of accuracy lost: from {:.2} % in float to {:.2} %",
                100.0 * float_accuracy,
                100.0 * int8_accuracy
            ),
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
                "{layer} has {} never active in int8 and active in float, where {} to {float_peak_steps:.2} steps: {}",
                if units.len() == 1 { "a unit".into() } else { format!("{} units", units.len()) },
                if units.len() == 1 { "it reaches" } else { "they reach up" },
                units.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
            ),
        }
    }
}
