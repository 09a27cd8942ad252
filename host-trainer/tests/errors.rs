//! `lenet errors`: the misread images it lists and the files it writes.

#[path = "common/command.rs"]
mod command;
mod common;

use std::fs;
use std::path::Path;

use command::{digits, refusal, stdout};
use common::small_data;
use host_trainer::data::digits_10k;
use serde_json::Value;
use tempfile::TempDir;

fn model() -> String {
    digits("digits-10k.lenet").to_str().unwrap().to_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_list_has_every_misread_image_and_no_other() {
    let folder = TempDir::new().unwrap();
    let eval: Value =
        serde_json::from_str(&stdout(folder.path(), &["eval", &model(), "--json", "--predictions"])).unwrap();
    let labels = digits_10k().test.labels().to_vec();
    let predictions = eval["predictions"].as_array().unwrap().iter().map(|class| class.as_u64().unwrap());
    let mut wrong: Vec<(u64, u64, u64)> =
        (0..).zip(labels).zip(predictions).map(|((i, label), p)| (i, label.into(), p)).collect();
    wrong.retain(|(_, label, predicted)| label != predicted);

    let answer: Value = serde_json::from_str(&stdout(folder.path(), &["errors", &model(), "--json"])).unwrap();
    let number = |image: &Value, key: &str| image[key].as_u64().unwrap();
    let mut listed: Vec<(u64, u64, u64)> = answer["misread"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| (number(image, "index"), number(image, "label"), number(image, "predicted")))
        .collect();
    listed.sort_unstable();
    assert_eq!(listed, wrong);
    assert_eq!(answer["correct"], eval["correct"]);

    let printed = stdout(folder.path(), &["errors", &model()]);
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
    for (index, label, predicted) in &wrong {
        let line = printed.lines().find(|line| line.starts_with(&format!("{label} as {predicted}  {index:>6} ")));
        assert!(line.is_some(), "{index}: {printed}");
    }
}

#[test]
fn files_show_the_images_and_force_removes_stale_ones() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    stdout(path, &["errors", &model(), "-o", "out"]);
    let out = path.join("out");
    assert_eq!(names(&out), ["contact-sheet.png", "digits", "errors.csv"]);
    let csv = fs::read_to_string(out.join("errors.csv")).unwrap();
    let columns = csv.lines().next().unwrap().split(',').count();
    assert!(csv.lines().all(|line| line.split(',').count() == columns), "{csv}");
    let pictures = names(&out.join("digits"));
    assert_eq!(pictures.len(), csv.lines().count() - 1);
    let data = digits_10k();
    for name in &pictures {
        let index: usize = name[..5].parse().unwrap();
        let image = image::open(out.join("digits").join(name)).unwrap().into_luma8();
        assert_eq!(image.dimensions(), (8 * 28, 8 * 28));
        for (x, y, pixel) in image.enumerate_pixels() {
            assert_eq!(pixel.0[0], data.test.pixels(index)[(y / 8 * 28 + x / 8) as usize], "{name}");
        }
    }
    let sheet = image::open(out.join("contact-sheet.png")).unwrap();
    assert_eq!(sheet.width(), 3 * (pictures.len().min(10) as u32 * 30 + 2));

    // Another model misreads other images. Files that the command did not write are kept.
    small_data(path, 400);
    stdout(path, &["train", "--data", "small", "--epochs", "0", "-o", "run"]);
    assert!(refusal(path, 1, &["errors", "run/model.lenet", "-o", "out"]).contains("already exists"));
    assert_eq!(names(&out.join("digits")), pictures);
    fs::write(out.join("digits/holiday.png"), "mine").unwrap();
    stdout(path, &["errors", "run/model.lenet", "--data", "small", "-o", "out", "--force"]);
    let csv = fs::read_to_string(out.join("errors.csv")).unwrap();
    let now = names(&out.join("digits"));
    assert_eq!(now.len(), csv.lines().count(), "a picture for each line after the first, and holiday.png");
    assert!(now.contains(&"holiday.png".to_owned()));
}

#[test]
fn bad_arguments_are_refused() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(refusal(folder.path(), 1, &["errors", "missing.lenet", "-o", "out"]).contains("read missing.lenet"));
    assert!(!folder.path().join("out").exists());
    assert!(refusal(folder.path(), 1, &["errors", &model(), "-o", "file"]).contains("cannot write file/digits"));
    assert!(refusal(folder.path(), 2, &["errors", &model(), "--force"]).contains("--output"));
}
