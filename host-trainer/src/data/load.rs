//! Reads a data set from a folder, or from several.

use std::path::{Path, PathBuf};

use lenet_core::labels::{MAX_CLASSES, MIN_CLASSES};

use super::embedded::{DIGITS_10K, digits_10k};
use super::emnist::{Mapping, transpose};
use super::label_file::{LABEL_FILE, parse_label_file};
use super::layout::{Content, Layout, Part};
use super::merge::merge;
use super::{DataSet, Split, folder, known};
use crate::classes::Classes;
use crate::error::{Error, Result};

impl DataSet {
    /// Reads the data set in a folder, or those in several folders as one; returns the embedded one if no folder is
    /// given, or for the name `digits-10k` if no folder is called that.
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
                    let absolute = absolute(folder);
                    if folders[..index].iter().any(|earlier| self::absolute(earlier) == absolute) {
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
    /// a label, a class has a folder in `test` but none in `train`, or there is no image for training or testing.
    pub fn from_folder(folder: &Path) -> Result<Self> {
        if folder == Path::new(DIGITS_10K) && !folder.exists() {
            return Ok(digits_10k());
        }
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

/// The folder's absolute path, or the path itself if there is no such folder.
fn absolute(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
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
                "there is no emnist-{set}-mapping.txt beside the files, so the classes have numbers instead of names"
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

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::super::npz::tests::archive;
    use super::*;

    /// An IDX file of unsigned bytes.
    fn idx(dimensions: &[u32], content: &[u8]) -> Vec<u8> {
        let mut file = vec![0, 0, 8, dimensions.len() as u8];
        file.extend(dimensions.iter().flat_map(|dimension| dimension.to_be_bytes()));
        file.extend(content);
        file
    }

    /// Images that can be identified: the second pixel is their number.
    fn pixels(count: usize) -> Vec<u8> {
        (0..count).flat_map(|number| (0..784).map(move |place| if place == 1 { number as u8 } else { 0 })).collect()
    }

    fn write(folder: &Path, part: &str, labels: &[u8]) {
        let count = labels.len() as u32;
        let images = idx(&[count, 28, 28], &pixels(labels.len()));
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), idx(&[count], labels)).unwrap();
    }

    /// A folder in the form of MNIST.
    fn mnist(train: &[u8], test: &[u8]) -> TempDir {
        let folder = TempDir::new().unwrap();
        write(folder.path(), "train", train);
        write(folder.path(), "t10k", test);
        folder
    }

    fn read(folder: &TempDir) -> DataSet {
        DataSet::from_folder(folder.path()).unwrap()
    }

    fn refusal(folder: &TempDir) -> String {
        DataSet::from_folder(folder.path()).unwrap_err().to_string()
    }

    fn labels(data: &DataSet) -> String {
        data.classes.labels().join(" ")
    }

    #[test]
    fn classes_without_names_are_numbered_up_to_the_largest_label() {
        let data = read(&mnist(&[0, 2, 1, 1], &[1, 0]));
        assert_eq!((labels(&data).as_str(), data.train.classes(), data.test.classes()), ("0 1 2", 3, 3));
        assert_eq!((data.train.counts(), data.test.counts()), (vec![1, 2, 1], vec![1, 1, 0]));
        assert!(data.notes.len() == 1 && data.notes[0].ends_with("no test images of 2"), "{:?}", data.notes);
        assert_eq!(labels(&read(&mnist(&[0], &[0]))), "0 1");
        assert_eq!(read(&mnist(&[63], &[0])).classes.count(), 64);
        let data = read(&mnist(&[0], &[3]));
        assert_eq!(data.classes.count(), 4);
        assert!(data.notes[0].contains("no training images of 1, 2, 3;"), "{:?}", data.notes);
        let message = refusal(&mnist(&[0, 64], &[0]));
        assert!(
            message.contains("train-labels-idx1-ubyte: label 1 is 64") && message.contains("at most 64"),
            "{message}"
        );
        assert!(refusal(&mnist(&[], &[0])).contains("contains no images"));
    }

    #[test]
    fn a_label_file_names_the_classes() {
        let folder = mnist(&[0, 2], &[1]);
        let path = folder.path().join(LABEL_FILE);
        fs::write(&path, "\u{feff}A\r\nplus\r\nさ\r\nmore\r\n\r\n").unwrap();
        let data = read(&folder);
        assert_eq!((labels(&data).as_str(), data.train.counts()), ("A plus さ more", vec![1, 0, 1, 0]));
        fs::write(&path, "A\nplus\n").unwrap();
        let message = refusal(&folder);
        assert!(message.contains("label 1 is 2, but labels.txt has 2 classes, 0 to 1; add a line"), "{message}");
        fs::write(&path, "A\n\nplus\n").unwrap();
        assert!(refusal(&folder).contains("labels.txt: line 2 is blank"));
    }

    #[test]
    fn letters_of_emnist_are_turned_and_counted_from_1() {
        let folder = TempDir::new().unwrap();
        write(folder.path(), "emnist-letters-train", &[1, 3, 2]);
        write(folder.path(), "emnist-letters-test", &[2]);
        let unnamed = read(&folder);
        assert_eq!((labels(&unnamed).as_str(), unnamed.train.labels().to_vec()), ("0 1 2", vec![0, 2, 1]));
        assert!(unnamed.notes[0].contains("no emnist-letters-mapping.txt"), "{:?}", unnamed.notes);

        let mapping = folder.path().join("emnist-letters-mapping.txt");
        fs::write(&mapping, "1 65 97\n2 66 98\n3 67 99\n").unwrap();
        let data = read(&folder);
        assert_eq!((labels(&data).as_str(), data.train.labels().to_vec()), ("A B C", vec![0, 2, 1]));
        // The second pixel of the first row became the second pixel of the first column.
        assert_eq!((data.train.pixels(2)[1], data.train.pixels(2)[28]), (0, 2));
        fs::write(folder.path().join(LABEL_FILE), "a\nb\nc\n").unwrap();
        assert_eq!(labels(&read(&folder)), "a b c");
        fs::remove_file(folder.path().join(LABEL_FILE)).unwrap();

        fs::write(&mapping, "1 65 97\n2 66 98\n").unwrap();
        assert!(refusal(&folder).contains("label 1 is 3, but the mapping file has 2 classes, 1 to 2"));
        fs::write(&mapping, "1 65\n3 66\n").unwrap();
        assert!(refusal(&folder).contains("mapping.txt: line 2 must be class 2"));
        fs::remove_file(mapping).unwrap();
        write(folder.path(), "emnist-letters-test", &[0]);
        assert!(refusal(&folder).contains("label 0 is 0, but"));
    }

    #[test]
    fn numpy_archives_are_read_and_their_classes_known() {
        let folder = TempDir::new().unwrap();
        let write = |name: &str, shape: &str, numbers: &[u8]| {
            fs::write(folder.path().join(name), archive("arr_0.npy", "|u1", shape, numbers)).unwrap();
        };
        write("k49-train-imgs.npz", "(2, 28, 28)", &pixels(2));
        write("k49-train-labels.npz", "(2,)", &[48, 0]);
        write("k49-test-imgs.npz", "(1, 28, 28)", &pixels(1));
        write("k49-test-labels.npz", "(1,)", &[1]);
        let data = read(&folder);
        assert_eq!((data.classes.count(), data.classes.label(48)), (49, "ゝ"));
        assert_eq!((data.train.labels().to_vec(), data.train.pixels(1)[1]), (vec![48, 0], 1));
        write("k49-test-labels.npz", "(1, 1)", &[1]);
        assert!(refusal(&folder).contains("k49-test-labels.npz: its shape is [1, 1]"));
        write("k49-test-labels.npz", "(2,)", &[1, 2]);
        assert!(refusal(&folder).contains("2 labels for 1 images"));
        write("k49-test-labels.npz", "(1,)", &[49]);
        assert!(refusal(&folder).contains("label 0 is 49, but the known data set has 49 classes"));
        write("k49-train-imgs.npz", "(2, 784)", &pixels(2));
        assert!(refusal(&folder).contains("k49-train-imgs.npz: its shape is [2, 784]"));
        fs::remove_file(folder.path().join("k49-train-imgs.npz")).unwrap();
        assert!(refusal(&folder).contains("cannot read") && refusal(&folder).contains("k49-train-imgs.npz"));
    }

    #[test]
    fn several_folders_become_one_set() {
        let (first, second) = (mnist(&[0, 1], &[1]), mnist(&[0, 1, 2, 1], &[0, 2]));
        fs::write(second.path().join(LABEL_FILE), "1\nA\nB\n").unwrap();
        let folders = [first.path().to_owned(), second.path().to_owned()];
        let data = DataSet::load(&folders).unwrap();
        assert_eq!(
            (labels(&data).as_str(), data.train.counts(), data.test.counts()),
            ("0 1 A B", vec![1, 2, 2, 1], vec![0, 2, 0, 1])
        );
        assert!(data.name.contains('+'));
        let message =
            DataSet::load(&[folders[0].clone(), folders[1].clone(), folders[0].clone()]).unwrap_err().to_string();
        assert!(message.contains("is given twice"), "{message}");
        // One folder gives exactly what it gives alone.
        let one = DataSet::load(&folders[1..]).unwrap();
        assert_eq!((one.train, one.test), (read(&second).train, read(&second).test));
        assert_eq!(DataSet::load(&[]).unwrap().name, "digits-10k");
    }

    /// Where Debian's package dataset-fashion-mnist puts it.
    #[test]
    fn fashion_mnist_is_known() {
        let folder = Path::new("/usr/share/datasets/fashion-mnist");
        if folder.exists() {
            assert_eq!(DataSet::from_folder(folder).unwrap().classes.label(9), "Ankle boot");
        } else {
            println!("skipped: {} does not exist", folder.display());
        }
    }
}
