//! What a person should know about the images that a network is judged on, and about a result that looks wrong.

use std::collections::HashSet;
use std::path::Path;

use lenet_core::Pixels;

use crate::data::{DIGITS_10K, DataSet, Split, digits_10k};
use crate::error::{Error, Result};
use crate::evaluation::{evaluate_float, evaluate_int8};
use crate::formats::{FloatFile, NetworkFile};
use crate::network::Network;
use crate::numbers::{percent, thousands};

/// An accuracy below this is looked into.
const POOR: f64 = 0.8;
/// The accuracy that another way of reading the images has to gain.
const GAIN: f64 = 0.2;
/// Means and deviations that programs normalize pixels with: MNIST's, the one for a range from -1 to 1, Fashion-MNIST's.
const USUAL: [(f64, f64); 3] = [(0.1307, 0.3081), (0.5, 0.5), (0.2860, 0.3530)];
/// The accuracy that a normalization has to gain.
const NORMALIZATION_GAIN: f64 = 0.01;

/// What to know about a network's accuracy on `split`, one sentence each, computed on the threads of the current rayon
/// pool: images that it was trained on, images that are read better in another way, and pixels that it needs normalized.
///
/// # Errors
/// An int8 model is invalid; the message names `path`.
pub(super) fn of_accuracy(
    file: &NetworkFile,
    path: &Path,
    data: &DataSet,
    split: &Split,
    accuracy: f64,
) -> Result<Vec<String>> {
    let mut hints = own_training_images(file.trained_on().as_deref(), data, split);
    if accuracy < POOR && !split.is_empty() {
        let better = |found: f64| found >= accuracy + GAIN && 1.0 - found <= (1.0 - accuracy) / 2.0;
        let ways: [(&str, &str, Split); 2] = [
            ("with rows and columns exchanged", "--transposed", split.transposed()),
            ("with dark and light exchanged", "--inverted yes", split.inverted()),
        ];
        for (way, option, split) in ways {
            let found = accuracy_on(file, path, &split)?;
            if better(found) {
                hints.push(format!(
                    "{way}, the images score {} instead of {}: add {option}",
                    percent(found),
                    percent(accuracy)
                ));
            }
        }
    }
    if let NetworkFile::Float(file) = file {
        hints.extend(of_normalization(file, split, accuracy));
    }
    Ok(hints)
}

/// Whether a float network does much better if its pixels are normalized in a usual way. It is not tried on files that
/// this program wrote.
pub(super) fn of_normalization(file: &FloatFile, split: &Split, accuracy: f64) -> Option<String> {
    if file.is_normalized() || file.metadata.contains_key("data") || split.is_empty() {
        return None;
    }
    let on = |network: &Network| evaluate_float(network, split).accuracy();
    let tried = USUAL.map(|(mean, deviation)| (on(&file.network.with_normalization(mean, deviation)), mean, deviation));
    // Of equal ones, the first.
    let (found, mean, deviation) =
        tried.into_iter().reduce(|best, other| if other.0 > best.0 { other } else { best })?;
    let better = found >= accuracy + NORMALIZATION_GAIN && 1.0 - found <= (1.0 - accuracy) / 2.0;
    better.then(|| {
        format!(
            "with pixels normalized as (p/255 - {mean}) / {deviation}, the network scores {} instead of {}; if it was \
             trained so, add --mean {mean} --std {deviation}",
            percent(found),
            percent(accuracy)
        )
    })
}

fn accuracy_on(file: &NetworkFile, path: &Path, split: &Split) -> Result<f64> {
    Ok(match file {
        NetworkFile::Float(file) => evaluate_float(&file.network, split).accuracy(),
        NetworkFile::Int8(file) => evaluate_int8(file.model().map_err(Error::model(path))?, split).accuracy(),
    })
}

/// Warnings about images that the network was trained on, or may have been. The built-in digits are the first 10,000 of
/// MNIST's training images, so a network that was trained on MNIST knows them.
fn own_training_images(trained_on: Option<&str>, data: &DataSet, split: &Split) -> Vec<String> {
    let known_in = |reference: &[Pixels]| {
        let reference: HashSet<&Pixels> = reference.iter().collect();
        split.all_pixels().iter().filter(|pixels| reference.contains(pixels)).count()
    };
    let some = |count: usize| format!("{} of these {} images", thousands(count), thousands(split.len()));
    let mut hints = Vec::new();
    let names: Vec<&str> = trained_on.map_or_else(Vec::new, |names| names.split('+').collect());
    if names.contains(&data.name.as_str()) {
        let count = known_in(data.train.all_pixels());
        if count > 0 {
            hints.push(format!("{} are among the training images of {}, too", some(count), data.name));
        }
    }
    let digits = digits_10k();
    if names.contains(&DIGITS_10K) {
        let count = if data.name == DIGITS_10K { 0 } else { known_in(digits.train.all_pixels()) };
        if count > 0 {
            hints.push(format!(
                "{} are training images of {DIGITS_10K}, which the network was trained on, so the accuracy says little",
                some(count)
            ));
        }
        return hints;
    }
    let count = known_in(digits.train.all_pixels()) + known_in(digits.test.all_pixels());
    if count > 0 {
        let condition = match trained_on {
            Some(name) => format!("if {name}, which the network was trained on, is MNIST"),
            None => "if the network was trained on MNIST".into(),
        };
        hints.push(format!(
            "{} belong to MNIST's training set; {condition}, these are its own training images and the accuracy says \
             little: give its test images with --data",
            some(count)
        ));
    }
    hints
}
