//! `lenet report`, and the report that `lenet train` writes.

#[path = "common/command.rs"]
mod command;
mod common;

use std::fs;
use std::path::Path;

use command::{digits, refusal, stdout};
use common::small_data;
use serde_json::Value;
use tempfile::TempDir;

/// A folder with the data set `small` and a run on it.
fn trained(arguments: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    small_data(folder.path(), 400);
    stdout(folder.path(), &[&["train", "--data", "small", "-o", "run"], arguments].concat());
    folder
}

fn page(folder: &Path) -> String {
    fs::read_to_string(folder.join("run/report.html")).unwrap()
}

/// The HTML of one section.
fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let begin = page.find(&format!("<section id=\"{id}\">")).unwrap();
    &page[begin..][..page[begin..].find("</section>").unwrap()]
}

#[test]
fn the_page_shows_every_misread_image_and_can_be_regenerated() {
    let folder = trained(&["--epochs", "3", "--validation", "40"]);
    let written = page(folder.path());
    let errors = stdout(folder.path(), &["errors", "run/model.lenet", "--data", "small", "--json"]);
    let errors: Value = serde_json::from_str(&errors).unwrap();
    let misread = errors["misread"].as_array().unwrap();
    assert!(!misread.is_empty());
    let cards = section(&written, "misread");
    assert_eq!(cards.matches("<article class=\"card\"").count(), misread.len());
    for image in misread {
        let (index, label) = (image["index"].as_u64().unwrap(), image["label"].as_u64().unwrap());
        assert!(cards.contains(&format!("alt=\"image {index}, label {label}\"")), "{index}");
    }
    let command = "lenet train --data small --epochs 3 --seed 1 --validation 40";
    assert!(section(&written, "run").contains(command));
    assert!(section(&written, "training").contains("validation</span>"));
    // The page is a single file: it loads nothing and runs no script.
    for loaded in ["<script", "http:", "https:", "url(", "@import", "src=\"/", "file:"] {
        assert!(!written.contains(loaded), "{loaded}");
    }
    assert_eq!(written.matches("src=\"").count(), written.matches("src=\"data:image/png;base64,").count());

    let printed = stdout(folder.path(), &["report", "run"]);
    assert_eq!(printed, "wrote  run/report.html\n");
    assert_eq!(page(folder.path()), written);
    assert_eq!(stdout(folder.path(), &["report", "run", "--quiet", "-o", "other.html", "--threads", "1"]), "");
    assert_eq!(fs::read_to_string(folder.path().join("other.html")).unwrap(), written);
}

/// The command printed in the report trains the same networks again.
#[test]
fn the_printed_command_reproduces_the_run() {
    let options = "--recipe tutorial --epochs 2 --batch 16 --optimizer nesterov --lr 0.01 --momentum 0.8 --ema 0.9 \
                   --schedule one-cycle --warm-up 0.4 --init he --label-smoothing 0.1 --weight-decay 0.001 --augment 0.5 \
                   --seed 7 --pool1 maximum --pool2 average";
    let folder = trained(&options.split_whitespace().collect::<Vec<_>>());
    let summary = |run: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(folder.path().join(run).join("summary.json")).unwrap()).unwrap()
    };
    let command = summary("run")["command"].as_str().unwrap().to_owned();
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words[..2], ["lenet", "train"]);
    stdout(folder.path(), &[&words[1..], &["-o", "again"]].concat());
    assert_eq!(summary("again")["command"], command);
    for key in ["float_crc32", "int8_crc32", "hyper_parameters"] {
        assert_eq!(summary("again")[key], summary("run")[key], "{key}");
    }
}

#[test]
fn a_run_without_epochs_or_test_images_has_a_page() {
    let folder = trained(&["--epochs", "0", "--validation", "40", "--no-test"]);
    let written = page(folder.path());
    assert!(written.contains("of the validation images classified correctly"));
    assert!(section(&written, "training").contains("no epoch was trained"));
}

#[test]
fn a_folder_that_is_not_a_run_and_other_data_are_refused() {
    let folder = trained(&["--epochs", "0"]);
    let path = folder.path();
    let before = page(path);
    assert!(refusal(path, 1, &["report", "nowhere"]).contains("nowhere/summary.json"));
    let model = digits("digits-10k.lenet");
    assert!(refusal(path, 1, &["report", model.to_str().unwrap()]).contains("digits-10k.lenet: this is a file"));
    fs::write(path.join("there.html"), "mine").unwrap();
    assert!(refusal(path, 1, &["report", "run", "-o", "there.html"]).contains("there.html already exists"));
    assert_eq!(fs::read_to_string(path.join("there.html")).unwrap(), "mine");

    // Without its folder the embedded digits are used, which are more images.
    let summary = fs::read_to_string(path.join("run/summary.json")).unwrap();
    let mut other: Value = serde_json::from_str(&summary).unwrap();
    other["data_folder"] = Value::Null;
    fs::write(path.join("run/summary.json"), other.to_string()).unwrap();
    let message = refusal(path, 2, &["report", "run"]);
    assert!(message.contains("training images") && message.contains("small, with --data"), "{message}");
    stdout(path, &["report", "run", "--data", "small"]);
    // The same number of images, but not the same images.
    other["data_crc32"] = "00000000".into();
    fs::write(path.join("run/summary.json"), other.to_string()).unwrap();
    assert!(refusal(path, 2, &["report", "run", "--data", "small"]).contains("the training images of small"));
    other["data_crc32"] = Value::Null;
    other["int8_accuracy"] = (other["int8_accuracy"].as_f64().unwrap() + 0.01).into();
    fs::write(path.join("run/summary.json"), other.to_string()).unwrap();
    assert!(refusal(path, 2, &["report", "run", "--data", "small"]).contains("the labels of the test images"));
    // The data has moved.
    let mut moved: Value = serde_json::from_str(&summary).unwrap();
    moved["data_folder"] = "elsewhere".into();
    fs::write(path.join("run/summary.json"), moved.to_string()).unwrap();
    assert!(refusal(path, 2, &["report", "run"]).contains("elsewhere, which no longer exists"));
    other["int8_crc32"] = "00000000".into();
    fs::write(path.join("run/summary.json"), other.to_string()).unwrap();
    assert!(refusal(path, 2, &["report", "run", "--data", "small"]).contains("summary.json"));

    fs::write(path.join("run/summary.json"), summary).unwrap();
    fs::write(path.join("run/metrics.jsonl"), "{\"kind\":\"epoch\"}\n").unwrap();
    let message = refusal(path, 1, &["report", "run"]);
    assert!(message.contains("metrics.jsonl: line 1") && message.contains("lenet train"), "{message}");
    assert_eq!(page(path), before);
}
