//! Class folders and IDX files with the same images give the same models.

use std::fs;
use std::path::Path;

use host_trainer::data::{DataSet, Split, digits_10k};
use image::GrayImage;
use lenet_core::architecture::IMAGE_SIDE;
use ndarray::{Array1, Axis};

use crate::command::stdout;
use crate::idx_files::write_idx;

/// The first `count` images of each of these digits, one digit after the other, as classes in this order.
fn of_digits(split: &Split, digits: &[u8], count: usize, classes: usize) -> Split {
    let chosen: Vec<(usize, u8)> = digits
        .iter()
        .zip(0..)
        .flat_map(|(digit, class)| {
            let images = (0..split.len()).filter(|index| split.labels()[*index] == *digit);
            images.take(count).map(move |index| (index, class))
        })
        .collect();
    let images = split.images().select(Axis(0), &chosen.iter().map(|(index, _)| *index).collect::<Vec<_>>());
    Split::new(images, Array1::from_iter(chosen.iter().map(|(_, class)| *class)), classes).unwrap()
}

/// Writes each image as a PNG file of its own, in the folder of its label.
fn write_folders(folder: &Path, labels: &[&str], train: &Split, test: &Split) {
    for (name, split) in [("train", train), ("test", test)] {
        for index in 0..split.len() {
            let class = folder.join(name).join(labels[usize::from(split.labels()[index])]);
            fs::create_dir_all(&class).unwrap();
            let side = IMAGE_SIDE as u32;
            let image = GrayImage::from_raw(side, side, split.pixels(index).to_vec()).unwrap();
            image.save(class.join(format!("{index}.png"))).unwrap();
        }
    }
}

/// The images with their classes, in an order of their own.
fn sorted(split: &Split) -> Vec<(u8, &[u8])> {
    let mut images: Vec<_> = (0..split.len()).map(|index| (split.labels()[index], &split.pixels(index)[..])).collect();
    images.sort_unstable();
    images
}

/// Trains and evaluates on both forms of a data set, and compares every byte.
fn assert_same(labels: &[&str], train: &Split, test: &Split) {
    let temporary = tempfile::tempdir().unwrap();
    // The data set is called like its folder, which the model file records.
    let [folders, idx] = ["folders", "idx"].map(|form| temporary.path().join(form).join("mine"));
    write_folders(&folders, labels, train, test);
    // Folders are read in a shuffled order, and training depends on the order.
    let data = DataSet::from_folder(&folders).unwrap();
    assert!(sorted(&data.train) == sorted(train) && sorted(&data.test) == sorted(test));
    write_idx(&idx, &data.train, &data.test);
    fs::write(idx.join("labels.txt"), labels.join("\n")).unwrap();

    let results = ["folders", "idx"].map(|form| {
        let folder = temporary.path().join(form);
        stdout(&folder, &["train", "--data", "mine", "--epochs", "2", "--quiet", "-o", "run"]);
        let evaluation = stdout(&folder, &["eval", "run/model.lenet", "--data", "mine"]);
        let bytes = |name: &str| fs::read(folder.join("run").join(name)).unwrap();
        (evaluation, bytes("model.safetensors"), bytes("model.lenet"))
    });
    assert!(results[0] == results[1], "{}\n{}", results[0].0, results[1].0);
}

#[test]
fn ten_named_digits() {
    let labels = ["eight", "five", "four", "nine", "one", "seven", "six", "three", "two", "zero"];
    let digits = [8, 5, 4, 9, 1, 7, 6, 3, 2, 0];
    let data = digits_10k();
    assert_same(&labels, &of_digits(&data.train, &digits, 30, 10), &of_digits(&data.test, &digits, 10, 10));
}

#[test]
fn three_of_the_digits() {
    let data = digits_10k();
    let digits = [2, 4, 7];
    assert_same(&["2", "4", "7"], &of_digits(&data.train, &digits, 40, 3), &of_digits(&data.test, &digits, 10, 3));
}

#[test]
fn eleven_classes_of_which_one_has_no_test_images() {
    let data = digits_10k();
    let labels = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "zero again"];
    let train = of_digits(&data.train, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0], 30, 11);
    let test = of_digits(&data.test, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 10, 11);
    assert_same(&labels, &train, &test);
}
