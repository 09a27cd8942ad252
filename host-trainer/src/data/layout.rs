//! Which files of a folder hold its images and labels, when these are not image files, and what is in them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lenet_core::architecture::{IMAGE_BYTES, IMAGE_SIDE};
use ndarray::{Array1, Array2};

use super::idx::{decompress, parse_images, parse_labels};
use super::npz::parse_npz;
use crate::error::{Error, Result};

/// The starts of the names of Kuzushiji-49's and Kuzushiji-MNIST's NumPy archives.
const ARCHIVES: [&str; 2] = ["k49", "kmnist"];
/// The endings that IDX files can have, in the order in which they are tried.
const IDX_ENDINGS: [&str; 2] = ["gz", ""];

/// How a folder's files are named, and in which format they are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// `train-images-idx3-ubyte` and so on, gzipped or not.
    Mnist,
    /// `emnist-SET-train-images-idx3-ubyte` and so on, gzipped or not. The field is the set, for example `letters`.
    Emnist(String),
    /// `k49-train-imgs.npz` and so on. The field is the part before the first hyphen.
    Npz(&'static str),
}

/// A half of a data set.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Train,
    Test,
}

/// Images and labels as they are in the files.
pub(super) struct Content {
    /// `[N, 784]`.
    pub(super) images: Array2<u8>,
    /// `[N]`.
    pub(super) labels: Array1<u8>,
    /// The file of the labels.
    pub(super) label_path: PathBuf,
    /// Its bytes, as stored and unpacked.
    pub(super) label_bytes: [Vec<u8>; 2],
}

impl Layout {
    /// The layout of a folder's files; none if it has no such files. If files of several layouts are there, MNIST's
    /// come first.
    pub(super) fn find(folder: &Path) -> Result<Option<Self>> {
        let mut names = BTreeSet::new();
        for entry in std::fs::read_dir(folder).map_err(Error::read(folder))? {
            names.extend(entry.map_err(Error::read(folder))?.file_name().into_string().ok());
        }
        let holds = |layout: &Self| {
            let parts = [Part::Train, Part::Test];
            parts.iter().flat_map(|part| layout.names(*part)).any(|name| names.contains(&name))
        };
        if holds(&Self::Mnist) {
            return Ok(Some(Self::Mnist));
        }
        let sets = names.iter().filter_map(|name| emnist_set(name));
        let sets: BTreeSet<&str> = sets.filter(|set| holds(&Self::Emnist((*set).to_owned()))).collect();
        if sets.len() > 1 {
            let sets: Vec<&str> = sets.into_iter().collect();
            let problem = format!(
                "it holds several sets of EMNIST: {}; move the files of the one to use, and its mapping file, into a \
                 folder of their own",
                sets.join(", ")
            );
            return Err(Error::File { path: folder.to_owned(), problem });
        }
        if let Some(set) = sets.into_iter().next() {
            return Ok(Some(Self::Emnist(set.to_owned())));
        }
        Ok(ARCHIVES.map(Self::Npz).into_iter().find(holds))
    }

    /// All names that the files of images and labels can have.
    fn names(&self, part: Part) -> Vec<String> {
        let endings: &[&str] = if matches!(self, Self::Npz(_)) { &["npz"] } else { &IDX_ENDINGS };
        let stems = self.stems(part);
        stems.iter().flat_map(|stem| endings.iter().map(move |ending| with_ending(stem, ending))).collect()
    }

    /// The names of the files of images and labels without their endings.
    fn stems(&self, part: Part) -> [String; 2] {
        match (self, part) {
            (Self::Mnist, Part::Train) => idx_names("train"),
            (Self::Mnist, Part::Test) => idx_names("t10k"),
            (Self::Emnist(set), Part::Train) => idx_names(&format!("emnist-{set}-train")),
            (Self::Emnist(set), Part::Test) => idx_names(&format!("emnist-{set}-test")),
            (Self::Npz(set), Part::Train) => ["imgs", "labels"].map(|what| format!("{set}-train-{what}")),
            (Self::Npz(set), Part::Test) => ["imgs", "labels"].map(|what| format!("{set}-test-{what}")),
        }
    }

    /// Reads the files of one part.
    ///
    /// # Errors
    /// Names the first that is missing, unreadable, malformed, or without images.
    pub(super) fn read(&self, folder: &Path, part: Part) -> Result<Content> {
        let content =
            if matches!(self, Self::Npz(_)) { self.read_npz(folder, part) } else { self.read_idx(folder, part) }?;
        if content.labels.is_empty() {
            let problem = "it contains no images; at least one is needed".into();
            return Err(Error::File { path: content.label_path, problem });
        }
        Ok(content)
    }

    fn read_idx(&self, folder: &Path, part: Part) -> Result<Content> {
        let [images, labels] = self.stems(part);
        let (path, [_, bytes]) = unpacked(folder, &images)?;
        let images = parse_images(&bytes).map_err(Error::file(&path))?;
        let (label_path, label_bytes) = unpacked(folder, &labels)?;
        let labels = parse_labels(&label_bytes[1]).map_err(Error::file(&label_path))?;
        Ok(Content { images, labels, label_path, label_bytes })
    }

    fn read_npz(&self, folder: &Path, part: Part) -> Result<Content> {
        let [path, label_path] = self.stems(part).map(|stem| folder.join(with_ending(&stem, "npz")));
        let (_, shape, pixels) = array(&path)?;
        let [count, IMAGE_SIDE, IMAGE_SIDE] = shape[..] else {
            let problem = format!("its shape is {shape:?}, but it must be [N, 28, 28]");
            return Err(Error::File { path, problem });
        };
        let images = Array2::from_shape_vec((count, IMAGE_BYTES), pixels).expect("the shape was checked");
        let (bytes, shape, labels) = array(&label_path)?;
        if shape.len() != 1 {
            let problem = format!("its shape is {shape:?}, but it must be [N]");
            return Err(Error::File { path: label_path, problem });
        }
        let label_bytes = [bytes, labels.clone()];
        Ok(Content { images, labels: labels.into(), label_path, label_bytes })
    }
}

fn idx_names(part: &str) -> [String; 2] {
    [format!("{part}-images-idx3-ubyte"), format!("{part}-labels-idx1-ubyte")]
}

/// The set in the name of one of EMNIST's files.
fn emnist_set(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("emnist-")?;
    ["-train-", "-test-"].iter().find_map(|part| rest.split_once(part)).map(|(set, _)| set)
}

fn with_ending(stem: &str, ending: &str) -> String {
    if ending.is_empty() { stem.to_owned() } else { format!("{stem}.{ending}") }
}

/// Path and bytes, as stored and unpacked, of an IDX file that is stored under its own name or gzipped with `.gz`
/// appended.
fn unpacked(folder: &Path, name: &str) -> Result<(PathBuf, [Vec<u8>; 2])> {
    for ending in IDX_ENDINGS {
        let path = folder.join(with_ending(name, ending));
        if !path.exists() {
            continue;
        }
        let stored = std::fs::read(&path).map_err(Error::read(&path))?;
        let content = decompress(stored.clone()).map_err(Error::file(&path))?;
        return Ok((path, [stored, content]));
    }
    Err(Error::MissingIdx { folder: folder.to_owned(), name: name.to_owned() })
}

/// The bytes of a NumPy archive; shape and numbers of its array.
fn array(path: &Path) -> Result<(Vec<u8>, Vec<usize>, Vec<u8>)> {
    let bytes = std::fs::read(path).map_err(Error::read(path))?;
    let (shape, numbers) = parse_npz(&bytes).map_err(Error::file(path))?;
    Ok((bytes, shape, numbers))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_set_is_recognized_by_any_of_its_files() {
        for (file, expected) in [
            ("t10k-labels-idx1-ubyte", Some(Layout::Mnist)),
            ("train-images-idx3-ubyte.gz", Some(Layout::Mnist)),
            ("emnist-letters-train-images-idx3-ubyte.gz", Some(Layout::Emnist("letters".into()))),
            ("emnist-balanced-test-labels-idx1-ubyte", Some(Layout::Emnist("balanced".into()))),
            ("k49-test-labels.npz", Some(Layout::Npz("k49"))),
            ("kmnist-train-imgs.npz", Some(Layout::Npz("kmnist"))),
            ("emnist-letters-mapping.txt", None),
            ("emnist-letters-train-images.mat", None),
            ("labels.txt", None),
        ] {
            let folder = TempDir::new().unwrap();
            fs::write(folder.path().join(file), "").unwrap();
            assert_eq!(Layout::find(folder.path()).unwrap(), expected, "{file}");
        }
    }

    #[test]
    fn several_sets_of_emnist_are_refused() {
        let folder = TempDir::new().unwrap();
        for set in ["letters", "digits"] {
            fs::write(folder.path().join(format!("emnist-{set}-test-labels-idx1-ubyte.gz")), "").unwrap();
        }
        let message = Layout::find(folder.path()).unwrap_err().to_string();
        assert!(message.contains("several sets of EMNIST: digits, letters;"), "{message}");
        fs::write(folder.path().join("train-labels-idx1-ubyte"), "").unwrap();
        assert_eq!(Layout::find(folder.path()).unwrap(), Some(Layout::Mnist));
    }
}
