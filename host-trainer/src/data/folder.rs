//! Folders of images: finds the files of each class, splits them into training and test images, and decodes them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lenet_core::Pixels;
use lenet_core::architecture::IMAGE_BYTES;
use lenet_core::checksum::crc32;
use lenet_core::labels::MAX_LABEL_BYTES;
use ndarray::{Array1, Array2};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::natural::natural;
use super::{DataSet, Split, image};
use crate::classes::Classes;
use crate::error::{Error, Result};
use crate::numbers::thousands;

/// Constant, so that `train`, `quantize` and `eval` split and order the same folder in the same way.
const SEED: u64 = 1;
/// The random streams 0 to 9 split the classes with these labels.
const TRAIN_ORDER: u64 = 10;
const TEST_ORDER: u64 = 11;
/// The streams from this one on split all other classes.
const FIRST_LABEL_STREAM: u64 = 12;
/// One image in six is held out for testing if there is no `test` folder. MNIST has this ratio too.
const TEST_SHARE: usize = 6;
const TRAIN: &str = "train";
const TEST: &str = "test";
/// How images are sorted into folders, for messages.
const RULE: &str = "images belong directly in the folder of their class, such as A or train/A";

/// A class: its label, which is the name of its folder, and its image files, sorted by name.
struct Class {
    label: String,
    files: Vec<PathBuf>,
}

/// Reads a folder's training and test images, each in a shuffled order, as the data set `name`. Returns `None` if the
/// folder has no subfolders.
pub(super) fn read(folder: &Path, name: String) -> Result<Option<DataSet>> {
    let Listing { subfolders, hidden, .. } = list(folder)?;
    let mut notes = Vec::new();
    if subfolders.is_empty() {
        return Ok(None);
    }
    let has = |part: &str| subfolders.iter().any(|name| name == part);
    let (train, test) = if has(TRAIN) {
        note_hidden(folder, &hidden, &mut notes);
        let others = subfolders.iter().filter(|name| *name != TRAIN && *name != TEST);
        refuse_subfolders(folder, others, "only train and test folders are allowed here")?;
        let train = find(&folder.join(TRAIN), &mut notes)?;
        if has(TEST) {
            let test = matched(&train, find(&folder.join(TEST), &mut notes)?, &folder.join(TEST))?;
            (train, test)
        } else {
            part(folder, train, &name, &mut notes)?
        }
    } else if has(TEST) {
        let problem = "it has the subfolder test but no train; put the training images into a folder for each class in \
                       train";
        return Err(Error::File { path: folder.to_owned(), problem: problem.into() });
    } else {
        let classes = find(folder, &mut notes)?;
        part(folder, classes, &name, &mut notes)?
    };
    let classes = Classes::new(train.iter().map(|class| &class.label)).map_err(|problem| Error::File {
        path: folder.to_owned(),
        problem: format!("it has {} class folders: {problem}; add or remove folders", train.len()),
    })?;
    let (train, test) = (decode(&train, TRAIN_ORDER)?, decode(&test, TEST_ORDER)?);
    Ok(Some(DataSet { name, classes, train, test, notes }))
}

/// The subfolder names and image paths in a folder. All are sorted, because file systems list them in different orders.
struct Listing {
    subfolders: Vec<OsString>,
    /// Subfolders whose names start with a dot. Hidden images are not listed.
    hidden: Vec<OsString>,
    images: Vec<PathBuf>,
}

fn list(folder: &Path) -> Result<Listing> {
    let mut listing = Listing { subfolders: Vec::new(), hidden: Vec::new(), images: Vec::new() };
    for entry in std::fs::read_dir(folder).map_err(Error::read(folder))? {
        let name = entry.map_err(Error::read(folder))?.file_name();
        let path = folder.join(&name);
        let hidden = name.as_encoded_bytes().starts_with(b".");
        if path.is_dir() {
            if hidden { listing.hidden.push(name) } else { listing.subfolders.push(name) }
        } else if !hidden && image::is_image(&path) {
            listing.images.push(path);
        }
    }
    listing.subfolders.sort_unstable();
    listing.hidden.sort_unstable();
    listing.images.sort_unstable();
    Ok(listing)
}

fn note_hidden(folder: &Path, hidden: &[OsString], notes: &mut Vec<String>) {
    if !hidden.is_empty() {
        notes.push(format!("{}: hidden folders are ignored: {}", folder.display(), joined(hidden)));
    }
}

fn joined<'a>(names: impl IntoIterator<Item = &'a OsString>) -> String {
    names.into_iter().map(|name| name.to_string_lossy()).collect::<Vec<_>>().join(", ")
}

fn refuse_subfolders<'a>(folder: &Path, names: impl IntoIterator<Item = &'a OsString>, rule: &str) -> Result<()> {
    let names = joined(names);
    if names.is_empty() {
        return Ok(());
    }
    let problem = format!("it has the subfolders {names}, but {rule}; rename them or move them elsewhere");
    Err(Error::File { path: folder.to_owned(), problem })
}

/// Finds the images of each class, in the natural order of the labels. There must be at least one image.
fn find(folder: &Path, notes: &mut Vec<String>) -> Result<Vec<Class>> {
    let Listing { subfolders, hidden, .. } = list(folder)?;
    note_hidden(folder, &hidden, notes);
    let mut classes = Vec::new();
    for name in subfolders {
        let path = folder.join(&name);
        let label = label(&name).map_err(|problem| Error::File { path: path.clone(), problem })?;
        let Listing { subfolders, hidden, images } = list(&path)?;
        refuse_subfolders(&path, &subfolders, RULE)?;
        note_hidden(&path, &hidden, notes);
        classes.push(Class { label, files: images });
    }
    if classes.iter().all(|class| class.files.is_empty()) {
        let problem =
            "it holds no images; put PNG, JPEG, BMP, PGM or PPM files into a subfolder for each class, such as A and B";
        return Err(Error::File { path: folder.to_owned(), problem: problem.into() });
    }
    classes.sort_by(|a, b| natural(&a.label, &b.label));
    Ok(classes)
}

/// The label that a folder's name stands for: the name.
fn label(name: &OsString) -> std::result::Result<String, String> {
    let label = name.to_str().ok_or("its name, which is the label of a class, is not UTF-8; rename the folder")?;
    if label.len() > MAX_LABEL_BYTES {
        return Err(format!(
            "its name has {} bytes, but it is the label of a class and may have at most {MAX_LABEL_BYTES}; rename the \
             folder",
            label.len()
        ));
    }
    if label.chars().any(char::is_control) {
        return Err("its name, which is the label of a class, contains a control character; rename the folder".into());
    }
    Ok(label.to_owned())
}

/// The test images of the classes in `train`, in their order. Each class in `test` must be in `train`.
fn matched(train: &[Class], mut test: Vec<Class>, folder: &Path) -> Result<Vec<Class>> {
    let known = |class: &Class| train.iter().any(|other| other.label == class.label);
    let unknown: Vec<&str> = test.iter().filter(|class| !known(class)).map(|class| class.label.as_str()).collect();
    if !unknown.is_empty() {
        let problem = format!(
            "it has folders for {}, but train has none; add training images of these classes, or remove their test images",
            unknown.join(", ")
        );
        return Err(Error::File { path: folder.to_owned(), problem });
    }
    let mut files_of = |label: &str| {
        test.iter_mut()
            .find(|class| class.label == label)
            .map(|class| std::mem::take(&mut class.files))
            .unwrap_or_default()
    };
    Ok(train.iter().map(|class| Class { label: class.label.clone(), files: files_of(&class.label) }).collect())
}

/// Splits each class separately, so that adding images to one class, or another class, leaves the split of the others
/// unchanged.
fn part(folder: &Path, mut train: Vec<Class>, name: &str, notes: &mut Vec<String>) -> Result<(Vec<Class>, Vec<Class>)> {
    let mut test = Vec::new();
    for Class { label, files } in &mut train {
        files.shuffle(&mut stream(stream_of(label)));
        let count = (files.len() + TEST_SHARE / 2) / TEST_SHARE;
        test.push(Class { label: label.clone(), files: files.split_off(files.len() - count) });
    }
    let count = |classes: &[Class]| classes.iter().map(|class| class.files.len()).sum::<usize>();
    let (left, held_out) = (count(&train), count(&test));
    if held_out == 0 {
        let problem = "it has too few images to hold any out for testing; put at least three images into one class, or \
                       test images into folders such as test/A and training images into train/A";
        return Err(Error::File { path: folder.to_owned(), problem: problem.into() });
    }
    notes.push(format!(
        "{name}: no test folder, so one image in six of each class is held out for testing: {} of {}",
        thousands(held_out),
        thousands(left + held_out)
    ));
    Ok((train, test))
}

/// The random stream that splits a class. It depends on nothing but the label.
fn stream_of(label: &str) -> u64 {
    match label.as_bytes() {
        [digit @ b'0'..=b'9'] => u64::from(digit - b'0'),
        bytes => FIRST_LABEL_STREAM + u64::from(crc32(bytes)),
    }
}

fn stream(number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    rng.set_stream(number);
    rng
}

fn decode(classes: &[Class], order: u64) -> Result<Split> {
    let labelled = (0..).zip(classes).flat_map(|(number, class)| class.files.iter().map(move |file| (file, number)));
    let mut files: Vec<(&PathBuf, u8)> = labelled.collect();
    files.shuffle(&mut stream(order));
    // Decode all files before looking for errors, so that the error always names the same one of several bad files.
    let decoded: Vec<Result<Pixels>> = files.par_iter().map(|(path, _)| image::read(path)).collect();
    let images: Vec<Pixels> = decoded.into_iter().collect::<Result<_>>()?;
    let images = Array2::from_shape_vec((files.len(), IMAGE_BYTES), images.into_flattened());
    let labels: Array1<u8> = files.iter().map(|(_, class)| *class).collect();
    let images = images.expect("each image has 784 pixels");
    Ok(Split::new(images, labels, classes.len()).expect("the classes are numbered from 0"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use ::image::{GrayImage, Luma};
    use tempfile::TempDir;

    use super::*;
    use crate::data::{DataSet, digits_10k};

    /// Writes images that can be identified: the first pixel is the class, the second the number.
    fn write(folder: &Path, counts: &[u8]) {
        for (class, count) in counts.iter().enumerate() {
            let folder = folder.join(class.to_string());
            fs::create_dir_all(&folder).unwrap();
            for number in 0..*count {
                let mut image = GrayImage::new(28, 28);
                image.put_pixel(0, 0, Luma([class as u8]));
                image.put_pixel(1, 0, Luma([number]));
                image.save(folder.join(format!("{number}.png"))).unwrap();
            }
        }
    }

    /// Class and number of each image.
    fn origins(split: &Split) -> Vec<(u8, u8)> {
        split.images().rows().into_iter().map(|image| (image[0], image[1])).collect()
    }

    /// Writes images of named classes, like [`write`].
    fn write_named(folder: &Path, classes: &[(&str, u8)]) {
        for (class, (label, count)) in classes.iter().enumerate() {
            let numbered = TempDir::new().unwrap();
            write(numbered.path(), &[vec![0; class], vec![*count]].concat());
            fs::create_dir_all(folder.join(label)).unwrap();
            for file in fs::read_dir(numbered.path().join(class.to_string())).unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), folder.join(label).join(file.file_name())).unwrap();
            }
        }
    }

    fn labels(data: &DataSet) -> Vec<&str> {
        data.classes.labels().iter().collect()
    }

    fn refusal(folder: &Path) -> String {
        DataSet::from_folder(folder).unwrap_err().to_string()
    }

    #[test]
    fn holds_out_the_same_sixth_of_each_class_every_time() {
        let counts_per_class = [12, 6, 30, 3, 2, 0, 9, 1, 60, 18];
        let flat = TempDir::new().unwrap();
        write(flat.path(), &counts_per_class);
        fs::write(flat.path().join("README.md"), "").unwrap();
        fs::write(flat.path().join("3/notes.txt"), "").unwrap();
        fs::write(flat.path().join("3/._0.png"), "").unwrap();
        fs::create_dir(flat.path().join(".cache")).unwrap();
        let data = DataSet::from_folder(flat.path()).unwrap();
        assert_eq!(data.test.counts(), [2, 1, 5, 1, 0, 0, 2, 0, 10, 3]);
        assert_eq!(data.train.counts(), [10, 5, 25, 2, 2, 0, 7, 1, 50, 15]);
        for split in [&data.train, &data.test] {
            assert!(origins(split).iter().zip(split.labels()).all(|(origin, label)| origin.0 == *label));
        }
        let mut all = [origins(&data.train), origins(&data.test)].concat();
        all.sort_unstable();
        let expected = (0..).zip(counts_per_class).flat_map(|(class, count)| (0..count).map(move |n| (class, n)));
        assert_eq!(all, expected.collect::<Vec<_>>());

        // The classes are mixed: the last images come from several of them.
        let last = origins(&data.train).split_off(data.train.len() - 20);
        let classes: std::collections::BTreeSet<u8> = last.iter().map(|origin| origin.0).collect();
        assert!(classes.len() >= 4, "{classes:?}");

        // The same files in another order, under `train`, and later with one more image in the last class.
        let other = TempDir::new().unwrap();
        let train = other.path().join("train");
        write(&train, &[0; 10]);
        for (class, number) in all.into_iter().rev() {
            let name = format!("{class}/{number}.png");
            fs::copy(flat.path().join(&name), train.join(&name)).unwrap();
        }
        let again = DataSet::from_folder(other.path()).unwrap();
        assert_eq!((&again.train, &again.test), (&data.train, &data.test));
        fs::copy(train.join("9/0.png"), train.join("9/99.png")).unwrap();
        let more = DataSet::from_folder(other.path()).unwrap();
        let of_others = |split: &Split| {
            let mut origins: Vec<_> = origins(split).into_iter().filter(|origin| origin.0 < 9).collect();
            origins.sort_unstable();
            origins
        };
        assert_eq!(of_others(&more.test), of_others(&data.test));
    }

    #[test]
    fn a_test_folder_replaces_the_split() {
        let folder = TempDir::new().unwrap();
        write(&folder.path().join("train"), &[4, 0, 7]);
        write(&folder.path().join("test"), &[0, 1]);
        let data = DataSet::from_folder(folder.path()).unwrap();
        assert_eq!(data.train.counts()[..3], [4, 0, 7]);
        assert_eq!(origins(&data.test), [(1, 0)]);
    }

    #[test]
    fn idx_files_come_first() {
        let folder = TempDir::new().unwrap();
        write(folder.path(), &[6]);
        let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/digits-10k");
        let names = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
        for name in names.map(|name| format!("{name}-ubyte.gz")) {
            fs::copy(digits.join(&name), folder.path().join(name)).unwrap();
        }
        assert_eq!(DataSet::from_folder(folder.path()).unwrap().test, digits_10k().test);
        fs::remove_file(folder.path().join("t10k-labels-idx1-ubyte.gz")).unwrap();
        assert!(refusal(folder.path()).contains("neither t10k-labels-idx1-ubyte nor"));
    }

    #[test]
    fn folders_have_any_name_and_are_in_natural_order() {
        let folder = TempDir::new().unwrap();
        write_named(folder.path(), &[("plus", 6), ("B", 9), ("10", 3), ("a", 12), ("2", 6), ("さ", 7)]);
        let data = DataSet::from_folder(folder.path()).unwrap();
        assert_eq!(labels(&data), ["2", "10", "a", "B", "plus", "さ"]);
        assert_eq!(data.test.counts(), [1, 1, 2, 2, 1, 1]);
        assert_eq!(data.train.counts(), [5, 2, 10, 7, 5, 6]);
        // The written classes in their new order.
        let written = [4, 2, 3, 1, 0, 5];
        for split in [&data.train, &data.test] {
            assert!(
                origins(split)
                    .iter()
                    .zip(split.labels())
                    .all(|(origin, label)| origin.0 == written[usize::from(*label)])
            );
        }
        let name = &data.name;
        let expected =
            format!("{name}: no test folder, so one image in six of each class is held out for testing: 8 of 43");
        assert_eq!(data.notes, [expected]);
    }

    /// The test images of a class depend on its label and files only: not on other classes, nor on its own number.
    #[test]
    fn other_classes_do_not_change_the_split_of_a_class() {
        let test_images = |classes: &[(&str, u8)], class: u8| {
            let folder = TempDir::new().unwrap();
            write_named(folder.path(), classes);
            let data = DataSet::from_folder(folder.path()).unwrap();
            let mut numbers: Vec<u8> =
                origins(&data.test).into_iter().filter(|origin| origin.0 == class).map(|origin| origin.1).collect();
            numbers.sort_unstable();
            numbers
        };
        for label in ["7", "10", "circle"] {
            let alone = test_images(&[("zero", 3), (label, 40)], 1);
            assert_eq!(alone.len(), 7);
            assert_eq!(test_images(&[("zero", 50), (label, 40), ("A", 6), ("1", 6)], 1), alone);
        }
        assert_ne!(test_images(&[("0", 40), ("1", 40)], 0), test_images(&[("0", 40), ("1", 40)], 1));
        assert_ne!(test_images(&[("x", 40), ("y", 40)], 0), test_images(&[("x", 40), ("y", 40)], 1));
    }

    #[test]
    fn subsets_of_the_digits_and_more_than_ten_classes_are_read() {
        let all = [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18];
        let eleven = TempDir::new().unwrap();
        write(eleven.path(), &all);
        let data = DataSet::from_folder(eleven.path()).unwrap();
        assert_eq!(labels(&data), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
        assert_eq!(data.test.counts(), [1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3]);
        let mut of_three: Vec<(u8, u8)> =
            origins(&data.test).into_iter().filter(|origin| [2, 5, 7].contains(&origin.0)).collect();
        of_three.sort_unstable();
        for digit in [0, 1, 3, 4, 6, 8, 9, 10] {
            fs::remove_dir_all(eleven.path().join(digit.to_string())).unwrap();
        }
        let three = DataSet::from_folder(eleven.path()).unwrap();
        assert_eq!(labels(&three), ["2", "5", "7"]);
        let mut found = origins(&three.test);
        found.sort_unstable();
        assert_eq!(found, of_three);
    }

    #[test]
    fn classes_without_images_and_hidden_folders_are_reported() {
        let folder = TempDir::new().unwrap();
        write_named(&folder.path().join("train"), &[("A", 3), ("B", 2), ("C", 0), ("D", 1)]);
        write_named(&folder.path().join("test"), &[("D", 1), ("A", 1), ("C", 1)]);
        fs::create_dir(folder.path().join("test/.thumbnails")).unwrap();
        let data = DataSet::from_folder(folder.path()).unwrap();
        assert_eq!(labels(&data), ["A", "B", "C", "D"]);
        assert_eq!(data.test.counts(), [1, 0, 1, 1]);
        assert_eq!(origins(&data.test).iter().map(|origin| origin.0).sum::<u8>(), 3);
        let [hidden, untrained, untested] = data.notes.try_into().unwrap();
        assert!(hidden.contains("test: hidden folders are ignored: .thumbnails"), "{hidden}");
        assert!(untrained.contains("no training images of C;"), "{untrained}");
        assert!(untested.ends_with("no test images of B"), "{untested}");
    }

    #[test]
    fn names_that_are_not_labels_are_refused() {
        let folder = TempDir::new().unwrap();
        let refused = |name: &str, expected: &str| {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            let message = refusal(folder.path());
            assert!(message.contains(expected) && message.contains("rename the folder"), "{message}");
            fs::remove_dir(path).unwrap();
        };
        write(folder.path(), &[6, 6]);
        refused(&"ä".repeat(17), "its name has 34 bytes");
        #[cfg(unix)]
        {
            refused("a\tb", "a\tb: its name, which is the label of a class, contains a control character");
            use std::os::unix::ffi::OsStrExt;
            let path = folder.path().join(std::ffi::OsStr::from_bytes(b"a\xff"));
            // Some file systems accept UTF-8 only.
            if fs::create_dir(&path).is_ok() {
                assert!(refusal(folder.path()).contains("is not UTF-8; rename"));
                fs::remove_dir(path).unwrap();
            }
        }
        DataSet::from_folder(folder.path()).unwrap();
    }

    #[test]
    fn the_number_of_classes_has_limits() {
        let folder = TempDir::new().unwrap();
        write(folder.path(), &[6; 64]);
        assert_eq!(DataSet::from_folder(folder.path()).unwrap().classes.count(), 64);
        write(folder.path(), &[0; 65]);
        let message = refusal(folder.path());
        assert!(message.contains("it has 65 class folders") && message.contains("2 to 64"), "{message}");
        let one = TempDir::new().unwrap();
        write(one.path(), &[6]);
        let message = refusal(one.path());
        assert!(message.contains("it has 1 class folders") && message.contains("2 to 64"), "{message}");
    }

    #[test]
    fn bad_folders_are_named_with_a_remedy() {
        let folder = TempDir::new().unwrap();
        let inside = |name: &str| folder.path().join(name);
        let none = refusal(folder.path());
        assert!(none.contains("four IDX files") && none.contains("train/A"), "{none}");
        write(folder.path(), &[0, 2]);
        assert!(refusal(&inside("1")).contains("four IDX files"));
        assert!(refusal(folder.path()).contains("too few images"));
        fs::remove_dir_all(inside("1")).unwrap();
        assert!(refusal(folder.path()).contains("holds no images; put PNG"));

        write(folder.path(), &[0, 9]);
        fs::write(inside("1/3.png"), "no image").unwrap();
        fs::write(inside("1/7.png"), "no image").unwrap();
        let message = refusal(folder.path());
        assert!(message.contains("png: it cannot be decoded"), "{message}");
        assert!((0..5).all(|_| refusal(folder.path()) == message), "the error does not always name the same file");

        fs::create_dir(inside("1/more")).unwrap();
        assert!(refusal(folder.path()).contains("1: it has the subfolders more, but"));
        fs::create_dir_all(inside("train")).unwrap();
        fs::create_dir_all(inside("two")).unwrap();
        assert!(refusal(folder.path()).contains("subfolders 0, 1, two, but only train and test folders are"));

        // The folder above the data set.
        let nested = TempDir::new().unwrap();
        write(&nested.path().join("letters"), &[6, 6]);
        assert!(refusal(nested.path()).contains("letters: it has the subfolders 0, 1, but images belong directly in"));

        let parted = TempDir::new().unwrap();
        write(&parted.path().join("train"), &[5, 5]);
        write(&parted.path().join("test"), &[0]);
        assert!(refusal(parted.path()).contains("test: it holds no images"));
        write(&parted.path().join("test"), &[1, 1, 1, 1]);
        let message = refusal(parted.path());
        assert!(message.contains("test: it has folders for 2, 3, but train has none"), "{message}");
        fs::remove_dir_all(parted.path().join("train")).unwrap();
        assert!(refusal(parted.path()).contains("it has the subfolder test but no train"));
    }
}
