use std::collections::BTreeMap;

use serde::Serialize;

use super::histogram::Histogram;
use super::span::{Span, share};
use crate::formats::FloatFile;
use crate::network::NAMES;

/// Figures of a float network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FloatSummary {
    /// Number of weights and biases.
    pub parameters: usize,
    /// Pooling after conv1.
    pub pool1: String,
    /// Pooling after conv2.
    pub pool2: String,
    /// The rest of the file's metadata.
    pub metadata: BTreeMap<String, String>,
    /// The arrays, in the order of [`NAMES`].
    pub arrays: Vec<ArraySummary>,
}

/// Figures of an array. All but the last two are over the finite values only.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArraySummary {
    /// Its PyTorch name.
    pub name: &'static str,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The lowest and the highest value; `None` when no value is finite.
    pub range: Option<Span<f64>>,
    /// The mean.
    pub mean: f64,
    /// The standard deviation, with the count as divisor.
    pub standard_deviation: f64,
    /// The distribution of the values.
    pub histogram: Histogram,
    /// Fraction of the values that are 0.
    pub zeros: f64,
    /// How many values are infinite or NaN.
    pub not_finite: usize,
}

impl FloatSummary {
    /// Summarizes a float network.
    pub fn new(file: &FloatFile) -> Self {
        let arrays = file.network.parameters.arrays();
        let summaries = NAMES.iter().zip(&arrays).map(|(name, array)| {
            let values: Vec<f64> = array.iter().map(|value| f64::from(*value)).collect();
            ArraySummary::new(name, array.shape(), &values)
        });
        let metadata = file.metadata.iter().filter(|(key, _)| !["pool1", "pool2"].contains(&key.as_str()));
        Self {
            parameters: file.network.parameters.values().len(),
            pool1: file.network.pools.pool1.to_string(),
            pool2: file.network.pools.pool2.to_string(),
            metadata: metadata.map(|(key, value)| (key.clone(), value.clone())).collect(),
            arrays: summaries.collect(),
        }
    }
}

impl ArraySummary {
    fn new(name: &'static str, shape: &[usize], values: &[f64]) -> Self {
        let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        let count = finite.len().max(1) as f64;
        let mean = finite.iter().sum::<f64>() / count;
        let range = Span::of(finite.iter().copied());
        let limit = range.map_or(0.0, |range| range.maximum.max(-range.minimum));
        Self {
            name,
            shape: shape.to_vec(),
            range,
            mean,
            standard_deviation: (finite.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt(),
            zeros: share(values, |value| value == 0.0),
            not_finite: values.len() - finite.len(),
            histogram: Histogram::new(finite, limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_finite_values() {
        let summary = ArraySummary::new("x", &[2, 4], &[1.0, -3.0, 0.0, 2.0, 0.0, 0.0, f64::NAN, f64::INFINITY]);
        assert_eq!(summary.range, Some(Span { minimum: -3.0, maximum: 2.0 }));
        assert_eq!((summary.mean, summary.standard_deviation), (0.0, (14.0f64 / 6.0).sqrt()));
        assert_eq!((summary.zeros, summary.not_finite), (3.0 / 8.0, 2));
        assert_eq!(summary.histogram.counts.iter().sum::<usize>(), 6);
        let nothing = ArraySummary::new("x", &[1], &[f64::NAN]);
        assert_eq!((nothing.range, nothing.mean, nothing.not_finite), (None, 0.0, 1));
    }
}
