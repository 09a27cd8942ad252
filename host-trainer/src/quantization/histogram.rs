/// Bins of a histogram: sixteen per int8 step of the whole range, so that neighbouring steps are kept apart.
const BINS: usize = 4096;
/// Candidate ranges: 1, 2, ... parts of the whole range when it is divided into this many.
const CANDIDATES: usize = 128;
/// Number of int8 values.
const LEVELS: usize = 256;

/// Counts of real values in bins of equal width that cover the range `low..=high`.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    low: f64,
    width: f64,
    counts: Vec<u64>,
}

impl Histogram {
    /// An empty histogram over `low..=high`, finite, `low < high`.
    pub(super) fn new(low: f64, high: f64) -> Self {
        Self { low, width: (high - low) / BINS as f64, counts: vec![0; BINS] }
    }

    /// Counts values. A value outside of the range counts in the bin at its end.
    pub(super) fn add(&mut self, values: impl Iterator<Item = f32>) {
        for value in values {
            let bin = ((f64::from(value) - self.low) / self.width) as usize;
            self.counts[bin.min(BINS - 1)] += 1;
        }
    }

    /// Adds the counts of a histogram over the same range.
    pub(super) fn merge(mut self, other: &Self) -> Self {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self
    }

    fn edge(&self, bin: usize) -> f64 {
        self.low + self.width * bin as f64
    }

    /// The middle and the count of each bin that is not empty.
    fn values(&self) -> impl Iterator<Item = (f64, f64)> {
        let counts = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        counts.map(|(bin, count)| (self.low + self.width * (bin as f64 + 0.5), *count as f64))
    }

    /// The narrowest range that leaves out at most the fraction `outside` of all values: half of it at each end, or all
    /// of it at the high end when the range starts at zero.
    pub(super) fn percentile(&self, outside: f64) -> (f64, f64) {
        let all: u64 = self.counts.iter().sum();
        let open_below = self.low < 0.0;
        let most = (outside * all as f64 / if open_below { 2.0 } else { 1.0 }) as u64;
        let bins_outside = |counts: &mut dyn Iterator<Item = &u64>| {
            let mut sum = 0;
            counts
                .take_while(|count| {
                    sum += **count;
                    sum <= most
                })
                .count()
        };
        let above = bins_outside(&mut self.counts.iter().rev());
        let below = if open_below { bins_outside(&mut self.counts.iter()) } else { 0 };
        (self.edge(below), self.edge(BINS - above))
    }

    /// The range with the lowest `loss` among those with both ends scaled toward zero by the same factor; of equally
    /// good ones the widest.
    fn narrowed(&self, loss: impl Fn(f64, f64) -> f64) -> (f64, f64) {
        let candidates = (1..=CANDIDATES).rev().map(|part| {
            let factor = part as f64 / CANDIDATES as f64;
            (self.low * factor, self.edge(BINS) * factor)
        });
        let losses = candidates.map(|(low, high)| (loss(low, high), (low, high)));
        losses.min_by(|a, b| a.0.total_cmp(&b.0)).expect("there are candidates").1
    }

    /// The range with the lowest mean squared difference between values and their quantized values.
    pub(super) fn least_squares(&self) -> (f64, f64) {
        self.narrowed(|low, high| {
            let scale = (high - low) / (LEVELS - 1) as f64;
            let squares = self.values().map(|(value, count)| {
                let quantized = (value / scale).round() * scale;
                count * (value - quantized.clamp(low, high)).powi(2)
            });
            squares.sum()
        })
    }

    /// The range that loses the least information: the one with the lowest Kullback-Leibler divergence between the
    /// distribution clipped to the range and its quantized form (S. Migacz, "8-bit inference with TensorRT", 2017).
    ///
    /// The bin with zero is left out. Zero is exact at every scale, and after a ReLU it would outweigh everything else.
    pub(super) fn least_divergence(&self) -> (f64, f64) {
        self.narrowed(|low, high| {
            let bin = |value: f64| (((value - self.low) / self.width).round() as usize).min(BINS);
            let (first, end) = (bin(low), bin(high));
            // With fewer bins than levels there would appear to be no loss at all.
            if end - first < LEVELS { f64::INFINITY } else { self.divergence(first, end) }
        })
    }

    /// The divergence for the range that consists of the bins `first..end`.
    fn divergence(&self, first: usize, end: usize) -> f64 {
        let zero = ((-self.low / self.width) as usize).min(BINS - 1);
        let count = |bin: usize| if bin == zero { 0.0 } else { self.counts[bin] as f64 };
        let inside: Vec<f64> = (first..end).map(count).collect();
        let mut clipped = inside.clone();
        clipped[0] += (0..first).map(count).sum::<f64>();
        *clipped.last_mut().expect("a range has bins") += (end..BINS).map(count).sum::<f64>();

        // The values of each level are spread evenly over its bins that are not empty.
        let mut spread = vec![0.0; inside.len()];
        for level in 0..LEVELS {
            let bins = level * inside.len() / LEVELS..(level + 1) * inside.len() / LEVELS;
            let used = inside[bins.clone()].iter().filter(|count| **count > 0.0).count();
            let each = inside[bins.clone()].iter().sum::<f64>() / used.max(1) as f64;
            for bin in bins.filter(|bin| inside[*bin] > 0.0) {
                spread[bin] = each;
            }
        }
        let (all, all_spread): (f64, f64) = (clipped.iter().sum(), spread.iter().sum());
        if all_spread == 0.0 {
            return f64::INFINITY;
        }
        let terms = clipped.iter().zip(&spread).filter(|(p, _)| **p > 0.0).map(|(p, q)| {
            // A bin with clipped values only has no counterpart; it costs as much as if it had one value there.
            let q = q.max(1.0 / all_spread);
            p / all * ((p / all) / (q / all_spread)).ln()
        });
        terms.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10,000 evenly spaced values in [0, 1), and `outliers` values at `far`.
    fn with_outliers(outliers: usize, far: f32) -> Histogram {
        let mut histogram = Histogram::new(0.0, f64::from(far));
        histogram.add((0..10_000).map(|index| index as f32 / 10_000.0));
        histogram.add((0..outliers).map(|_| far));
        histogram
    }

    #[test]
    fn percentile_leaves_out_no_more_than_it_may() {
        let (low, high) = with_outliers(5, 10.0).percentile(0.001);
        assert_eq!(low, 0.0);
        assert!((0.999..1.003).contains(&high), "{high}");
        assert_eq!(with_outliers(5, 10.0).percentile(0.0001).1, 10.0);
        let mut both = Histogram::new(-10.0, 10.0);
        both.add((0..1000).map(|index| index as f32 / 500.0 - 1.0));
        both.add([-10.0, 10.0].into_iter());
        let (low, high) = both.percentile(0.002);
        assert!((-1.01..-0.99).contains(&low) && (0.99..1.01).contains(&high), "{low} {high}");
    }

    #[test]
    fn a_rare_outlier_is_clipped_and_a_frequent_one_is_not() {
        let (low, high) = with_outliers(1, 8.0).least_divergence();
        assert!(low == 0.0 && (0.9..4.0).contains(&high), "{high}");
        // Not with squared errors: one value that is off by 7 costs more than 10,000 values with steps of 1/32.
        assert!(with_outliers(1, 8.0).least_squares().1 > 7.5);
        for narrow in [Histogram::least_squares, Histogram::least_divergence] {
            assert!(narrow(&with_outliers(4_000, 8.0)).1 > 7.5);
        }
    }

    #[test]
    fn evenly_spread_values_keep_their_range() {
        for narrow in [Histogram::least_squares, Histogram::least_divergence] {
            let (low, high) = narrow(&with_outliers(0, 1.0));
            assert!(low == 0.0 && high > 0.97, "{high}");
        }
    }

    #[test]
    fn least_squares_clips_one_value_for_the_sake_of_a_million() {
        // One value of 2 and a million below 1/255: with a range up to 2, rounding these costs more than clipping the
        // 2.
        let mut histogram = Histogram::new(0.0, 2.0);
        histogram.add((0..1_000_000).map(|index| 0.004 * (index as f32 / 1e6)));
        histogram.add([2.0].into_iter());
        let (_, high) = histogram.least_squares();
        assert!(high < 2.0, "{high}");
    }
}
