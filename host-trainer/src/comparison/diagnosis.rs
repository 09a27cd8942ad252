//! Turns the figures of a comparison into warnings.

use super::findings::{Comparison, TensorComparison};
use super::stage::Stage;
use super::warning::{Cause, POINTS_LOST_MAX, SATURATION_MAX, SQNR_MIN_DB, Warning};

/// Two networks that agree on a smaller share of the images do not behave alike at all.
const AGREEMENT_MIN: f64 = 0.5;
/// Weights with a lower SQNR, dB, are different weights: the error is more than half of the signal. Int8 rounding alone
/// leaves 30 dB or more; the weights of networks trained from different seeds have less than 0 dB.
const SAME_WEIGHTS_MIN_DB: f64 = 6.0;
/// Weights with a lower SQNR, dB, were rounded too coarsely. It happens only with one scale for all channels, or in a
/// channel with outliers.
const GOOD_WEIGHTS_MIN_DB: f64 = 30.0;
/// A tensor that uses fewer of the 256 steps has a range that is much too wide.
const STEPS_MIN: u16 = 64;

impl Comparison {
    /// All warnings, most serious first. If the networks don't match, only the warnings that say so.
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
            let (layer, sqnr_db) = (tensor.tensor.layer().name(), tensor.weights.sqnr_db);
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

    fn dead(&self) -> Vec<Warning> {
        let layer = self.tensor.layer().name();
        let steps = |peak: f32| f64::from(peak) / f64::from(self.scale);
        let dead = || self.channels.iter().enumerate().filter(|(_, channel)| !channel.int8_active);
        if matches!(self.tensor, Stage::Pool1 | Stage::Pool2) {
            return dead()
                .map(|(channel, c)| Warning::DeadChannel { layer, channel, float_peak_steps: steps(c.float_peak) })
                .collect();
        }
        // A value below half a step is correctly rounded to zero.
        let lost: Vec<_> = dead().filter(|(_, channel)| steps(channel.float_peak) >= 0.5).collect();
        let float_peak_steps = lost.iter().fold(0.0, |peak: f64, (_, channel)| peak.max(steps(channel.float_peak)));
        let units: Vec<usize> = lost.into_iter().map(|(unit, _)| unit).collect();
        if units.is_empty() { Vec::new() } else { vec![Warning::DeadUnits { layer, units, float_peak_steps }] }
    }
}

#[cfg(test)]
mod tests {
    use lenet_core::Pool;

    use super::super::tests::{compared, digits, quantized, with_conv1_times};
    use super::*;

    /// The committed network, quantized with its own ranges.
    fn sound() -> Comparison {
        let network = digits();
        compared(&network, &quantized(&network, &network), 160)
    }

    #[test]
    fn a_sound_pair_has_no_warning_although_dense_units_are_dead() {
        let comparison = sound();
        assert!(comparison.tensors[2].never_active() > 0);
        assert_eq!(comparison.warnings(), []);
    }

    #[test]
    fn a_figure_at_its_limit_is_no_warning_and_one_beyond_it_is() {
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
    fn the_likely_cause_of_noise_is_named() {
        let cause = |change: fn(&mut TensorComparison)| {
            let mut comparison = sound();
            comparison.tensors[2].statistics.sqnr_db = 15.0;
            change(&mut comparison.tensors[2]);
            comparison.tensors[3].statistics.sqnr_db = 14.0;
            let noise = comparison.noise().map(|warning| match warning {
                Warning::Noise { cause, .. } => cause,
                other => panic!("{other:?} is not about noise"),
            });
            noise.collect::<Vec<_>>()
        };
        assert_eq!(cause(|_| ()), [Cause::Rounding, Cause::Before]);
        assert_eq!(cause(|tensor| tensor.clipped = 0.02), [Cause::Saturation, Cause::Before]);
        assert_eq!(cause(|tensor| tensor.statistics.q_max = -66), [Cause::WideRange, Cause::Before]);
        assert_eq!(cause(|tensor| tensor.weights.sqnr_db = 25.0), [Cause::Weights, Cause::Before]);
    }

    #[test]
    fn a_range_that_is_too_narrow_saturates() {
        let network = digits();
        let comparison = compared(&network, &quantized(&network, &with_conv1_times(0.2)), 160);
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
    fn a_range_that_is_too_wide_is_coarse() {
        let network = digits();
        let comparison = compared(&network, &quantized(&network, &with_conv1_times(60.0)), 160);
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
        assert_eq!(in_both, std::slice::from_ref(&dead));
        assert_eq!(dead.to_string(), "channel 3 of conv2 is never active, not even in the float network");
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
        assert!(
            warnings[0].to_string().starts_with("fc2 has 2 units that are never active in int8"),
            "{}",
            warnings[0]
        );
        // With few images a unit may stay below half a step; then zero is the correctly rounded value.
        for unit in &units {
            comparison.tensors[3].channels[*unit].float_peak = 0.49 * comparison.tensors[3].scale;
        }
        assert_eq!(comparison.warnings(), []);
    }

    #[test]
    fn networks_that_do_not_match_are_distinguished_from_bad_ranges() {
        let network = digits();
        let file = quantized(&network, &network);
        let mut other = network.clone();
        other.pools.pool2 = Pool::Average;
        let pools = compared(&other, &file, 32).warnings();
        assert!(matches!(pools[..], [Warning::Pools { .. }]), "{pools:?}");
        assert!(pools[0].to_string().contains("FLOAT has average and average pools, INT8 has average and maximum"));

        let mut other = network.clone();
        other.parameters.fc2_weight_mut().mapv_inplace(|weight| -weight);
        let weights = compared(&other, &file, 32).warnings();
        // The error of a negated weight is twice the weight: 10 log10(1 / 4).
        let [Warning::Weights { layer: "fc2", sqnr_db }] = weights[..] else { panic!("{weights:?}") };
        assert!((sqnr_db + 6.02).abs() < 0.01, "{sqnr_db}");

        let mut other = network.clone();
        other.parameters.conv2_bias_mut()[0] = f32::NAN;
        let not_finite = compared(&other, &file, 32).warnings();
        assert_eq!(not_finite, [Warning::NotFinite { tensor: Stage::Pool2 }]);

        let mut comparison = sound();
        let change = compared(&network, &quantized(&network, &with_conv1_times(0.02)), 160).changed[0].clone();
        comparison.changed = vec![change; 81];
        let disagreement = comparison.warnings();
        assert!(matches!(disagreement[..], [Warning::Disagreement { .. }]), "{disagreement:?}");
        assert!([pools, weights, not_finite, disagreement].iter().flatten().all(Warning::comes_first));
    }
}
