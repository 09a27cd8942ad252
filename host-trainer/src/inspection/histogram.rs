use serde::Serialize;

/// Bins of a histogram. The 255 possible weights, -127 to 127, fall into them five to a bin.
pub const BINS: usize = 51;

/// Counts of values in [`BINS`] bins of equal width, over a range that is symmetric about zero.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// The end of the range, which starts at `-limit`.
    pub limit: f64,
    /// The counts, lowest values first.
    pub counts: Vec<usize>,
}

/// The characters that bars are drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bars {
    /// Unicode blocks of one to eight eighths.
    Blocks,
    /// ASCII characters, denser ones for higher bars.
    Ascii,
}

impl Bars {
    const fn steps(self) -> [char; 8] {
        match self {
            Self::Blocks => ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            Self::Ascii => ['.', ':', '-', '=', '+', '*', '%', '@'],
        }
    }
}

impl Histogram {
    /// Counts values. Those that are not finite are left out, those beyond `limit` count in the first or last bin.
    pub fn new(values: impl IntoIterator<Item = f64>, limit: f64) -> Self {
        let mut counts = vec![0; BINS];
        for value in values.into_iter().filter(|value| value.is_finite()) {
            // If the range has no width, all values are zero and count in the middle.
            let place = if limit > 0.0 { 0.5 + 0.5 * value / limit } else { 0.5 };
            // The cast saturates, so values out of range get the nearest index.
            counts[((place * BINS as f64) as usize).min(BINS - 1)] += 1;
        }
        Self { limit, counts }
    }

    /// One character per bin, its height relative to the largest count. Only an empty bin is blank.
    pub fn draw(&self, bars: Bars) -> String {
        let steps = bars.steps();
        let largest = self.counts.iter().copied().max().unwrap_or(0);
        let bar = |count: &usize| match count {
            0 => ' ',
            count => steps[(count * steps.len()).div_ceil(largest) - 1],
        };
        self.counts.iter().map(bar).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bin_has_five_int8_weights() {
        for weight in -127..=127i32 {
            let counts = Histogram::new([f64::from(weight)], 127.5).counts;
            assert_eq!(counts.iter().position(|count| *count == 1), Some((weight + 127) as usize / 5), "{weight}");
        }
    }

    #[test]
    fn values_at_the_ends_count_and_infinite_ones_are_left_out() {
        let values = [-1.0, 1.0, 0.0, f64::NAN, f64::INFINITY];
        let counts = Histogram::new(values, 1.0).counts;
        assert_eq!((counts[0], counts[BINS / 2], counts[BINS - 1]), (1, 1, 1));
        assert_eq!(counts.iter().sum::<usize>(), 3);
        assert_eq!(Histogram::new([0.0; 4], 0.0).counts[BINS / 2], 4);
    }

    #[test]
    fn bars_are_relative_to_the_largest() {
        let mut histogram = Histogram::new([], 1.0);
        assert_eq!(histogram.draw(Bars::Blocks), " ".repeat(BINS));
        histogram.counts[..5].copy_from_slice(&[1, 0, 800, 400, 101]);
        assert_eq!(histogram.draw(Bars::Blocks).trim_end(), "▁ █▄▂");
        assert_eq!(histogram.draw(Bars::Ascii).trim_end(), ". @=:");
    }
}
