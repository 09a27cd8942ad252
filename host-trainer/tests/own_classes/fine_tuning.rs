//! `lenet train --from`.

use std::fs;
use std::path::Path;

use host_trainer::formats::decode_safetensors;
use serde_json::Value;
use tempfile::TempDir;

use crate::command::{digits, refusal, stdout};
use crate::idx_files::write_idx;
use crate::symbols::{SYMBOLS, symbols};

/// A folder that has the folder `symbols`, with 20 training and 200 test images of each symbol.
fn symbol_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("symbols");
    write_idx(&path, &symbols(20, 1), &symbols(200, 2));
    fs::write(path.join("labels.txt"), SYMBOLS.map(|(label, _)| label).join("\n")).unwrap();
    folder
}

fn accuracy(folder: &Path, arguments: &[&str]) -> f64 {
    let json: Value = serde_json::from_str(&stdout(folder, &[arguments, &["--json"]].concat())).unwrap();
    json["accuracy"].as_f64().unwrap()
}

#[test]
fn twenty_images_of_each_new_symbol_are_enough() {
    let folder = symbol_folder();
    let folder = folder.path();
    let trained = digits("digits-10k.safetensors");
    let from = ["train", "--from", trained.to_str().unwrap(), "--data", "symbols", "-o", "run"];

    let text = stdout(folder, &from);
    assert!(text.contains("from   a network of 10 classes, which has 0 of these 5\n"), "{text}");
    assert!(text.contains("without images, so dropped: 0 1 2 3 4 5 6 7 8 9\n"), "{text}");
    assert!(!text.contains("resume"), "{text}");
    let reached = accuracy(folder, &["eval", "run/model.lenet", "--data", "symbols"]);
    println!("five symbols: {:.1} %", reached * 100.0);
    assert!(reached >= 0.97, "{reached}");
    let summary: Value = serde_json::from_slice(&fs::read(folder.join("run/summary.json")).unwrap()).unwrap();
    assert_eq!(summary["from"], trained.to_str().unwrap());
    assert_eq!(summary["recipe"], "fine-tune");
}

#[test]
fn digits_are_still_read_after_symbols_are_added() {
    let folder = symbol_folder();
    let folder = folder.path();
    let (float, int8) = (digits("digits-10k.safetensors"), digits("digits-10k.lenet"));
    let data = ["--data", "digits-10k", "--data", "symbols"];
    // Fewer epochs than by default, because a test build trains slowly.
    let from = [&["train", "--from", float.to_str().unwrap()], &data[..], &["--epochs", "5", "-o", "run"]].concat();

    let text = stdout(folder, &from);
    assert!(text.contains("from   a network of 10 classes, which has 10 of these 15\n"), "{text}");
    assert!(text.contains("classes have 20 (plus) to 1,014 (1) images; drawn equally often"), "{text}");
    let symbols = accuracy(folder, &["eval", "run/model.lenet", "--data", "symbols"]);
    assert!(symbols >= 0.97, "{symbols}");
    let before = accuracy(folder, &["eval", int8.to_str().unwrap()]);
    let after = accuracy(folder, &["eval", "run/model.lenet"]);
    println!(
        "with ten digits: symbols {:.1} %, digits {:.1} %, before {:.1} %",
        symbols * 100.0,
        after * 100.0,
        before * 100.0
    );
    assert!(after >= before - 0.003, "{after} after {before}");
}

#[test]
fn frozen_layers_keep_their_bytes_and_known_classes_their_rows() {
    let folder = symbol_folder();
    let folder = folder.path();
    let trained = digits("digits-10k.safetensors");
    let read = |path: &Path| decode_safetensors(&fs::read(path).unwrap()).unwrap().network.parameters;
    let old = read(&trained);
    let train = |options: &[&str]| {
        let from = ["train", "--from", trained.to_str().unwrap(), "--data", "digits-10k", "--data", "symbols"];
        stdout(folder, &[&from, options, &["-o", "run", "--force", "--quiet"]].concat());
        read(&folder.join("run/model.safetensors"))
    };

    let untrained = train(&["--epochs", "0"]);
    assert_eq!(
        untrained.fc3_weight().rows().into_iter().take(10).collect::<Vec<_>>(),
        old.fc3_weight().rows().into_iter().collect::<Vec<_>>()
    );
    let last = train(&["--epochs", "1", "--freeze", "all-but-last"]);
    assert_eq!((last.conv1_weight(), last.fc2_bias()), (old.conv1_weight(), old.fc2_bias()));
    assert_ne!(last.fc3_weight().row(0), old.fc3_weight().row(0));
    let dense = train(&["--epochs", "1", "--freeze", "convolutions"]);
    assert_eq!((dense.conv1_weight(), dense.conv2_bias()), (old.conv1_weight(), old.conv2_bias()));
    assert_ne!(dense.fc1_weight(), old.fc1_weight());
}

#[test]
fn the_class_for_anything_else_stays_with_the_network() {
    let folder = symbol_folder();
    let folder = folder.path();
    let lenet = |arguments: &str| stdout(folder, &arguments.split(' ').collect::<Vec<_>>());
    let class = |file: &str| {
        let json: Value = serde_json::from_str(&lenet(&format!("inspect {file} --json"))).unwrap();
        json["none_of_these"].as_u64()
    };

    lenet("train --data symbols --epochs 0 --none-of-these cross -q -o first");
    assert_eq!(class("first/model.lenet"), Some(1));
    lenet("train --from first/model.safetensors --data digits-10k --data symbols --epochs 0 -q -o second");
    assert_eq!(class("second/model.lenet"), Some(11));
    lenet("quantize first/model.safetensors --data symbols -q -o third.lenet");
    assert_eq!(class("third.lenet"), Some(1));
    let message = refusal(folder, 2, &["train", "--data", "symbols", "--none-of-these", "circle"]);
    assert!(message.contains("no class has this label; the labels are plus, cross"), "{message}");
}

#[test]
fn what_cannot_be_started_from_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (float, int8) = (digits("digits-10k.safetensors"), digits("digits-10k.lenet"));
    let from = |file: &str, more: &[&str], code| refusal(folder, code, &[&["train", "--from", file], more].concat());

    assert!(from("missing.safetensors", &[], 1).contains("missing.safetensors"));
    assert!(from(int8.to_str().unwrap(), &[], 1).contains("give the float network it was quantized from"));
    let other = from(float.to_str().unwrap(), &["--pool1", "maximum"], 2);
    assert!(other.contains("--pool1 maximum contradicts the file"), "{other}");
    assert!(!folder.join("runs").exists(), "nothing is written");
}
