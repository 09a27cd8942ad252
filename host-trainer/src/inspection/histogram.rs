use serde::Serialize;

/// Bins of a histogram. The 255 weights from -127 to 127 fall into them five by five.
pub const BINS: usize = 51;

/// How many values lie in each of [`BINS`] equally wide parts of a range that is symmetric about zero.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// The end of the range; it starts at the negative of it.
    pub limit: f64,
    /// The counts, from the lowest values to the highest.
    pub counts: Vec<usize>,
}

/// What bars are drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bars {
    /// Unicode's blocks of one to eight eighths.
    Blocks,
    /// Characters every terminal has, the heavier the higher.
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
    /// Counts values; those that are not finite are left out, those beyond `limit` count at the ends.
    pub fn new(values: impl IntoIterator<Item = f64>, limit: f64) -> Self {
        let mut counts = vec![0; BINS];
        for value in values.into_iter().filter(|value| value.is_finite()) {
            // A range of no width has its zeros in the middle.
            let place = if limit > 0.0 { 0.5 + 0.5 * value / limit } else { 0.5 };
            // A float that is out of range becomes the nearest index.
            counts[((place * BINS as f64) as usize).min(BINS - 1)] += 1;
        }
        Self { limit, counts }
    }

    /// One character for each bin: its count as part of the largest; a blank only where there is no value.
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
    fn every_int8_weight_has_its_bin_of_five() {
        for weight in -127..=127i32 {
            let counts = Histogram::new([f64::from(weight)], 127.5).counts;
            assert_eq!(counts.iter().position(|count| *count == 1), Some((weight + 127) as usize / 5), "{weight}");
        }
    }

    #[test]
    fn ends_and_oddities_are_counted_or_left_out() {
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
