//! What `lenet show` says about images besides showing them: indices, labels, shape and statistics of the pixels.

use std::path::Path;

use lenet_core::architecture::IMAGE_SIDE;
use serde::Serialize;

use super::arguments::{Arguments, Normalization, SplitName};
use crate::classes::Classes;
use crate::data::{DataSet, Split};
use crate::numbers::thousands;

/// Facts about the images shown.
#[derive(Serialize)]
pub(super) struct Facts<'a> {
    data: &'a str,
    split: &'static str,
    pub(super) indices: Vec<usize>,
    pub(super) labels: Vec<u8>,
    /// The names of their classes.
    pub(super) label_names: Vec<&'a str>,
    shape: Vec<usize>,
    /// Of the pixels p, 0 to 255.
    bytes: Figures,
    /// Of p/255.
    unit: Figures,
    /// Of (p/255 - mean) / std.
    #[serde(skip_serializing_if = "Option::is_none")]
    normalized: Option<Normalized>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrote: Option<&'a Path>,
}

#[derive(Serialize)]
struct Normalized {
    by: Normalization,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Figures {
    minimum: f64,
    maximum: f64,
    mean: f64,
    /// Of the population, so divided by n, not n - 1.
    standard_deviation: f64,
}

impl Figures {
    /// Of at least one byte.
    fn of(bytes: impl Iterator<Item = u8>) -> Self {
        let mut counts = [0u64; 256];
        bytes.for_each(|byte| counts[usize::from(byte)] += 1);
        let levels =
            || (0..=255u8).zip(counts).filter(|(_, count)| *count > 0).map(|(byte, n)| (f64::from(byte), n as f64));
        let total: f64 = levels().map(|(_, n)| n).sum();
        let mean = levels().map(|(level, n)| level * n).sum::<f64>() / total;
        let variance = levels().map(|(level, n)| (level - mean).powi(2) * n).sum::<f64>() / total;
        let ends = levels().fold((f64::MAX, f64::MIN), |(low, high), (level, _)| (low.min(level), high.max(level)));
        Self { minimum: ends.0, maximum: ends.1, mean, standard_deviation: variance.sqrt() }
    }

    /// Of (value - `offset`) / `divisor`. `divisor` is above 0.
    fn affine(self, offset: f64, divisor: f64) -> Self {
        let map = |value: f64| (value - offset) / divisor;
        Self {
            minimum: map(self.minimum),
            maximum: map(self.maximum),
            mean: map(self.mean),
            standard_deviation: self.standard_deviation / divisor,
        }
    }
}

/// Collects the facts about the images with these indices.
pub(super) fn facts<'a>(arguments: &'a Arguments, data: &'a DataSet, split: &Split, indices: Vec<usize>) -> Facts<'a> {
    let labels: Vec<u8> = indices.iter().map(|index| split.labels()[*index]).collect();
    let bytes = Figures::of(indices.iter().flat_map(|index| split.pixels(*index).iter().copied()));
    let unit = bytes.affine(0.0, 255.0);
    let normalized = |by: Normalization| Normalized { by, figures: unit.affine(by.mean, by.std) };
    let of_one = [1, IMAGE_SIDE, IMAGE_SIDE];
    Facts {
        data: &data.name,
        split: arguments.split.name(),
        label_names: labels.iter().map(|class| data.classes.label(usize::from(*class))).collect(),
        labels,
        shape: if indices.len() == 1 { of_one.to_vec() } else { [&[indices.len()], of_one.as_slice()].concat() },
        indices,
        bytes,
        unit,
        normalized: arguments.normalize.map(normalized),
        wrote: arguments.output.as_deref(),
    }
}

/// Prints the facts as a table; `of` is the number of images in the split.
pub(super) fn print_facts(facts: &Facts<'_>, part: SplitName, of: usize, classes: &Classes) {
    let (data, split) = (facts.data, part.adjective());
    match (facts.indices.as_slice(), facts.label_names.as_slice()) {
        ([index], [label]) => {
            println!("image       {} of {} {split} images of {data}", thousands(*index), thousands(of));
            println!("label       {label}");
        }
        (indices, _) => {
            let (first, last) = (indices[0], indices[indices.len() - 1]);
            println!("images      {} of {} {split} images of {data}", thousands(indices.len()), thousands(of));
            println!("index       {} to {}", thousands(first), thousands(last));
            print_labels(facts, classes);
        }
    }
    let shape: Vec<String> = facts.shape.iter().map(usize::to_string).collect();
    println!("shape       {}", shape.join("x"));
    println!("\n{:<10} {:>10} {:>10} {:>10} {:>10}", "", "minimum", "maximum", "mean", "deviation");
    let Figures { minimum, maximum, mean, standard_deviation } = facts.bytes;
    println!("{:<10} {minimum:>10} {maximum:>10} {mean:>10.2} {standard_deviation:>10.2}", "p");
    let row = |name: &str, figures: Figures, note: &str| {
        let Figures { minimum, maximum, mean, standard_deviation } = figures;
        println!("{name:<10} {minimum:>10.4} {maximum:>10.4} {mean:>10.4} {standard_deviation:>10.4}{note}");
    };
    row("p/255", facts.unit, "");
    if let Some(Normalized { by, figures }) = facts.normalized {
        row("normalized", figures, &format!("  (p/255 - {}) / {}", by.mean, by.std));
    }
}

/// Width of the output, in characters.
const WIDTH: usize = 80;

/// Prints all labels in order if there are few, else the number of images in each class.
fn print_labels(facts: &Facts<'_>, classes: &Classes) {
    if facts.labels.len() <= 20 {
        println!("labels      {}", facts.label_names.join(" "));
        return;
    }
    let width = classes.labels().iter().map(|label| label.chars().count()).max().unwrap_or_default().max(5) + 1;
    let per_line = ((WIDTH - "images ".len()) / width).max(1);
    let counts = |class: usize| facts.labels.iter().filter(|label| usize::from(**label) == class).count();
    let numbers: Vec<usize> = (0..classes.count()).collect();
    for line in numbers.chunks(per_line) {
        let row = |cell: &dyn Fn(usize) -> String| -> String {
            line.iter().map(|class| format!("{:>width$}", cell(*class))).collect()
        };
        println!("label  {}", row(&|class| classes.label(class).to_owned()));
        println!("images {}", row(&|class| counts(class).to_string()));
    }
}
