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
            let Self { points_lost, float_accuracy, int8_accuracy, .. } = *self;
            warnings.push(Warning::Accuracy { points_lost, float_accuracy, int8_accuracy });
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

#[cfg(test)]
mod tests {
    use lenet_core::Pool;

    use super::super::tests::{compared, digits, quantized};
    use super::*;
    use crate::network::Network;

    /// The committed network with its ranges.
    fn sound() -> Comparison {
        let network = digits();
        compared(&network, &quantized(&network, &network), 160)
    }

    /// Its conv1 times a factor, for ranges that do not fit.
    fn scaled(factor: f32) -> Network {
        let mut network = digits();
        network.parameters.conv1_weight_mut().mapv_inplace(|weight| factor * weight);
        network.parameters.conv1_bias_mut().mapv_inplace(|bias| factor * bias);
        network
    }

    #[test]
    fn a_sound_pair_has_no_warning_although_dense_units_are_dead() {
        let comparison = sound();
        assert!(comparison.tensors[2].never_active() > 0);
        assert_eq!(comparison.warnings(), []);
    }

    #[test]
    fn each_limit_may_be_reached_and_not_passed() {
        let limits = Comparison { points_lost: POINTS_LOST_MAX, ..sound() };
        let with = |change: fn(&mut Comparison)| {
            let mut comparison = limits.clone();
            comparison.tensors[1].statistics.sqnr_db = SQNR_MIN_DB;
            comparison.tensors[2].statistics.saturated = SATURATION_MAX;
            comparison.tensors[3].clipped = SATURATION_MAX;
            change(&mut comparison);
            comparison.warnings()
        };
        assert_eq!(with(|_| ()), []);
        assert!(matches!(with(|c| c.points_lost = 0.31)[..], [Warning::Accuracy { points_lost: 0.31, .. }]));
        let noisy = with(|c| c.tensors[1].statistics.sqnr_db = 19.9);
        assert_eq!(noisy, [Warning::Noise { tensor: Stage::Pool2, sqnr_db: 19.9, cause: Cause::Rounding }]);
        let saturated = with(|c| c.tensors[2].statistics.saturated = 0.011);
        assert_eq!(saturated, [Warning::Saturation { tensor: Stage::Fc1, share: 0.011 }]);
        let clipped = with(|c| c.tensors[3].clipped = 0.02);
        assert_eq!(clipped, [Warning::Saturation { tensor: Stage::Fc2, share: 0.02 }]);
    }

    #[test]
    fn the_cause_of_noise_is_told() {
        let cause = |change: fn(&mut TensorComparison)| {
            let mut comparison = sound();
            comparison.tensors[2].statistics.sqnr_db = 15.0;
            change(&mut comparison.tensors[2]);
            comparison.tensors[3].statistics.sqnr_db = 14.0;
            let noise = comparison.noise().map(|warning| match warning {
                Warning::Noise { cause, .. } => cause,
                other => panic!("{other:?} is no noise"),
            });
            noise.collect::<Vec<_>>()
        };
        assert_eq!(cause(|_| ()), [Cause::Rounding, Cause::Before]);
        assert_eq!(cause(|tensor| tensor.clipped = 0.02), [Cause::Saturation, Cause::Before]);
        assert_eq!(cause(|tensor| tensor.statistics.q_max = -66), [Cause::WideRange, Cause::Before]);
        assert_eq!(cause(|tensor| tensor.weights.sqnr_db = 25.0), [Cause::Weights, Cause::Before]);
    }

    #[test]
    fn a_range_too_narrow_saturates() {
        let network = digits();
        let comparison = compared(&network, &quantized(&network, &scaled(0.2)), 160);
        let warnings = comparison.warnings();
        let saturated =
            |stage| warnings.iter().any(|w| matches!(w, Warning::Saturation { tensor, .. } if *tensor == stage));
        assert!(saturated(Stage::Pool1), "{warnings:?}");
        assert!(
            warnings.contains(&Warning::Noise {
                tensor: Stage::Pool1,
                sqnr_db: comparison.tensors[0].statistics.sqnr_db,
                cause: Cause::Saturation
            }),
            "{warnings:?}"
        );
        assert!(comparison.tensors[0].clipped > 0.01 && comparison.tensors[0].statistics.q_max == 127);
    }

    #[test]
    fn a_range_too_wide_is_coarse() {
        let network = digits();
        let comparison = compared(&network, &quantized(&network, &scaled(60.0)), 160);
        let noise = comparison.warnings().into_iter().find(|warning| matches!(warning, Warning::Noise { .. }));
        assert!(
            matches!(noise, Some(Warning::Noise { tensor: Stage::Pool1, cause: Cause::WideRange, .. })),
            "{noise:?}"
        );
    }

    #[test]
    fn dead_channels_of_convolutions_are_named() {
        let mut network = digits();
        network.parameters.conv2_bias_mut()[3] = -1e3;
        let in_both = compared(&network, &quantized(&network, &network), 160).warnings();
        let dead = Warning::DeadChannel { layer: "conv2", channel: 3, float_peak_steps: 0.0 };
        assert_eq!(in_both, [dead.clone()]);
        assert_eq!(dead.to_string(), "channel 3 of conv2 is never active, in the float network neither");
        assert!(dead.advice().contains("--seed"), "{}", dead.advice());

        let mut network = digits();
        network.parameters.conv1_weight_mut().index_axis_mut(ndarray::Axis(0), 5).mapv_inplace(|w| 1e-3 * w);
        network.parameters.conv1_bias_mut()[5] *= 1e-3;
        let in_int8 = compared(&network, &quantized(&network, &network), 160).warnings();
        let [lost @ Warning::DeadChannel { layer: "conv1", channel: 5, float_peak_steps }] = &in_int8[..] else {
            panic!("{in_int8:?}")
        };
        assert!((0.0..0.5).contains(float_peak_steps) && *float_peak_steps > 0.0);
        assert!(lost.to_string().contains("never active in int8; in float it reaches 0."), "{lost}");
        assert!(lost.advice().contains("finer steps"), "{}", lost.advice());
    }

    #[test]
    fn a_dense_unit_lost_by_int8_alone_is_named() {
        let mut comparison = sound();
        let units: Vec<usize> = comparison.tensors[3]
            .channels
            .iter()
            .enumerate()
            .filter(|(_, c)| c.int8_active)
            .map(|(unit, _)| unit)
            .take(2)
            .collect();
        for unit in &units {
            comparison.tensors[3].channels[*unit].int8_active = false;
        }
        let warnings = comparison.warnings();
        let [Warning::DeadUnits { layer: "fc2", units: named, float_peak_steps }] = &warnings[..] else {
            panic!("{warnings:?}")
        };
        assert_eq!(*named, units);
        assert!(*float_peak_steps > 1.0);
        assert!(warnings[0].to_string().starts_with("fc2 has 2 units never active in int8"), "{}", warnings[0]);
    }

    #[test]
    fn networks_that_are_no_pair_are_told_apart_from_bad_ranges() {
        let network = digits();
        let file = quantized(&network, &network);
        let mut other = network.clone();
        other.pools.pool2 = Pool::Average;
        let pools = compared(&other, &file, 32).warnings();
        assert!(matches!(pools[..], [Warning::Pools { .. }]), "{pools:?}");
        assert!(pools[0].to_string().contains("FLOAT has average and average pools, INT8 average and maximum"));

        let mut other = network.clone();
        other.parameters.fc2_weight_mut().mapv_inplace(|weight| -weight);
        let weights = compared(&other, &file, 32).warnings();
        // Negated, the error is twice the weight: 10 log10(1 / 4).
        let [Warning::Weights { layer: "fc2", sqnr_db }] = weights[..] else { panic!("{weights:?}") };
        assert!((sqnr_db + 6.02).abs() < 0.01, "{sqnr_db}");

        let mut other = network.clone();
        other.parameters.conv2_bias_mut()[0] = f32::NAN;
        let not_finite = compared(&other, &file, 32).warnings();
        assert_eq!(not_finite, [Warning::NotFinite { tensor: Stage::Pool2 }]);

        let mut comparison = sound();
        let change = compared(&network, &quantized(&network, &scaled(0.02)), 160).changed[0];
        comparison.changed = vec![change; 81];
        let disagreement = comparison.warnings();
        assert!(matches!(disagreement[..], [Warning::Disagreement { .. }]), "{disagreement:?}");
        assert!([pools, weights, not_finite, disagreement].iter().flatten().all(Warning::comes_first));
    }
}
