//! Folders of images: finds the files of each class, splits them into training and test images, and decodes them.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use lenet_core::architecture::IMAGE_BYTES;
use lenet_core::{CLASSES, Pixels};
use ndarray::{Array1, Array2};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Split, image};
use crate::error::{Error, Result};

/// Constant, so that `train`, `quantize` and `eval` split and order the same folder in the same way.
const SEED: u64 = 1;
/// The stream numbers below this one are used to split the classes.
const TRAIN_ORDER: u64 = CLASSES as u64;
const TEST_ORDER: u64 = TRAIN_ORDER + 1;
/// One image in six is held out for testing if there is no `test` folder. MNIST has this ratio too.
const TEST_SHARE: usize = 6;
const TRAIN: &str = "train";
const TEST: &str = "test";

/// The image files of each class, sorted by name.
type Classes = [Vec<PathBuf>; CLASSES];

/// Reads a folder's training and test images, each in a shuffled order. Returns `None` if the folder has no
/// subfolders.
pub(super) fn read(folder: &Path) -> Result<Option<(Split, Split)>> {
    let subfolders = list(folder)?.subfolders;
    let (train, test) = if subfolders.iter().any(|name| name == TRAIN) {
        let is_part = |name: &OsStr| name == TRAIN || name == TEST;
        check_subfolders(folder, &subfolders, is_part, "only train and test folders are allowed here")?;
        let train = find(&folder.join(TRAIN))?;
        if subfolders.iter().any(|name| name == TEST) {
            (train, find(&folder.join(TEST))?)
        } else {
            part(folder, train)?
        }
    } else if subfolders.is_empty() {
        return Ok(None);
    } else {
        let rule = "images belong in 0 to 9, or in train and test, and IDX files in the folder itself";
        check_subfolders(folder, &subfolders, |name| class(name).is_some(), rule)?;
        part(folder, find(folder)?)?
    };
    Ok(Some((decode(&train, TRAIN_ORDER)?, decode(&test, TEST_ORDER)?)))
}

/// The subfolder names and image paths in a folder, without hidden ones. Both are sorted, because file systems list
/// them in different orders.
struct Listing {
    subfolders: Vec<OsString>,
    images: Vec<PathBuf>,
}

fn list(folder: &Path) -> Result<Listing> {
    let (mut subfolders, mut images) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(Error::read(folder))? {
        let name = entry.map_err(Error::read(folder))?.file_name();
        let path = folder.join(&name);
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if path.is_dir() {
            subfolders.push(name);
        } else if image::is_image(&path) {
            images.push(path);
        }
    }
    subfolders.sort_unstable();
    images.sort_unstable();
    Ok(Listing { subfolders, images })
}

fn check_subfolders(folder: &Path, names: &[OsString], good: impl Fn(&OsStr) -> bool, rule: &str) -> Result<()> {
    let bad: Vec<_> = names.iter().filter(|name| !good(name)).map(|name| name.to_string_lossy()).collect();
    if bad.is_empty() {
        return Ok(());
    }
    let problem = format!("it has the subfolders {}, but {rule}; rename them or move them elsewhere", bad.join(", "));
    Err(Error::File { path: folder.to_owned(), problem })
}

/// The class that a subfolder's name stands for, `0` to `9`.
fn class(name: &OsStr) -> Option<u8> {
    match name.as_encoded_bytes() {
        [digit @ b'0'..=b'9'] => Some(digit - b'0'),
        _ => None,
    }
}

/// Finds the images in the subfolders `0` to `9`. There must be at least one image.
fn find(folder: &Path) -> Result<Classes> {
    let subfolders = list(folder)?.subfolders;
    check_subfolders(folder, &subfolders, |name| class(name).is_some(), "images belong in the subfolders 0 to 9")?;
    let mut classes = Classes::default();
    for name in &subfolders {
        let path = folder.join(name);
        let Listing { subfolders, images } = list(&path)?;
        check_subfolders(&path, &subfolders, |_| false, "images belong directly in the folder of their class")?;
        classes[usize::from(class(name).expect("checked above"))] = images;
    }
    if classes.iter().all(Vec::is_empty) {
        let problem = "it holds no images; put PNG, JPEG, BMP, PGM or PPM files into its subfolders 0 to 9";
        return Err(Error::File { path: folder.to_owned(), problem: problem.into() });
    }
    Ok(classes)
}

/// Splits each class separately, so that adding images to one class leaves the split of the others unchanged.
fn part(folder: &Path, mut train: Classes) -> Result<(Classes, Classes)> {
    let mut test = Classes::default();
    for (class, (train, test)) in train.iter_mut().zip(&mut test).enumerate() {
        train.shuffle(&mut stream(class as u64));
        let count = (train.len() + TEST_SHARE / 2) / TEST_SHARE;
        *test = train.split_off(train.len() - count);
    }
    if test.iter().all(Vec::is_empty) {
        let problem = "it has too few images to hold any out for testing; put at least three images into one class, or \
                       test images into test/0 to test/9 and training images into train/0 to train/9";
        return Err(Error::File { path: folder.to_owned(), problem: problem.into() });
    }
    Ok((train, test))
}

fn stream(number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    rng.set_stream(number);
    rng
}

fn decode(classes: &Classes, order: u64) -> Result<Split> {
    let labelled = (0..).zip(classes).flat_map(|(class, files)| files.iter().map(move |file| (file, class)));
    let mut files: Vec<(&PathBuf, u8)> = labelled.collect();
    files.shuffle(&mut stream(order));
    // Decode all files before looking for errors, so that the error always names the same one of several bad files.
    let decoded: Vec<Result<Pixels>> = files.par_iter().map(|(path, _)| image::read(path)).collect();
    let images: Vec<Pixels> = decoded.into_iter().collect::<Result<_>>()?;
    let images = Array2::from_shape_vec((files.len(), IMAGE_BYTES), images.into_flattened());
    let labels: Array1<u8> = files.iter().map(|(_, class)| *class).collect();
    Ok(Split::new(images.expect("each image has 784 pixels"), labels).expect("the folders are classes below 10"))
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

    fn counts(split: &Split) -> Vec<usize> {
        (0..10).map(|class| split.labels().iter().filter(|label| **label == class).count()).collect()
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
        assert_eq!(counts(&data.test), [2, 1, 5, 1, 0, 0, 2, 0, 10, 3]);
        assert_eq!(counts(&data.train), [10, 5, 25, 2, 2, 0, 7, 1, 50, 15]);
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
        assert_eq!(counts(&data.train)[..3], [4, 0, 7]);
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
    fn bad_folders_are_named_with_a_remedy() {
        let folder = TempDir::new().unwrap();
        let inside = |name: &str| folder.path().join(name);
        let none = refusal(folder.path());
        assert!(none.contains("four IDX files") && none.contains("train/0 to train/9"), "{none}");
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
        fs::create_dir_all(inside("two")).unwrap();
        fs::create_dir_all(inside("10")).unwrap();
        assert!(refusal(folder.path()).contains("subfolders 10, two, but images belong in 0 to 9"));
        fs::create_dir_all(inside("train")).unwrap();
        assert!(refusal(folder.path()).contains("subfolders 0, 1, 10, two, but only train and test folders are"));

        let parted = TempDir::new().unwrap();
        write(&parted.path().join("train"), &[5]);
        write(&parted.path().join("test"), &[0]);
        assert!(refusal(parted.path()).contains("test: it holds no images"));
        fs::rename(parted.path().join("train/0"), parted.path().join("train/zero")).unwrap();
        assert!(refusal(parted.path()).contains("train: it has the subfolders zero, but"));
        fs::remove_dir_all(parted.path().join("train")).unwrap();
        assert!(refusal(parted.path()).contains("it has the subfolders test, but"));
    }
}
