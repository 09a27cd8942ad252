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
    data.classes.labels().iter().map(String::as_str).collect()
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
            origins(split).iter().zip(split.labels()).all(|(origin, label)| origin.0 == written[usize::from(*label)])
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
