//! What a run says before it trains.

use crate::classes::Classes;
use crate::data::{DataSet, Split};
use crate::network::Parameters;
use crate::numbers::{count, thousands};
use crate::training::{Frozen, Options};

/// A class with this many times fewer images than the largest one is worth a line.
const IMBALANCE: usize = 3;

pub(super) fn print_plan(data: &DataSet, training: &Split, options: &Options, threads: usize) {
    let recipe = &options.recipe;
    let (train, test) = (thousands(training.len()), thousands(data.test.len()));
    println!("data   {}: {train} training images, {test} test images", data.name);
    if let Some(imbalance) = imbalance(training, &data.classes) {
        let remedy = if recipe.balance { "drawn equally often" } else { "--balance draws them equally often" };
        println!("       {imbalance}; {remedy}");
    }
    println!("recipe {}: {}, {}", recipe.name, count(recipe.epochs, "epoch"), recipe.describe());
    if recipe.frozen != Frozen::None {
        let layers = if recipe.frozen == Frozen::AllButLast { "all layers but fc3" } else { "conv1 and conv2" };
        let trained = Parameters::<f32>::count(options.classes.count()) - recipe.frozen.parameters();
        println!("       {layers} frozen, {} parameters trained", thousands(trained));
    }
    println!("seed   {}, {}", options.seed, count(threads, "thread"));
}

/// The largest and the smallest class, if their sizes differ a lot. Classes without images are left to the loader's
/// notes.
fn imbalance(images: &Split, classes: &Classes) -> Option<String> {
    let counts: Vec<_> = images.counts().into_iter().enumerate().filter(|(_, images)| *images > 0).collect();
    let (small, fewest) = *counts.iter().min_by_key(|(_, images)| *images)?;
    let (large, most) = *counts.iter().rev().max_by_key(|(_, images)| *images)?;
    (most >= IMBALANCE * fewest).then(|| {
        let (small, large) = (classes.label(small), classes.label(large));
        format!("classes have {} ({small}) to {} ({large}) images", thousands(fewest), thousands(most))
    })
}

/// Says which classes start from trained weights.
pub(super) fn print_transfer(trained: &Classes, classes: &Classes) {
    let known = classes.labels().iter().filter(|label| trained.find(label).is_some()).count();
    println!("from   a network of {} classes, which has {known} of these {}", trained.count(), classes.count());
    let left: Vec<_> = trained.labels().iter().filter(|label| classes.find(label).is_none()).collect();
    if !left.is_empty() {
        let shown: Vec<_> = left.iter().take(12).map(|label| label.as_str()).collect();
        let more = if left.len() > shown.len() { " ..." } else { "" };
        println!("       without images, so dropped: {}{more}", shown.join(" "));
        println!("       to keep them, add a data set that has them: --data again");
    }
}

#[cfg(test)]
mod tests {
    use lenet_core::IMAGE_BYTES;
    use ndarray::{Array1, Array2};

    use super::*;

    #[test]
    fn imbalance_names_the_first_smallest_and_largest_class() {
        let classes = Classes::new(["a", "b", "c", "d"]).unwrap();
        let of = |labels: &[u8]| {
            let images = Array2::zeros((labels.len(), IMAGE_BYTES));
            imbalance(&Split::new(images, Array1::from(labels.to_vec()), 4).unwrap(), &classes)
        };
        assert_eq!(of(&[0, 0, 1, 1, 1, 1, 1]), None);
        assert_eq!(of(&[0, 1, 1, 1, 3, 3, 3]).unwrap(), "classes have 1 (a) to 3 (b) images");
    }
}
