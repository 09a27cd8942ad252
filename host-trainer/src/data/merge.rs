//! Several data sets as one.

use lenet_core::architecture::IMAGE_BYTES;
use ndarray::Array2;

use super::{DataSet, Split};
use crate::classes::Classes;
use crate::error::{Error, Result};

/// Merges data sets by label, as [`DataSet::load`] describes.
pub(super) fn merge(sets: &[DataSet]) -> Result<DataSet> {
    let name = sets.iter().map(|set| set.name.as_str()).collect::<Vec<_>>().join("+");
    let mut labels: Vec<&String> = Vec::new();
    for label in sets.iter().flat_map(|set| set.classes.labels()) {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    let classes = Classes::new(&labels).map_err(|problem| {
        Error::Usage(format!("{name}: {problem}; leave out a --data, or give equal classes equal names"))
    })?;
    // For each set, the new number of each of its classes.
    let number = |label: &String| classes.find(label).expect("the classes are those of all sets") as u8;
    let numbers: Vec<Vec<u8>> = sets.iter().map(|set| set.classes.labels().iter().map(number).collect()).collect();
    let merged = |part: fn(&DataSet) -> &Split| {
        let splits: Vec<&Split> = sets.iter().map(part).collect();
        merge_splits(&splits, &numbers, classes.count())
    };
    let (train, test) = (merged(|set| &set.train), merged(|set| &set.test));
    let notes = sets.iter().flat_map(|set| set.notes.iter().cloned()).collect();
    Ok(DataSet { name, classes, train, test, notes })
}

/// Image `i` of a set of `n` gets the place `(2 i + 1) / 2 n`, so that each set is spread evenly over the whole. Of images
/// with the same place, that of the earlier set comes first.
fn merge_splits(splits: &[&Split], numbers: &[Vec<u8>], classes: usize) -> Split {
    let mut order: Vec<(usize, usize)> =
        splits.iter().enumerate().flat_map(|(set, split)| (0..split.len()).map(move |image| (set, image))).collect();
    order.sort_by_key(|(set, image)| {
        // Numerators over the common denominator of all sets would be large, so the place is a fixed-point number.
        // It decides as the fraction does: two different fractions differ by at least 1 / (4 * 2^31 * 2^31).
        (((2 * *image as u128 + 1) << 64) / (2 * splits[*set].len() as u128), *set)
    });
    let mut pixels = Vec::with_capacity(order.len() * IMAGE_BYTES);
    let mut labels = Vec::with_capacity(order.len());
    for (set, image) in order {
        pixels.extend(splits[set].pixels(image));
        labels.push(numbers[set][usize::from(splits[set].labels()[image])]);
    }
    let images = Array2::from_shape_vec((labels.len(), IMAGE_BYTES), pixels).expect("each image has 784 pixels");
    Split::new(images, labels.into(), classes).expect("the classes are numbered from 0")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A set whose training images can be identified: the first pixel is `mark`, the second the number. Its test images
    /// are the first `test` of them.
    fn set(mark: u8, labels: &[&str], train: &[u8], test: usize) -> DataSet {
        let mut images = Array2::zeros((train.len(), IMAGE_BYTES));
        for (number, mut image) in images.rows_mut().into_iter().enumerate() {
            (image[0], image[1]) = (mark, number as u8);
        }
        let train = Split::new(images, train.to_vec().into(), labels.len()).unwrap();
        let notes = vec![format!("note {mark}")];
        DataSet {
            name: format!("set{mark}"),
            classes: Classes::new(labels).unwrap(),
            test: train.first(test),
            train,
            notes,
        }
    }

    fn marks(split: &Split) -> Vec<(u8, u8)> {
        split.images().rows().into_iter().map(|image| (image[0], image[1])).collect()
    }

    #[test]
    fn classes_are_merged_by_label_in_the_order_of_their_first_appearance() {
        let merged = merge(&[
            set(0, &["b", "a"], &[0, 1], 2),
            set(1, &["a", "c", "b"], &[0, 1, 2, 1], 2),
            set(2, &["d", "c"], &[0, 1], 0),
        ])
        .unwrap();
        assert_eq!(merged.name, "set0+set1+set2");
        assert_eq!(merged.classes, Classes::new(["b", "a", "c", "d"]).unwrap());
        assert_eq!(merged.notes, ["note 0", "note 1", "note 2"]);
        assert_eq!(merged.train.counts(), [2, 2, 3, 1]);
        assert_eq!((merged.test.len(), merged.test.classes()), (4, 4));
        let expected = [(1, 0, 1), (0, 0, 0), (2, 0, 3), (1, 1, 2), (1, 2, 0), (0, 1, 1), (2, 1, 2), (1, 3, 2)];
        let found: Vec<_> = marks(&merged.train)
            .into_iter()
            .zip(merged.train.labels())
            .map(|((set, n), label)| (set, n, *label))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn every_stretch_has_its_share_of_each_set() {
        let labels = ["a", "b"];
        let merged = merge(&[set(0, &labels, &[0; 200], 10), set(1, &labels, &[1; 40], 200)]).unwrap();
        let validation = merged.train.hold_out(24).unwrap().1;
        assert_eq!(validation.counts(), [20, 4]);
        // Each set keeps its order.
        for mark in [0, 1] {
            let numbers: Vec<u8> =
                marks(&merged.train).iter().filter(|(set, _)| *set == mark).map(|(_, n)| *n).collect();
            assert!(numbers.is_sorted());
        }
    }

    #[test]
    fn an_empty_part_is_no_hindrance() {
        let merged = merge(&[set(0, &["a", "b"], &[0, 1], 0), set(1, &["a", "c"], &[1], 1)]).unwrap();
        assert_eq!(marks(&merged.test), [(1, 0)]);
        assert_eq!(merged.test.labels().to_vec(), [2]);
    }

    #[test]
    fn more_than_64_classes_are_refused() {
        let labels = |start: usize| (start..start + 40).map(|label| label.to_string()).collect::<Vec<_>>();
        let (first, second) = (labels(0), labels(30));
        let refs = |labels: &[String]| set(0, &labels.iter().map(String::as_str).collect::<Vec<_>>(), &[0], 1);
        let message = merge(&[refs(&first), refs(&second)]).unwrap_err().to_string();
        assert!(message.contains("set0+set0: there are 70 labels") && message.contains("leave out"), "{message}");
    }
}
