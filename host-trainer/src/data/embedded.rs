//! The data set built into the program: 10,000 real digits, see `data/README.md`.

use super::{DataSet, Split, idx};
use crate::classes::Classes;

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../data/digits-10k/", $name)).as_slice()
    };
}

/// The set's name.
pub const DIGITS_10K: &str = "digits-10k";

/// 9,000 training and 1,000 test digits, the first 10,000 of MNIST's training set.
///
/// # Panics
/// Never: the files are part of the program, and a test reads them.
pub fn digits_10k() -> DataSet {
    DataSet {
        name: DIGITS_10K.into(),
        classes: Classes::digits(),
        train: split(file!("train-images-idx3-ubyte.gz"), file!("train-labels-idx1-ubyte.gz")),
        test: split(file!("t10k-images-idx3-ubyte.gz"), file!("t10k-labels-idx1-ubyte.gz")),
        notes: Vec::new(),
    }
}

fn split(images: &[u8], labels: &[u8]) -> Split {
    let images = idx::read_images(images, None).expect("an embedded image file is IDX");
    let labels = idx::read_labels(labels).expect("an embedded label file is IDX");
    Split::new(images, labels, 10).expect("the embedded files fit each other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_stratified_and_starts_with_one_of_each_class() {
        let data = digits_10k();
        let (train, test) = (data.train.counts(), data.test.counts());
        assert_eq!(test, [100, 113, 99, 103, 98, 86, 102, 107, 94, 98]);
        assert_eq!(train.iter().sum::<usize>(), 9_000);
        // The classes of MNIST's first 10,000 training images.
        let of_mnist = [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978];
        assert_eq!(train.iter().zip(&test).map(|(a, b)| a + b).collect::<Vec<_>>(), of_mnist);
        let mut first: Vec<u8> = data.test.labels().iter().take(10).copied().collect();
        first.sort_unstable();
        assert_eq!(first, (0..10).collect::<Vec<u8>>());
    }
}
