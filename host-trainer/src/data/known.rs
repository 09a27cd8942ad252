//! Data sets whose files do not say what their classes are called, but whose authors do.

use sha2::{Digest, Sha256};

use super::idx::unpacked;
use crate::input::{Limit, read_at_most};

/// The labels of Fashion-MNIST, from its authors' README.
pub const FASHION_MNIST: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// The labels of Kuzushiji-MNIST: modern hiragana, from its authors' `kmnist_classmap.csv`.
pub const KMNIST: [&str; 10] = ["お", "き", "す", "つ", "な", "は", "ま", "や", "れ", "を"];

/// The labels of Kuzushiji-49, from its authors' `k49_classmap.csv`: modern hiragana, and the iteration mark.
pub const KUZUSHIJI_49: [&str; 49] = [
    "あ", "い", "う", "え", "お", "か", "き", "く", "け", "こ", "さ", "し", "す", "せ", "そ", "た", "ち", "つ", "て",
    "と", "な", "に", "ぬ", "ね", "の", "は", "ひ", "ふ", "へ", "ほ", "ま", "み", "む", "め", "も", "や", "ゆ", "よ",
    "ら", "り", "る", "れ", "ろ", "わ", "ゐ", "ゑ", "を", "ん", "ゝ",
];

/// SHA-256 of Fashion-MNIST's unpacked `train-labels-idx1-ubyte`.
pub const FASHION_MNIST_TRAIN_LABELS: &str = "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9";

/// SHA-256 of Kuzushiji-MNIST's `train-labels-idx1-ubyte.gz`, packed as its authors serve it. That of the unpacked file
/// is not published.
pub const KMNIST_TRAIN_LABELS: &str = "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17";

/// The labels of the data set with this file of training labels, given as it is stored.
pub(super) fn labels(stored: &[u8]) -> Option<&'static [&'static str]> {
    // A file that is damaged was refused before.
    let unpacked = unpacked(stored)
        .and_then(|stream| read_at_most(stream, Limit::MAX_IMAGES as u64).map_err(|error| error.to_string()));
    if unpacked.is_ok_and(|unpacked| sha256(&unpacked) == FASHION_MNIST_TRAIN_LABELS) {
        Some(&FASHION_MNIST)
    } else if sha256(stored) == KMNIST_TRAIN_LABELS {
        Some(&KMNIST)
    } else {
        None
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::Classes;

    #[test]
    fn the_labels_follow_the_rules() {
        for labels in [FASHION_MNIST.as_slice(), &KMNIST, &KUZUSHIJI_49] {
            assert_eq!(Classes::new(labels).unwrap().count(), labels.len());
        }
    }

    #[test]
    fn other_files_are_unknown() {
        assert_eq!(labels(b"labels"), None);
    }
}
