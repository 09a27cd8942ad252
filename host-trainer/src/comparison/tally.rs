//! Sums over pairs of values, one from the float network and one from the int8 network, and the statistics they give.

use lenet_core::quantization::Quantization;
use serde::Serialize;

/// Quantization noise: sums over the differences between real and quantized values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Noise {
    /// Sum of the squares of the real values.
    signal: f64,
    /// Sum of the squares of the differences.
    noise: f64,
    /// Sum of the magnitudes of the differences, steps.
    steps: f64,
    /// Largest magnitude of a difference, steps.
    worst_steps: f64,
}

impl Noise {
    /// Adds a real value and the real value of its quantized form; `step` is the scale.
    pub(super) fn add(&mut self, real: f64, quantized: f64, step: f64) {
        let difference = real - quantized;
        let steps = difference.abs() / step;
        self.signal += real * real;
        self.noise += difference * difference;
        self.steps += steps;
        self.worst_steps = self.worst_steps.max(steps);
    }

    fn merge(&mut self, other: &Self) {
        self.signal += other.signal;
        self.noise += other.noise;
        self.steps += other.steps;
        self.worst_steps = self.worst_steps.max(other.worst_steps);
    }

    /// Signal-to-quantization-noise ratio, see [the module](super).
    pub(super) fn sqnr_db(&self) -> f64 {
        if self.noise == 0.0 { f64::INFINITY } else { 10.0 * (self.signal / self.noise).log10() }
    }

    pub(super) fn worst_steps(&self) -> f64 {
        self.worst_steps
    }
}

/// What the int8 values of a tensor mean, and which of them are the ends of its range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scheme {
    quantization: Quantization,
    /// With a ReLU the lowest value is the ReLU's zero. Without one it is an end of the range, like the highest.
    relu: bool,
}

impl Scheme {
    pub(super) fn new(quantization: Quantization, relu: bool) -> Self {
        Self { quantization, relu }
    }

    fn step(&self) -> f64 {
        f64::from(self.quantization.scale)
    }

    /// The step nearest to a real value, as if there were any number of steps.
    fn nearest(&self, real: f64) -> f64 {
        (real / self.step()).round() + f64::from(self.quantization.zero_point)
    }

    /// Whether a real value is beyond the range of int8: its nearest step is not one of the 256.
    pub(super) fn is_clipped(&self, real: f64) -> bool {
        let nearest = self.nearest(real);
        nearest > f64::from(i8::MAX) || (!self.relu && nearest < f64::from(i8::MIN))
    }

    /// Whether `q` is an end of the range although the float network's value is nearest to a different step.
    fn is_saturated(&self, real: f64, q: i8) -> bool {
        (q == i8::MAX || (!self.relu && q == i8::MIN)) && self.nearest(real) != f64::from(q)
    }
}

/// Sums over the values of one channel of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tally {
    values: u64,
    noise: Noise,
    saturated: u64,
    zeros: u64,
    q_min: i8,
    q_max: i8,
    /// The float network's largest magnitude.
    peak: f32,
}

impl Default for Tally {
    fn default() -> Self {
        Self { values: 0, noise: Noise::default(), saturated: 0, zeros: 0, q_min: i8::MAX, q_max: i8::MIN, peak: 0.0 }
    }
}

impl Tally {
    pub(super) fn add(&mut self, scheme: &Scheme, float: f32, q: i8) {
        let real = f64::from(float);
        self.values += 1;
        self.noise.add(real, scheme.quantization.real_exact(q), scheme.step());
        self.saturated += u64::from(scheme.is_saturated(real, q));
        self.zeros += u64::from(q == scheme.quantization.zero_point);
        self.q_min = self.q_min.min(q);
        self.q_max = self.q_max.max(q);
        self.peak = self.peak.max(float.abs());
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.values += other.values;
        self.noise.merge(&other.noise);
        self.saturated += other.saturated;
        self.zeros += other.zeros;
        self.q_min = self.q_min.min(other.q_min);
        self.q_max = self.q_max.max(other.q_max);
        self.peak = self.peak.max(other.peak);
    }

    pub(super) fn statistics(&self) -> Statistics {
        let share = |count: u64| count as f64 / self.values as f64;
        Statistics {
            sqnr_db: self.noise.sqnr_db(),
            mean_error_steps: self.noise.steps / self.values as f64,
            worst_error_steps: self.noise.worst_steps,
            saturated: share(self.saturated),
            zeros: share(self.zeros),
            q_min: self.q_min,
            q_max: self.q_max,
        }
    }

    pub(super) fn channel(&self) -> Channel {
        Channel {
            sqnr_db: self.noise.sqnr_db(),
            float_peak: self.peak,
            float_active: self.peak > 0.0,
            int8_active: self.zeros < self.values,
        }
    }
}

/// How the int8 values of a tensor differ from the float network's, over all images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Statistics {
    /// Signal-to-quantization-noise ratio, dB; infinite, and null in JSON, when no value differs.
    pub sqnr_db: f64,
    /// Mean magnitude of the quantization error, steps.
    pub mean_error_steps: f64,
    /// Largest magnitude of the quantization error, steps.
    pub worst_error_steps: f64,
    /// Share of values, in [0, 1], that are 127 (for logits also -128) although the float network's value is nearest
    /// to a different step.
    pub saturated: f64,
    /// Share of values, in [0, 1], that stand for zero.
    pub zeros: f64,
    /// The lowest `q` seen.
    pub q_min: i8,
    /// The highest `q` seen.
    pub q_max: i8,
}

impl Statistics {
    /// How many of the 256 steps are in the range from the lowest to the highest `q` seen, both included.
    pub fn steps_used(&self) -> u16 {
        i16::from(self.q_max).abs_diff(i16::from(self.q_min)) + 1
    }
}

/// One channel of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Channel {
    /// Signal-to-quantization-noise ratio, dB; infinite, and null in JSON, when no value differs.
    pub sqnr_db: f64,
    /// The float network's largest magnitude, real.
    pub float_peak: f32,
    /// Whether the float network has a nonzero value anywhere in any image.
    pub float_active: bool,
    /// Whether the int8 network has a nonzero value anywhere in any image.
    pub int8_active: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Quantization = Quantization { scale: 0.5, zero_point: -128 };

    fn tally(scheme: &Scheme, pairs: &[(f32, i8)]) -> Tally {
        let mut tally = Tally::default();
        for (float, q) in pairs {
            tally.add(scheme, *float, *q);
        }
        tally
    }

    #[test]
    fn the_figures_of_four_values_are_those_worked_out_by_hand() {
        // 3, 4, 0 and 1 are quantized to 3.5, 4, 0 and 0: errors of 1, 0, 0 and 2 steps. Signal 26, noise 1.25: 20.8.
        let tally = tally(&Scheme::new(HALF, true), &[(3.0, -121), (4.0, -120), (0.0, -128), (1.0, -128)]);
        let statistics = tally.statistics();
        assert!((statistics.sqnr_db - 13.180_633).abs() < 1e-6, "{}", statistics.sqnr_db);
        assert_eq!((statistics.mean_error_steps, statistics.worst_error_steps), (0.75, 2.0));
        assert_eq!((statistics.zeros, statistics.saturated), (0.5, 0.0));
        assert_eq!((statistics.q_min, statistics.q_max, statistics.steps_used()), (-128, -120, 9));
        assert_eq!(tally.channel().float_peak, 4.0);
    }

    #[test]
    fn noise_of_a_tenth_is_20_db_and_none_is_infinite() {
        let mut noise = Noise::default();
        noise.add(10.0, 9.0, 1.0);
        assert_eq!((noise.sqnr_db(), noise.worst_steps()), (20.0, 1.0));
        let mut equal = Noise::default();
        equal.add(0.0, 0.0, 1.0);
        assert_eq!(equal.sqnr_db(), f64::INFINITY);
        equal.add(0.0, 0.1, 1.0);
        assert_eq!(equal.sqnr_db(), f64::NEG_INFINITY);
    }

    #[test]
    fn an_end_of_the_range_is_saturated_only_where_float_is_elsewhere() {
        // After a ReLU, 127 stands for 127.5. 127.7 is nearest to it, 127.8 and 126 are not. -128 is simply zero.
        let relu = Scheme::new(HALF, true);
        let statistics = tally(&relu, &[(127.7, 127), (127.8, 127), (126.0, 127), (9.0, -128)]).statistics();
        assert_eq!(statistics.saturated, 0.5);
        assert_eq!([127.7, 127.8, 126.0, -9.0].map(|real| relu.is_clipped(real)), [false, true, false, false]);
        // Logits from -64 to 63.5 end on both sides.
        let logits = Scheme::new(Quantization { scale: 0.5, zero_point: 0 }, false);
        let statistics = tally(&logits, &[(-64.0, -128), (-64.3, -128), (-65.0, 0), (63.9, 127)]).statistics();
        assert_eq!(statistics.saturated, 0.5);
        assert_eq!([-64.0, -64.3, 63.5, 63.8].map(|real| logits.is_clipped(real)), [false, true, false, true]);
    }

    #[test]
    fn a_channel_is_active_where_any_value_is_not_zero() {
        let scheme = Scheme::new(HALF, true);
        let activity = |pairs: &[(f32, i8)]| {
            let channel = tally(&scheme, pairs).channel();
            (channel.float_active, channel.int8_active)
        };
        assert_eq!(activity(&[(0.0, -128), (0.0, -128)]), (false, false));
        assert_eq!(activity(&[(0.0, -128), (0.2, -128)]), (true, false));
        assert_eq!(activity(&[(0.3, -127), (0.0, -128)]), (true, true));
    }

    #[test]
    fn sums_of_parts_are_the_sum_of_all() {
        let scheme = Scheme::new(HALF, true);
        let pairs = [(3.0, -121), (4.0, -120), (0.0, -128), (900.0, 127)];
        let mut parts = tally(&scheme, &pairs[..1]);
        parts.merge(&tally(&scheme, &pairs[1..]));
        assert_eq!(parts, tally(&scheme, &pairs));
    }
}
