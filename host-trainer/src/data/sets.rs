//! Which files hold a data set's images and labels, when these are not image files, and what is in them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lenet_core::architecture::{IMAGE_BYTES, IMAGE_SIDE};
use ndarray::{Array1, Array2};

use super::idx::{read_images, read_labels};
use super::names::{FileName, Format, Part, Role, is_npz, is_table, part_of_table};
use super::npz::{find_arrays, read_npz};
use crate::error::{Error, Result};
use crate::input::{self, Limit};

/// Folders below the given one that are searched: torchvision has its files in `MNIST/raw`.
const DEPTH: usize = 3;

/// Files of one data set.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Files {
    /// A file for the images and one for the labels of each part.
    Pairs(Pairs),
    /// A NumPy archive with all arrays.
    Npz(PathBuf),
    /// Tables: each with the part that its name says it holds.
    Tables(Vec<(PathBuf, Option<Part>)>),
}

/// Files of images and of labels.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pairs {
    /// The folder where they are, or most of them.
    pub(super) folder: PathBuf,
    /// What precedes the part in their names: nothing for MNIST, `emnist-letters`, `k49`.
    pub(super) set: String,
    pub(super) format: Format,
    files: Vec<(Part, Role, PathBuf)>,
    /// Files of the same part and role as one of these.
    pub(super) aside: Vec<PathBuf>,
}

/// Images and labels as they are in the files.
pub(super) struct Content {
    /// `[N, 784]`.
    pub(super) images: Array2<u8>,
    /// `[N]`.
    pub(super) labels: Array1<u8>,
    /// The file of the labels.
    pub(super) label_path: PathBuf,
    /// Its bytes, as stored; nothing if it holds more than labels.
    pub(super) label_bytes: Vec<u8>,
}

impl Files {
    /// The files of a data set in a folder itself; none if it has none. If files of several kinds are there, MNIST's
    /// come first.
    ///
    /// # Errors
    /// When the folder cannot be read, or it holds several sets.
    pub(super) fn find(folder: &Path) -> Result<Option<Self>> {
        let names = list(folder)?;
        if let Some(pairs) = choose(folder, pairs(folder, &names)?)? {
            return Ok(Some(Self::Pairs(pairs)));
        }
        if let Some(archive) = names.archive()? {
            return Ok(Some(Self::Npz(archive)));
        }
        let tables: Vec<_> = names
            .files
            .iter()
            .map(|path| (path.clone(), name_of(path)))
            .filter(|(_, name)| is_table(name))
            .map(|(path, name)| (path, part_of_table(&name)))
            .collect();
        Ok((!tables.is_empty()).then_some(Self::Tables(tables)))
    }

    /// The files of a data set in a folder's subfolders.
    ///
    /// # Errors
    /// When a folder cannot be read, or there are several sets.
    pub(super) fn find_below(folder: &Path) -> Result<Option<Self>> {
        let mut level = list(folder)?.folders;
        for _ in 0..DEPTH {
            let (mut found, mut below) = (Vec::new(), Vec::new());
            for subfolder in &level {
                let names = list(subfolder)?;
                found.extend(pairs(subfolder, &names)?);
                if let Some(archive) = names.archive()? {
                    return Ok(Some(Self::Npz(archive)));
                }
                below.extend(names.folders);
            }
            if let Some(pairs) = choose(folder, found)? {
                return Ok(Some(Self::Pairs(pairs)));
            }
            level = below;
        }
        Ok(None)
    }

    /// The files of the set that a file belongs to; none if its name is not that of a data set's file.
    ///
    /// # Errors
    /// When its folder cannot be read.
    pub(super) fn with(path: &Path) -> Result<Option<Self>> {
        let name = name_of(path);
        if let Some(FileName { set, .. }) = FileName::parse(&name) {
            let folder = folder_of(path);
            let found = pairs(&folder, &list(&folder)?)?.into_iter().find(|pairs| pairs.set == set);
            return Ok(found.map(Self::Pairs));
        }
        if is_npz(&name) {
            return Ok(Some(Self::Npz(path.to_owned())));
        }
        Ok(is_table(&name).then(|| Self::Tables(vec![(path.to_owned(), part_of_table(&name))])))
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// What a folder holds, without hidden files and folders, in the order of the names.
struct Names {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Names {
    /// The first NumPy archive that holds a data set.
    fn archive(&self) -> Result<Option<PathBuf>> {
        for path in self.files.iter().filter(|path| is_npz(&name_of(path))) {
            if find_arrays(input::open(path)?).is_ok_and(|arrays| arrays.is_some()) {
                return Ok(Some(path.clone()));
            }
        }
        Ok(None)
    }
}

fn list(folder: &Path) -> Result<Names> {
    let mut names = Names { files: Vec::new(), folders: Vec::new() };
    for entry in std::fs::read_dir(folder).map_err(Error::read(folder))? {
        let path = folder.join(entry.map_err(Error::read(folder))?.file_name());
        let name = name_of(&path);
        if name.starts_with('.') || name == "__MACOSX" {
            continue;
        }
        if path.is_dir() { names.folders.push(path) } else { names.files.push(path) }
    }
    names.files.sort();
    names.folders.sort();
    Ok(names)
}

/// The pairs of files in a folder, by set. A folder that is named like a file, as in Kaggle's archive of MNIST, counts
/// as that file if it holds one.
fn pairs(folder: &Path, names: &Names) -> Result<Vec<Pairs>> {
    let mut files = names.files.clone();
    for path in names.folders.iter().filter(|path| FileName::parse(&name_of(path)).is_some()) {
        files.extend(list(path)?.files);
    }
    let mut found: Vec<(FileName, PathBuf)> = Vec::new();
    for path in files {
        found.extend(FileName::parse(&name_of(&path)).map(|name| (name, path)));
    }
    // Of several copies, gzipped ones come first, because published digests are those of gzipped files.
    let is_packed = |path: &Path| name_of(path).to_lowercase().ends_with(".gz");
    found.sort_by_key(|(_, path)| (!is_packed(path), path.components().count()));
    let keys: BTreeSet<(String, Format)> = found.iter().map(|(name, _)| (name.set.clone(), name.format)).collect();
    Ok(keys
        .into_iter()
        .map(|(set, format)| {
            let mut pairs = Pairs { folder: folder.to_owned(), set, format, files: Vec::new(), aside: Vec::new() };
            for (name, path) in &found {
                if name.set == pairs.set && name.format == format {
                    pairs.add(name.part, name.role, path);
                }
            }
            pairs
        })
        .collect())
}

/// The pairs to use: those that are named like MNIST's, or the only ones.
fn choose(folder: &Path, mut found: Vec<Pairs>) -> Result<Option<Pairs>> {
    // The halves of a set may be in folders of their own.
    let mut merged: Vec<Pairs> = Vec::new();
    for pairs in found.drain(..) {
        let same = |other: &&mut Pairs| {
            let disjoint = pairs.files.iter().all(|(part, role, _)| other.path(*part, *role).is_none());
            (&other.set, other.format) == (&pairs.set, pairs.format) && disjoint
        };
        match merged.iter_mut().find(same) {
            Some(other) => {
                for (part, role, path) in &pairs.files {
                    other.add(*part, *role, path);
                }
                folder.clone_into(&mut other.folder);
            }
            None => merged.push(pairs),
        }
    }
    if let Some(place) = merged.iter().position(|pairs| pairs.set.is_empty())
        && merged.iter().filter(|pairs| pairs.set.is_empty()).count() == 1
        && merged[place].folder == folder
    {
        return Ok(Some(merged.swap_remove(place)));
    }
    if merged.len() < 2 {
        return Ok(merged.pop());
    }
    let refused = |problem: String| Err(Error::File { path: folder.to_owned(), problem });
    let sets: Option<Vec<&str>> = merged.iter().map(|pairs| pairs.set.strip_prefix("emnist-")).collect();
    if let Some(sets) = sets {
        return refused(format!(
            "it holds several sets of EMNIST: {}; give a file of the one to use, such as \
             emnist-{}-train-images-idx3-ubyte, with --data",
            sets.join(", "),
            sets[0]
        ));
    }
    let places = merged.iter().map(|pairs| {
        let place = pairs.folder.strip_prefix(folder).unwrap_or(&pairs.folder).display().to_string();
        [place, pairs.set.clone()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    });
    let places: Vec<String> = places.map(|place| if place.is_empty() { ".".into() } else { place }).collect();
    refused(format!(
        "it holds several data sets: {}; give the folder of one, or one of its files, with --data",
        places.join(", ")
    ))
}

impl Pairs {
    fn add(&mut self, part: Part, role: Role, path: &Path) {
        match self.path(part, role) {
            None => self.files.push((part, role, path.to_owned())),
            Some(_) => self.aside.push(path.to_owned()),
        }
    }

    fn path(&self, part: Part, role: Role) -> Option<&Path> {
        self.files.iter().find(|(p, r, _)| (*p, *r) == (part, role)).map(|(.., path)| path.as_path())
    }

    /// Whether any file of a part is there.
    pub(super) fn has(&self, part: Part) -> bool {
        self.files.iter().any(|(other, ..)| *other == part)
    }

    /// The EMNIST set, such as `letters`.
    pub(super) fn emnist(&self) -> Option<&str> {
        self.set.strip_prefix("emnist-")
    }

    /// The usual name of a file, for messages.
    fn usual_name(&self, part: Part, role: Role) -> String {
        let part = match (part, self.set.as_str(), self.format) {
            (Part::Train, ..) => "train",
            (Part::Test, "", _) => "t10k",
            (Part::Test, ..) => "test",
        };
        let prefix = if self.set.is_empty() { String::new() } else { format!("{}-", self.set) };
        match (self.format, role) {
            (Format::Idx, Role::Images) => format!("{prefix}{part}-images-idx3-ubyte"),
            (Format::Idx, Role::Labels) => format!("{prefix}{part}-labels-idx1-ubyte"),
            (Format::Npz, Role::Images) => format!("{prefix}{part}-imgs.npz"),
            (Format::Npz, Role::Labels) => format!("{prefix}{part}-labels.npz"),
        }
    }

    /// Reads the files of one part.
    ///
    /// # Errors
    /// Names the first that is missing, unreadable, malformed, or without images.
    pub(super) fn read(&self, part: Part) -> Result<Content> {
        let place = |role| {
            let missing = || match self.format {
                Format::Idx => Error::MissingIdx { folder: self.folder.clone(), name: self.usual_name(part, role) },
                Format::Npz => {
                    let path = self.folder.join(self.usual_name(part, role));
                    Error::read(&path)(std::io::ErrorKind::NotFound.into())
                }
            };
            self.path(part, role).map(Path::to_owned).ok_or_else(missing)
        };
        let (path, label_path) = (place(Role::Images)?, place(Role::Labels)?);
        let content = match self.format {
            Format::Idx => read_idx(&path, label_path),
            Format::Npz => read_pair(&path, label_path),
        }?;
        not_empty(content)
    }
}

pub(super) fn not_empty(content: Content) -> Result<Content> {
    if content.labels.is_empty() {
        return Err(Error::File {
            path: content.label_path,
            problem: "it contains no images; at least one is needed".into(),
        });
    }
    Ok(content)
}

/// The labels come first, because their number tells how many pixels to read.
fn read_idx(path: &Path, label_path: PathBuf) -> Result<Content> {
    let label_bytes = input::read(&label_path, Limit::LABELS)?;
    let labels = read_labels(label_bytes.as_slice()).map_err(Error::file(&label_path))?;
    let images = read_images(input::open(path)?, Some(labels.len())).map_err(|problem| {
        // A wrong number can be either file's fault; the shorter one is easier to look into.
        let path = if problem.starts_with("there are ") { &label_path } else { path };
        Error::file(path)(problem)
    })?;
    Ok(Content { images, labels, label_path, label_bytes })
}

fn read_pair(path: &Path, label_path: PathBuf) -> Result<Content> {
    let (shape, pixels) = read_npz(input::open(path)?).map_err(Error::file(path))?;
    let [count, IMAGE_SIDE, IMAGE_SIDE] = shape[..] else {
        let problem = format!("its shape is {shape:?}, but it must be [N, 28, 28]");
        return Err(Error::File { path: path.to_owned(), problem });
    };
    let images = Array2::from_shape_vec((count, IMAGE_BYTES), pixels).expect("the shape was checked");
    let (shape, labels) = read_npz(input::open(&label_path)?).map_err(Error::file(&label_path))?;
    if shape.len() != 1 {
        let problem = format!("its shape is {shape:?}, but it must be [N]");
        return Err(Error::File { path: label_path, problem });
    }
    Ok(Content { images, labels: labels.into(), label_path, label_bytes: Vec::new() })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    /// The set and format of the pairs that are found.
    fn found(folder: &Path) -> Option<(String, Format)> {
        match Files::find(folder).unwrap()? {
            Files::Pairs(pairs) => Some((pairs.set, pairs.format)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_set_is_recognized_by_any_of_its_files() {
        for (file, expected) in [
            ("t10k-labels-idx1-ubyte", Some(("", Format::Idx))),
            ("train-images-idx3-ubyte.gz", Some(("", Format::Idx))),
            ("emnist-letters-train-images-idx3-ubyte.gz", Some(("emnist-letters", Format::Idx))),
            ("emnist-balanced-test-labels-idx1-ubyte", Some(("emnist-balanced", Format::Idx))),
            ("k49-test-labels.npz", Some(("k49", Format::Npz))),
            ("kmnist-train-imgs.npz", Some(("kmnist", Format::Npz))),
            ("emnist-letters-mapping.txt", None),
            ("emnist-letters-train-images.mat", None),
            ("labels.txt", None),
        ] {
            let folder = TempDir::new().unwrap();
            fs::write(folder.path().join(file), "").unwrap();
            assert_eq!(found(folder.path()), expected.map(|(set, format)| (set.into(), format)), "{file}");
        }
    }

    #[test]
    fn several_sets_of_emnist_are_refused_unless_a_file_says_which() {
        let folder = TempDir::new().unwrap();
        for set in ["letters", "digits"] {
            fs::write(folder.path().join(format!("emnist-{set}-test-labels-idx1-ubyte.gz")), "").unwrap();
        }
        let message = Files::find(folder.path()).unwrap_err().to_string();
        assert!(message.contains("several sets of EMNIST: digits, letters;"), "{message}");
        let letters = Files::with(&folder.path().join("emnist-letters-test-labels-idx1-ubyte.gz")).unwrap().unwrap();
        assert!(matches!(letters, Files::Pairs(pairs) if pairs.emnist() == Some("letters")));
        fs::write(folder.path().join("train-labels-idx1-ubyte"), "").unwrap();
        assert_eq!(found(folder.path()), Some((String::new(), Format::Idx)));
    }

    #[test]
    fn folders_below_are_searched_and_several_sets_named() {
        let root = TempDir::new().unwrap();
        let write = |path: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        write("FashionMNIST/raw/train-images-idx3-ubyte");
        assert_eq!(found(root.path()), None);
        assert!(matches!(Files::find_below(root.path()).unwrap(), Some(Files::Pairs(pairs)) if pairs.has(Part::Train)));
        write("FashionMNIST/raw/train-images-idx3-ubyte.gz");
        let Some(Files::Pairs(pairs)) = Files::find_below(root.path()).unwrap() else { panic!() };
        assert!(pairs.path(Part::Train, Role::Images).unwrap().ends_with("train-images-idx3-ubyte.gz"));
        assert_eq!(pairs.aside.len(), 1);
        write("MNIST/raw/train-images-idx3-ubyte");
        let message = Files::find_below(root.path()).unwrap_err().to_string();
        assert!(message.contains("several data sets: FashionMNIST/raw, MNIST/raw; give"), "{message}");
    }

    #[test]
    fn halves_of_a_set_may_be_in_different_folders() {
        let root = TempDir::new().unwrap();
        for (folder, file) in [("train", "train-images-idx3-ubyte"), ("test", "t10k-images-idx3-ubyte")] {
            fs::create_dir(root.path().join(folder)).unwrap();
            fs::write(root.path().join(folder).join(file), "").unwrap();
        }
        let Some(Files::Pairs(pairs)) = Files::find_below(root.path()).unwrap() else { panic!() };
        assert!(pairs.has(Part::Train) && pairs.has(Part::Test));
    }
}
