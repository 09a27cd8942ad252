//! Reads a data set from a folder, or from several.

use std::path::{Path, PathBuf};

use lenet_core::labels::{MAX_CLASSES, MIN_CLASSES};

use super::emnist::{Mapping, transpose};
use super::label_file::{LABEL_FILE, parse_label_file};
use super::layout::{Content, Layout, Part};
use super::merge::merge;
use super::{DataSet, Split, digits_10k, folder, known};
use crate::classes::Classes;
use crate::error::{Error, Result};

impl DataSet {
    /// Reads the data set in a folder, or those in several folders as one; returns the embedded one if no folder is
    /// given.
    ///
    /// Several are merged by label: the classes are those of the first set, then new ones of the second, and so on. The
    /// images of the sets alternate in proportion to their numbers, each set's in their own order, so that the last
    /// images, which may be held out for validation, come from all sets. Training and test images stay separate. The
    /// name joins the sets' names with `+`.
    ///
    /// # Errors
    /// Names the first file that is missing, unreadable or malformed. Also when a folder is given twice, or together
    /// there are more than 64 classes.
    pub fn load(folders: &[PathBuf]) -> Result<Self> {
        match folders {
            [] => Ok(digits_10k()),
            [folder] => Self::from_folder(folder),
            _ => {
                for (index, folder) in folders.iter().enumerate() {
                    let absolute = folder.canonicalize().map_err(Error::read(folder))?;
                    if folders[..index].iter().any(|earlier| earlier.canonicalize().is_ok_and(|path| path == absolute))
                    {
                        return Err(Error::Usage(format!("--data {} is given twice; give it once", folder.display())));
                    }
                }
                merge(&folders.iter().map(|folder| Self::from_folder(folder)).collect::<Result<Vec<_>>>()?)
            }
        }
    }

    /// Reads the four files of a folder in the form of MNIST or EMNIST (IDX, gzipped or not) or of Kuzushiji-49 (NumPy),
    /// or its image files. The data set gets the folder's name.
    ///
    /// **Files.** The labels of the classes are the lines of `labels.txt`; else those in EMNIST's mapping file; else those
    /// of a [`known`] set; else the classes are called `0`, `1` and so on up to the largest label. EMNIST's images are
    /// transposed, and its letters counted from 1; both are corrected.
    ///
    /// **Image files.** A folder without such files has its images in one subfolder for each class, called like the
    /// class's label, or in such subfolders of `train` and `test`. The classes are in natural order of the labels: `2`
    /// before `10`, `b` between `A` and `C`. If there is no `test` folder, one image in six of each class is held out
    /// for testing, chosen by the label and the file names alone. [`image`](super::image) explains how an image is
    /// prepared. Other files are ignored.
    ///
    /// # Errors
    /// Those of [`load`](Self::load). Also when there are fewer than 2 or more than 64 classes, a subfolder's name is not
    /// a label, a class is only in `test`, or there is no image for training or testing.
    pub fn from_folder(folder: &Path) -> Result<Self> {
        let absolute = folder.canonicalize().map_err(Error::read(folder))?;
        let name = absolute.file_name().map_or("data".into(), |name| name.to_string_lossy().into_owned());
        let mut data = match Layout::find(folder)? {
            Some(layout) => read_files(folder, &layout, name)?,
            None => folder::read(folder, name)?.ok_or_else(|| Error::MissingIdx {
                folder: folder.to_owned(),
                name: "train-images-idx3-ubyte".into(),
            })?,
        };
        data.notes.extend(without_images(&data));
        Ok(data)
    }
}

/// Notes about classes without images.
fn without_images(data: &DataSet) -> Vec<String> {
    let (train, test) = (data.train.counts(), data.test.counts());
    let of_all = |condition: &dyn Fn(usize) -> bool| {
        let labels: Vec<&str> =
            (0..data.classes.count()).filter(|c| condition(*c)).map(|c| data.classes.label(c)).collect();
        (!labels.is_empty()).then(|| labels.join(", "))
    };
    let untrained = of_all(&|class| train[class] == 0).map(|labels| {
        format!("{}: no training images of {labels}; the network cannot learn what it never sees", data.name)
    });
    let untested = of_all(&|class| train[class] > 0 && test[class] == 0)
        .map(|labels| format!("{}: no test images of {labels}", data.name));
    untrained.into_iter().chain(untested).collect()
}

fn read_files(folder: &Path, layout: &Layout, name: String) -> Result<DataSet> {
    let mut notes = Vec::new();
    let [mut train, mut test] = [layout.read(folder, Part::Train)?, layout.read(folder, Part::Test)?];
    if matches!(layout, Layout::Emnist(_)) {
        transpose(&mut train.images);
        transpose(&mut test.images);
    }
    let naming = Naming::find(folder, layout, [&train, &test], &mut notes)?;
    let [train, test] = [naming.split(train)?, naming.split(test)?];
    Ok(DataSet { name, classes: naming.classes, train, test, notes })
}

/// What the numbers in label files mean.
struct Naming {
    classes: Classes,
    /// The number of the first class.
    first: u8,
    /// Where the labels come from, for messages.
    source: &'static str,
}

impl Naming {
    fn find(folder: &Path, layout: &Layout, parts: [&Content; 2], notes: &mut Vec<String>) -> Result<Self> {
        let mapping = match layout {
            Layout::Emnist(set) => read_optional(&folder.join(format!("emnist-{set}-mapping.txt")), Mapping::parse)?,
            _ => None,
        };
        let is_letters = matches!(layout, Layout::Emnist(set) if set == "letters");
        let first = mapping.as_ref().map_or(u8::from(is_letters), |mapping| mapping.first);
        if let Some(classes) = read_optional(&folder.join(LABEL_FILE), parse_label_file)? {
            return Ok(Self { classes, first, source: LABEL_FILE });
        }
        if let Some(Mapping { classes, .. }) = mapping {
            return Ok(Self { classes, first, source: "the mapping file" });
        }
        if let Layout::Emnist(set) = layout {
            notes.push(format!(
                "there is no emnist-{set}-mapping.txt beside the files, so the classes are called 0, 1 ..."
            ));
        }
        let [stored, unpacked] = &parts[0].label_bytes;
        let known = match layout {
            Layout::Npz("k49") => Some(known::KUZUSHIJI_49.as_slice()),
            Layout::Npz(_) => Some(known::KMNIST.as_slice()),
            _ => known::labels(stored, unpacked),
        };
        if let Some(labels) = known {
            let classes = Classes::new(labels).expect("a test checks the labels of known sets");
            return Ok(Self { classes, first, source: "the known data set" });
        }
        let largest = parts.iter().flat_map(|part| &part.labels).max().copied().unwrap_or(0);
        // A label that is too large even so is an error of its file.
        let count = (usize::from(largest.saturating_sub(first)) + 1).clamp(MIN_CLASSES, MAX_CLASSES);
        let classes = Classes::numbered(count).expect("the number is allowed");
        Ok(Self { classes, first, source: "a data set" })
    }

    /// Counts the labels from 0 and pairs them with the images.
    fn split(&self, content: Content) -> Result<Split> {
        let Content { images, mut labels, label_path, .. } = content;
        let count = self.classes.count();
        let range = usize::from(self.first)..usize::from(self.first) + count;
        if let Some((index, label)) =
            labels.iter().enumerate().find(|(_, label)| !range.contains(&usize::from(**label)))
        {
            let remedy = if self.source == LABEL_FILE { "; add a line for each class" } else { "" };
            let problem = format!(
                "label {index} is {label}, but {} has {}{count} classes, {} to {}{remedy}",
                self.source,
                if count == MAX_CLASSES { "at most " } else { "" },
                range.start,
                range.end - 1
            );
            return Err(Error::File { path: label_path, problem });
        }
        labels.mapv_inplace(|label| label - self.first);
        Split::new(images, labels, count).map_err(Error::file(&label_path))
    }
}

/// The content of a file; none if it does not exist.
fn read_optional<T>(path: &Path, parse: impl FnOnce(&[u8]) -> std::result::Result<T, String>) -> Result<Option<T>> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = std::fs::read(path).map_err(Error::read(path))?;
    parse(&bytes).map(Some).map_err(Error::file(path))
}
