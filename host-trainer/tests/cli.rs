//! The command `lenet`, run the way users run it: `train`, `eval` and `quantize`.

#[path = "common/command.rs"]
mod command;
mod common;

use std::fs;
use std::path::Path;

use command::{digits, refusal, stdout};
use common::idx_files::idx;
use common::small_data;
use host_trainer::classes::Classes;
use host_trainer::data::digits_10k;
use host_trainer::formats::read_float;
use host_trainer::network::Network;
use host_trainer::training::{Options, Recipe, RecipeName, initial_network};
use lenet_core::Pools;
use lenet_core::preparation::Preparation;
use serde_json::Value;
use tempfile::TempDir;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

const TRAIN: [&str; 8] = ["train", "--data", "small", "--epochs", "3", "--validation", "40", "-o"];

fn train(folder: &Path, output: &str) -> String {
    stdout(folder, &[TRAIN.as_slice(), &[output]].concat())
}

#[test]
fn a_run_writes_its_files_and_they_agree() {
    let folder = TempDir::new().unwrap();
    small_data(folder.path(), 400);
    let printed = train(folder.path(), "run");
    assert!(printed.contains("epoch   3 of 3: loss"), "{printed}");
    assert!(printed.lines().all(|line| line.len() <= 80), "{printed}");
    let mut names: Vec<String> = fs::read_dir(folder.path().join("run"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["metrics.jsonl", "model.lenet", "model.safetensors", "report.html", "summary.json"]);

    let summary = json(&fs::read_to_string(folder.path().join("run/summary.json")).unwrap());
    for key in ["train_seconds", "seconds_per_epoch", "float_accuracy", "int8_accuracy", "validation_accuracy"] {
        assert!(summary[key].is_number(), "{key}");
    }
    assert_eq!(summary["data"], "small");
    assert_eq!(summary["recipe"], "default");
    assert_eq!((&summary["seed"], &summary["epochs"]), (&1.into(), &3.into()));
    assert_eq!((&summary["train_images"], &summary["validation_images"]), (&360.into(), &40.into()));
    assert_eq!(summary["workspace_bytes"], lenet_core::Workspace::BYTES_ARMV7M);
    let model = fs::read(folder.path().join("run/model.lenet")).unwrap();
    assert_eq!(summary["model_bytes"], model.len());

    let metrics = fs::read_to_string(folder.path().join("run/metrics.jsonl")).unwrap();
    let epochs: Vec<Value> = metrics.lines().map(json).filter(|line| line["kind"] == "epoch").collect();
    assert_eq!(epochs.len(), 3);
    assert_eq!(epochs[2]["validation_accuracy"], summary["validation_accuracy"]);
    assert!(epochs[2]["loss"].as_f64() < epochs[0]["loss"].as_f64());

    // `eval` measures what `train` measured, and `quantize` gives nearly the same model.
    for (name, kind) in [("run/model.safetensors", "float"), ("run/model.lenet", "int8")] {
        let answer = json(&stdout(folder.path(), &["eval", name, "--data", "small", "--json", "--predictions"]));
        assert_eq!((&answer["kind"], &answer["images"]), (&kind.into(), &100.into()));
        assert_eq!(answer["accuracy"], summary[format!("{kind}_accuracy")]);
        assert_eq!(answer["crc32"], summary[format!("{kind}_crc32")]);
        let predictions = answer["predictions"].as_array().unwrap();
        let labels = digits_10k().test.first(100).labels().to_vec();
        let right = predictions.iter().zip(labels).filter(|(p, label)| p.as_u64() == Some(u64::from(*label))).count();
        assert_eq!(answer["correct"], right);
    }
    let network = read_float(&folder.path().join("run/model.safetensors")).unwrap();
    assert_eq!(network.seed(), Some(1));
    stdout(folder.path(), &["quantize", "run/model.safetensors", "--data", "small", "-o", "again.lenet"]);
    let again = json(&stdout(folder.path(), &["eval", "again.lenet", "--data", "small", "--json"]));
    // It is calibrated on 400 images instead of 360, so it is close but not equal.
    assert!((again["accuracy"].as_f64().unwrap() - summary["int8_accuracy"].as_f64().unwrap()).abs() < 0.03);
}

#[test]
fn nothing_is_overwritten_silently() {
    let folder = TempDir::new().unwrap();
    small_data(folder.path(), 400);
    train(folder.path(), "run");
    let before = fs::read(folder.path().join("run/summary.json")).unwrap();
    let again = [TRAIN.as_slice(), &["run"]].concat();
    let message = refusal(folder.path(), 1, &again);
    assert!(message.contains("model.safetensors already exists") && message.contains("--force"), "{message}");
    assert_eq!(fs::read(folder.path().join("run/summary.json")).unwrap(), before);
    stdout(folder.path(), &[again.as_slice(), &["--force", "--seed", "2"]].concat());
    assert_ne!(fs::read(folder.path().join("run/summary.json")).unwrap(), before);
    // Without -o an unused name is chosen.
    let unnamed = ["train", "--data", "small", "--epochs", "0"];
    assert!(stdout(folder.path(), &unnamed).contains("runs/small-default: "));
    assert!(stdout(folder.path(), &unnamed).contains("runs/small-default-2: "));
    let message =
        refusal(folder.path(), 1, &["quantize", "run/model.safetensors", "--data", "small", "-o", "run/model.lenet"]);
    assert!(message.contains("run/model.lenet already exists"), "{message}");
}

#[test]
fn the_same_seed_writes_the_same_files_with_any_number_of_threads() {
    let folder = TempDir::new().unwrap();
    small_data(folder.path(), 400);
    let files = ["1", "2", "8"].map(|threads| {
        stdout(folder.path(), &[TRAIN.as_slice(), &[threads, "--threads", threads]].concat());
        ["model.safetensors", "model.lenet"].map(|name| fs::read(folder.path().join(threads).join(name)).unwrap())
    });
    assert!(files[0] == files[1] && files[0] == files[2]);
}

#[test]
fn a_folder_of_images_is_a_data_set() {
    let folder = TempDir::new().unwrap();
    let digits = digits_10k().train.first(180);
    for (index, (label, pixels)) in digits.labels().iter().zip(digits.images().rows()).enumerate() {
        let class = folder.path().join(format!("drawn/{label}"));
        fs::create_dir_all(&class).unwrap();
        let pixels = pixels.to_vec();
        image::save_buffer(class.join(format!("{index}.png")), &pixels, 28, 28, image::ExtendedColorType::L8).unwrap();
    }
    let printed = stdout(folder.path(), &["train", "--data", "drawn", "--epochs", "1", "-o", "run"]);
    assert!(printed.contains("data   drawn: "), "{printed}");
    let answer = json(&stdout(folder.path(), &["eval", "run/model.lenet", "--data", "drawn", "--json"]));
    let summary = json(&fs::read_to_string(folder.path().join("run/summary.json")).unwrap());
    assert_eq!(summary["train_images"].as_u64().unwrap() + answer["images"].as_u64().unwrap(), 180);
    assert_eq!((&answer["accuracy"], &answer["crc32"]), (&summary["int8_accuracy"], &summary["int8_crc32"]));

    fs::write(folder.path().join("drawn/3/4.jpeg"), "no image").unwrap();
    let message = refusal(folder.path(), 1, &["eval", "run/model.lenet", "--data", "drawn"]);
    assert!(message.contains("drawn/3/4.jpeg: it cannot be decoded"), "{message}");
}

#[test]
fn every_quantize_option_gives_a_different_model() {
    let folder = TempDir::new().unwrap();
    small_data(folder.path(), 600);
    let float = digits("digits-10k.safetensors");
    let ways: [&[&str]; 9] = [
        &[],
        &["--calibration", "minmax"],
        &["--calibration", "percentile"],
        &["--calibration", "entropy", "--images", "200"],
        &["--per-tensor"],
        &["--rounding", "nearest"],
        &["--bias-correction", "false"],
        &["--qat", "1"],
        &["--qat", "1", "--qat-ranges", "learned", "--seed", "3"],
    ];
    let mut checksums = std::collections::HashSet::new();
    for (index, way) in ways.iter().enumerate() {
        let output = format!("{index}.lenet");
        let arguments = ["quantize", float.to_str().unwrap(), "--data", "small", "-o", &output];
        let printed = stdout(folder.path(), &[arguments.as_slice(), way].concat());
        assert!(printed.lines().all(|line| line.len() <= 80), "{printed}");
        assert_eq!(printed.contains("epoch  1 of 1: loss"), way.contains(&"--qat"), "{printed}");
        let answer = json(&stdout(folder.path(), &["eval", &output, "--data", "small", "--json"]));
        assert!(answer["accuracy"].as_f64() > Some(0.95), "{way:?}: {answer}");
        assert!(checksums.insert(answer["crc32"].to_string()), "{way:?} gives the same model as another way");
    }
    // The option without a value is the default.
    let arguments = ["quantize", float.to_str().unwrap(), "--data", "small", "-o", "same.lenet", "--bias-correction"];
    stdout(folder.path(), &arguments);
    assert_eq!(fs::read(folder.path().join("same.lenet")).unwrap(), fs::read(folder.path().join("0.lenet")).unwrap());
}

#[test]
fn tutorial_prints_its_loss_lines() {
    let folder = TempDir::new().unwrap();
    let printed = stdout(folder.path(), &["train", "--recipe", "tutorial", "--epochs", "1", "-o", "run"]);
    assert!(printed.contains("[1,   200] loss: 2."), "{printed}");
    assert!(printed.contains("recipe tutorial: 1 epoch, batch 32, SGD, momentum 0.9, lr 0.001 constant"), "{printed}");
}

#[test]
fn zero_epochs_give_the_initial_network() {
    let folder = TempDir::new().unwrap();
    small_data(folder.path(), 400);
    for (recipe, name) in [("default", RecipeName::Default), ("tutorial", RecipeName::Tutorial)] {
        let arguments = ["train", "--data", "small", "--epochs", "0", "--recipe", recipe, "--seed", "9", "-o", recipe];
        stdout(folder.path(), &arguments);
        let written = read_float(&folder.path().join(recipe).join("model.safetensors")).unwrap().network;
        let recipe = Recipe::named(name);
        let options = Options { recipe, pools: Pools::default(), classes: Classes::digits(), seed: 9 };
        let initial = Network { preparation: Preparation::Drawing, ..initial_network(&options) };
        assert_eq!(written, initial);
    }
}

#[test]
fn every_optimizer_and_schedule_learns() {
    let folder = TempDir::new().unwrap();
    small_data(folder.path(), 400);
    for (run, arguments) in [
        ("nesterov", ["--optimizer", "nesterov", "--lr", "0.02", "--schedule", "one-cycle"]),
        ("adamw", ["--optimizer", "adamw", "--lr", "0.002", "--schedule", "cosine"]),
        ("sgd", ["--optimizer", "sgd", "--lr", "0.05", "--schedule", "constant"]),
    ] {
        let common = ["train", "--data", "small", "--recipe", "tutorial", "--epochs", "20", "--json", "-o", run];
        let summary = json(&stdout(folder.path(), &[common.as_slice(), &arguments].concat()));
        // Guessing gives 0.1.
        assert!(summary["float_accuracy"].as_f64() > Some(0.75), "{run}: {}", summary["float_accuracy"]);
    }
}

#[test]
fn no_test_does_not_use_the_test_images() {
    let folder = TempDir::new().unwrap();
    small_data(folder.path(), 400);
    let summary = json(&stdout(folder.path(), &[TRAIN.as_slice(), &["run", "--no-test", "--json"]].concat()));
    assert_eq!((&summary["measured_on"], &summary["measured_images"]), (&"validation".into(), &40.into()));
    assert_eq!(summary["float_accuracy"], summary["validation_accuracy"]);
    let one_in_twelve = ["train", "--data", "small", "--epochs", "1", "--validation", "--json", "-o", "other"];
    let summary = json(&stdout(folder.path(), &one_in_twelve));
    assert_eq!((&summary["train_images"], &summary["validation_images"]), (&367.into(), &33.into()));
}

#[test]
fn diverging_training_stops_with_advice_and_writes_nothing() {
    let folder = TempDir::new().unwrap();
    small_data(folder.path(), 400);
    let message = refusal(folder.path(), 1, &["train", "--data", "small", "--lr", "1e30", "-o", "run"]);
    assert!(message.contains("not finite at step 2 of epoch 1"), "{message}");
    assert!(message.contains("first seen in conv") && message.contains("--lr"), "{message}");
    assert_eq!(fs::read_dir(folder.path().join("run")).unwrap().count(), 0);
}

#[test]
fn wrong_usage_exits_with_2() {
    let folder = TempDir::new().unwrap();
    for (arguments, expected) in [
        (["train", "--batch", "0"].as_slice(), "must be at least 1"),
        (&["train", "--lr", "NaN"], "number above 0"),
        (&["train", "--momentum", "1"], "below 1"),
        (&["train", "--threads", "0"], "--threads"),
        (&["train", "--recipe", "magic"], "tutorial"),
        (&["train", "--ema", "1"], "below 1"),
        (&["train", "--label-smoothing", "-0.1"], "at least 0"),
        (&["train", "--weight-decay", "inf"], "at least 0"),
        (&["train", "--warm-up", "x"], "at least 0"),
        (&["train", "--augment", "5"], "from 0 to 4"),
        (&["train", "--no-test"], "--validation"),
        (&["train", "--validation", "9000"], "--validation 9000 leaves none of the 9000 training images"),
        (&["quantize", "x.safetensors"], "--output"),
        (&["quantize", "x.safetensors", "-o", "y", "--calibration", "best"], "percentile"),
        (&["quantize", "x.safetensors", "-o", "y", "--images", "0"], "--images"),
        (&["quantize", "x.safetensors", "-o", "y", "--qat", "2", "--rounding", "nearest"], "--rounding"),
        (&["quantize", "x.safetensors", "-o", "y", "--seed", "2"], "--qat"),
        (&["trian"], "train"),
    ] {
        let message = refusal(folder.path(), 2, arguments);
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

#[test]
fn bad_data_is_named() {
    type Damage = fn(&mut Vec<u8>);
    let cases: [(&str, Damage, &str); 6] = [
        ("train-images-idx3-ubyte", |file| file.truncate(1000), "declares 313600 bytes of data, but 984 follow"),
        ("t10k-images-idx3-ubyte", |file| file[11] = 27, "images are 27 x 28"),
        ("train-images-idx3-ubyte", |file| file[3] = 1, "rank is 1"),
        ("train-labels-idx1-ubyte", |file| file[8 + 17] = 64, "label 17 is 64"),
        ("t10k-labels-idx1-ubyte", |file| *file = idx(&[2], &[1, 2]), "2 labels for 100 images"),
        ("t10k-labels-idx1-ubyte", |file| *file = vec![0x1f, 0x8b, 8, 0], "gzip data is damaged"),
    ];
    for (name, damage, expected) in cases {
        let folder = TempDir::new().unwrap();
        small_data(folder.path(), 400);
        let path = folder.path().join("small").join(name);
        let mut file = fs::read(&path).unwrap();
        damage(&mut file);
        fs::write(&path, file).unwrap();
        let message = refusal(folder.path(), 1, &["train", "--data", "small", "-o", "run"]);
        assert!(message.contains(name) && message.contains(expected), "{message}");
        assert!(!folder.path().join("run").exists());
    }
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let message = refusal(folder.path(), 1, &["train", "--data", "empty"]);
    assert!(message.contains("empty holds neither train-images-idx3-ubyte nor"), "{message}");
    let message = refusal(folder.path(), 1, &["eval", "no.lenet", "--data", "nowhere"]);
    assert!(message.contains("no.lenet"), "{message}");
}

/// Eleven classes, the last of them without an image.
#[test]
fn other_classes_than_digits_go_all_the_way() {
    let folder = TempDir::new().unwrap();
    small_data(folder.path(), 400);
    let labels = "zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";
    fs::write(folder.path().join("small/labels.txt"), labels).unwrap();
    let train = ["train", "--data", "small", "--recipe", "tutorial", "--epochs", "3", "-q", "-o", "run"];
    stdout(folder.path(), &train);
    for network in ["run/model.safetensors", "run/model.lenet"] {
        let answer = json(&stdout(folder.path(), &["eval", network, "--data", "small", "--json"]));
        assert_eq!(answer["classes"].as_array().unwrap().len(), 11);
        assert_eq!(
            answer["classes"][10],
            serde_json::json!({"class": 10, "label": "ten", "images": 0, "correct": 0, "accuracy": null})
        );
        let correct = answer["classes"].as_array().unwrap().iter().map(|class| class["correct"].as_u64().unwrap());
        assert_eq!(Some(correct.sum()), answer["correct"].as_u64());
    }
    let text = stdout(folder.path(), &["inspect", "run/model.lenet"]);
    assert!(text.contains("classes   11: zero one two three four five six seven eight nine ten"), "{text}");
    // The digits' labels are other names.
    let message = refusal(folder.path(), 2, &["eval", "run/model.lenet"]);
    assert!(message.contains("digits-10k has the classes 0, 1, 2") && message.contains("zero, one, two"), "{message}");

    // A class for everything else refuses what it wins.
    let quantize =
        ["quantize", "run/model.safetensors", "--data", "small", "--none-of-these", "one", "-o", "none.lenet"];
    stdout(folder.path(), &quantize);
    let text = stdout(folder.path(), &["inspect", "none.lenet"]);
    assert!(text.contains("refusal   class one: none of these"), "{text}");
    let message = refusal(folder.path(), 2, &[&quantize[..5], &["eleven", "-o", "x.lenet"]].concat());
    assert!(message.contains("--none-of-these eleven: no class has this label"), "{message}");

    fs::write(folder.path().join("small/labels.txt"), "A\nB\n").unwrap();
    let message = refusal(folder.path(), 1, &["train", "--data", "small", "-o", "again"]);
    assert!(message.contains("labels.txt has 2 classes, 0 to 1; add a line for each class"), "{message}");
}

#[test]
fn data_sets_are_merged() {
    let folder = TempDir::new().unwrap();
    small_data(folder.path(), 400);
    fs::rename(folder.path().join("small"), folder.path().join("first")).unwrap();
    small_data(folder.path(), 200);
    let both = ["--data", "first", "--data", "small"];
    let arguments = [["train", "--epochs", "1", "--json", "-o", "run"].as_slice(), &both].concat();
    let summary = json(&stdout(folder.path(), &arguments));
    assert_eq!((&summary["data"], &summary["train_images"]), (&"first+small".into(), &600.into()));
    assert!(summary["command"].as_str().unwrap().contains("--data first --data small"));
    assert_eq!((&summary["data_folder"], summary["data_folders"].as_array().unwrap().len()), (&Value::Null, 2));
    let answer = json(&stdout(folder.path(), &[["eval", "run/model.lenet", "--json"].as_slice(), &both].concat()));
    assert_eq!((&answer["images"], &answer["crc32"]), (&200.into(), &summary["int8_crc32"]));
    // The report is made from the folders that the run recorded.
    stdout(folder.path(), &["report", "run"]);
    let message = refusal(folder.path(), 2, &["eval", "run/model.lenet", "--data", "first", "--data", "first"]);
    assert!(message.contains("--data first is given twice"), "{message}");
}

#[test]
fn bad_networks_are_named() {
    let folder = TempDir::new().unwrap();
    let model = fs::read(digits("digits-10k.lenet")).unwrap();
    let mut damaged = model.clone();
    damaged[1000] ^= 1;
    fs::write(folder.path().join("damaged.lenet"), damaged).unwrap();
    fs::write(folder.path().join("cut.lenet"), &model[..1000]).unwrap();
    fs::write(folder.path().join("no.safetensors"), "hello").unwrap();
    fs::copy(digits("digits-10k.lenet"), folder.path().join("int8.lenet")).unwrap();
    for (arguments, expected) in [
        (["eval", "damaged.lenet"].as_slice(), "damaged.lenet: the model is damaged: its CRC-32 is"),
        (&["eval", "cut.lenet"], "cut.lenet: the model is truncated or damaged"),
        (&["eval", "no.safetensors"], "no.safetensors: not a .safetensors file"),
        (&["quantize", "no.safetensors", "-o", "out.lenet"], "no.safetensors"),
        (
            &["quantize", "int8.lenet", "-o", "out.lenet"],
            "int8.lenet: this is an int8 .lenet model; give the float network",
        ),
    ] {
        let message = refusal(folder.path(), 1, arguments);
        assert!(message.contains(expected), "{message}");
    }
    assert!(!folder.path().join("out.lenet").exists());
}

#[test]
fn an_unwritable_output_is_reported_before_the_work_begins() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let message = refusal(folder.path(), 1, &["train", "-o", "file/run"]);
    assert!(message.contains("cannot write file/run"), "{message}");
    let float = digits("digits-10k.safetensors");
    let message = refusal(folder.path(), 1, &["quantize", float.to_str().unwrap(), "-o", "nowhere/out.lenet"]);
    assert!(message.contains("cannot write nowhere/out.lenet"), "{message}");
}
