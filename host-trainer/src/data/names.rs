//! What the name of a file says it holds: which part of which data set, and in which format.

/// A half of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Train,
    Test,
}

/// What a file with a half of a data set holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Images,
    Labels,
}

/// A format that holds images or labels of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Format {
    /// IDX, gzipped or not.
    Idx,
    /// A NumPy archive with one array.
    Npz,
}

/// The name of a file with images or labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileName {
    pub(super) format: Format,
    /// What comes before the part: nothing for MNIST, `emnist-letters`, `k49`.
    pub(super) set: String,
    pub(super) part: Part,
    pub(super) role: Role,
}

impl FileName {
    /// Recognizes the names that MNIST's files have at their authors', on Kaggle, in torchvision's folders and after a
    /// browser or an unpacker has changed them: `train-images-idx3-ubyte`, `train-images.idx3-ubyte`,
    /// `train_images_idx3_ubyte (1).gz`, `emnist-letters-test-labels-idx1-ubyte`, `k49-train-imgs.npz`.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let words = words(name);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let place = words.iter().rposition(|word| part(word).is_some())?;
        let (part, role) = (part(words[place])?, role(words.get(place + 1)?)?);
        let rest = &words[place + 2..];
        let rest = rest.strip_suffix(&["gz"]).unwrap_or(rest);
        let format = match rest {
            ["npz"] => Format::Npz,
            _ if rest.iter().all(|word| ["idx", "idx1", "idx3", "ubyte"].contains(word)) => Format::Idx,
            _ => return None,
        };
        Some(Self { format, set: words[..place].join("-"), part, role })
    }
}

/// The part that a table's name says it holds: `mnist_train.csv`, `test.csv`; none if it does not say.
pub(super) fn part_of_table(name: &str) -> Option<Part> {
    words(name).iter().rev().find_map(|word| part(word))
}

/// Whether a file's name ends in `.csv`, possibly gzipped.
pub(super) fn is_table(name: &str) -> bool {
    matches!(words(name).iter().map(String::as_str).collect::<Vec<_>>()[..], [_, .., "csv"] | [_, .., "csv", "gz"])
}

/// Whether a file's name ends in `.npz`.
pub(super) fn is_npz(name: &str) -> bool {
    words(name).last().is_some_and(|word| word == "npz")
}

/// The part that a name of an array or a folder means, such as `x_train`, `testing` or `trainingSet`.
pub(super) fn part(word: &str) -> Option<Part> {
    match word {
        "train" | "training" | "trainingset" | "trainset" => Some(Part::Train),
        "test" | "testing" | "testset" | "t10k" => Some(Part::Test),
        _ => None,
    }
}

pub(super) fn role(word: &str) -> Option<Role> {
    match word {
        "images" | "image" | "imgs" | "img" => Some(Role::Images),
        "labels" | "label" => Some(Role::Labels),
        _ => None,
    }
}

/// The words of a name in lower case, without the number in brackets that browsers add to a second download.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut name = name.to_lowercase();
    if let Some((start, rest)) = name.split_once('(')
        && let Some((number, end)) = rest.split_once(')')
        && number.parse::<u8>().is_ok()
    {
        name = format!("{}{end}", start.trim_end());
    }
    name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mnists_files_are_known_under_all_their_names() {
        for name in [
            "train-images-idx3-ubyte",
            "train-images-idx3-ubyte.gz",
            "train-images.idx3-ubyte",
            "train-images.idx3-ubyte.gz",
            "train_images_idx3_ubyte",
            "train-images-idx3-ubyte (1).gz",
            "train-images-idx3-ubyte(2)",
            "Train-Images.idx3-ubyte",
            "train-images-ubyte",
            "train-images.idx",
            "train-images",
        ] {
            let expected = FileName { format: Format::Idx, set: String::new(), part: Part::Train, role: Role::Images };
            assert_eq!(FileName::parse(name), Some(expected), "{name}");
        }
        for (name, set, part, role, format) in [
            ("t10k-labels-idx1-ubyte", "", Part::Test, Role::Labels, Format::Idx),
            ("test-labels.idx1-ubyte", "", Part::Test, Role::Labels, Format::Idx),
            ("emnist-letters-test-images-idx3-ubyte.gz", "emnist-letters", Part::Test, Role::Images, Format::Idx),
            ("qmnist-train-images-idx3-ubyte.gz", "qmnist", Part::Train, Role::Images, Format::Idx),
            ("k49-train-imgs.npz", "k49", Part::Train, Role::Images, Format::Npz),
            ("kmnist-test-labels.npz", "kmnist", Part::Test, Role::Labels, Format::Npz),
        ] {
            let expected = FileName { format, set: set.into(), part, role };
            assert_eq!(FileName::parse(name), Some(expected), "{name}");
        }
        for name in [
            "emnist-letters-mapping.txt",
            "emnist-letters-train-images.mat",
            "labels.txt",
            "mnist.npz",
            "train.csv",
            "qmnist-train-labels-idx2-int.gz",
            "train-images.zip",
            "train",
            "",
        ] {
            assert_eq!(FileName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn tables_are_known_by_their_ending() {
        assert!(is_table("mnist_train.csv") && is_table("A_Z Handwritten Data.csv") && is_table("train.csv.gz"));
        assert!(!is_table("csv") && !is_table("train.csv.txt"));
        assert_eq!(part_of_table("fashion-mnist_train.csv"), Some(Part::Train));
        assert_eq!(part_of_table("emnist-letters-test.csv"), Some(Part::Test));
        assert_eq!(part_of_table("mnist_784.csv"), None);
    }
}
