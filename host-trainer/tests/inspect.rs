//! `lenet inspect`: its figures agree with the files, and its lines fit a terminal.

#[path = "common/command.rs"]
mod command;

use std::fs;
use std::path::Path;

use command::{digits, refusal, stdout};
use host_trainer::formats::{ModelFile, decode_safetensors, encode_safetensors};
use host_trainer::int8::QuantizedNetwork;
use serde_json::Value;
use tempfile::TempDir;

/// A folder with the committed networks as `m.lenet` and `m.safetensors`.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    for ending in ["lenet", "safetensors"] {
        fs::copy(digits(&format!("digits-10k.{ending}")), folder.path().join(format!("m.{ending}"))).unwrap();
    }
    folder
}

fn json(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&stdout(folder, &["inspect", name, "--json"])).unwrap()
}

/// Asserts that no line is longer than 80 characters.
fn assert_narrow(printed: &str) {
    for line in printed.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn figures_of_an_int8_model() {
    let folder = folder();
    let bytes = fs::read(folder.path().join("m.lenet")).unwrap();
    let file = ModelFile::new(&bytes);
    let network = QuantizedNetwork::from(&file.model().unwrap());
    let summary = json(folder.path(), "m.lenet");
    assert_eq!((&summary["kind"], &summary["file_bytes"]), (&"int8".into(), &bytes.len().into()));
    assert_eq!((&summary["pool1"], &summary["pool2"]), (&"average".into(), &"maximum".into()));
    assert_eq!(summary["description"]["tool"], file.model().unwrap().description().tool);
    let layers = summary["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 5);
    for (summary, layer) in layers.iter().zip(&network.layers) {
        let zeros = layer.weights.iter().filter(|w| **w == 0).count() as f64 / layer.weights.len() as f64;
        assert!((summary["zero_weights"].as_f64().unwrap() - zeros).abs() < 1e-12);
        assert_eq!(summary["bias"]["minimum"], *layer.bias.iter().min().unwrap());
        assert_eq!(summary["bias"]["maximum"], *layer.bias.iter().max().unwrap());
        let counts = summary["histogram"]["counts"].as_array().unwrap();
        let middle = layer.weights.iter().filter(|w| w.unsigned_abs() <= 2).count();
        assert_eq!((counts.len(), counts[25].as_u64()), (51, Some(middle as u64)));
    }

    let printed = stdout(folder.path(), &["inspect", "m.lenet"]);
    assert_narrow(&printed);
    let crc32 = summary["crc32"].as_str().unwrap();
    assert_eq!(crc32, format!("{:08x}", u32::from_le_bytes(*bytes.last_chunk().unwrap())));
    for expected in [crc32, "format version 3", "16x5x5x6", "30,720", "average, maximum", "█"] {
        assert!(printed.contains(expected), "{expected} is not in\n{printed}");
    }
    let plain = stdout(folder.path(), &["inspect", "m.lenet", "--ascii"]);
    assert!(plain.is_ascii() && plain.lines().count() == printed.lines().count(), "{plain}");
}

#[test]
fn figures_of_a_float_network() {
    let folder = folder();
    let printed = stdout(folder.path(), &["inspect", "m.safetensors"]);
    assert_narrow(&printed);
    for expected in ["44,426 parameters", "data      digits-10k", "classfier.0.weight  120x256", "seed      1"] {
        assert!(printed.contains(expected), "{expected} is not in\n{printed}");
    }
    assert!(!printed.contains("WARNING"));
    let file = decode_safetensors(&fs::read(folder.path().join("m.safetensors")).unwrap()).unwrap();
    let summary = json(folder.path(), "m.safetensors");
    assert_eq!((&summary["kind"], &summary["metadata"]["data"]), (&"float".into(), &"digits-10k".into()));
    for (summary, array) in summary["arrays"].as_array().unwrap().iter().zip(file.network.parameters.arrays()) {
        let largest = array.iter().copied().fold(f32::MIN, f32::max);
        assert!((summary["range"]["maximum"].as_f64().unwrap() - f64::from(largest)).abs() < 1e-9);
        let mean = array.iter().map(|x| f64::from(*x)).sum::<f64>() / array.len() as f64;
        assert!((summary["mean"].as_f64().unwrap() - mean).abs() < 1e-9);
    }
}

#[test]
fn defects_of_a_float_network_are_warnings() {
    let folder = folder();
    let mut network = decode_safetensors(&fs::read(folder.path().join("m.safetensors")).unwrap()).unwrap().network;
    network.parameters.fc1_bias_mut().fill(f32::NAN);
    network.parameters.conv1_weight_mut()[(0, 0, 0, 0)] = f32::INFINITY;
    network.parameters.fc2_weight_mut().fill(1e38);
    let long = "a long word\u{7} ".repeat(20);
    fs::write(folder.path().join("bad.safetensors"), encode_safetensors(&network, &[("note", long)])).unwrap();
    let printed = stdout(folder.path(), &["inspect", "bad.safetensors"]);
    assert_narrow(&printed);
    for expected in [
        "WARNING: 1 of 150 values of features.0.weight are not finite",
        "WARNING: 120 of 120 values of classfier.0.bias are not finite",
        "note      a long word? a long word?",
    ] {
        assert!(printed.contains(expected), "{expected} is not in\n{printed}");
    }
    let summary = json(folder.path(), "bad.safetensors");
    assert_eq!(summary["arrays"][5]["range"], Value::Null);
    assert_eq!(summary["arrays"][5]["not_finite"], 120);
}

#[test]
fn flash_images_show_their_model_and_its_address() {
    let folder = folder();
    stdout(folder.path(), &["export", "m.lenet", "--format", "hex", "--base", "0x32000", "-o", "m.hex"]);
    let uf2 = ["export", "m.lenet", "--format", "uf2", "--family", "rp2040", "--base", "0x10100000", "-o", "m.uf2"];
    stdout(folder.path(), &uf2);
    let of_model = json(folder.path(), "m.lenet");
    for (name, line, base) in [
        ("m.hex", "flash     Intel HEX, at 0x00032000", "0x00032000"),
        ("m.uf2", "flash     UF2 for rp2040, at 0x10100000", "0x10100000"),
    ] {
        let printed = stdout(folder.path(), &["inspect", name]);
        assert!(printed.contains(line), "{printed}");
        assert_narrow(&printed);
        let summary = json(folder.path(), name);
        assert_eq!((&summary["flash"]["base"], &summary["layers"]), (&base.into(), &of_model["layers"]));
        assert_eq!(summary["crc32"], of_model["crc32"]);
    }
    let mut hex = fs::read_to_string(folder.path().join("m.hex")).unwrap();
    hex.truncate(1000);
    fs::write(folder.path().join("cut.hex"), hex).unwrap();
    let message = refusal(folder.path(), 1, &["inspect", "cut.hex"]);
    assert!(message.contains("cut.hex: record"), "{message}");
}

#[test]
fn bad_files_are_named() {
    let folder = folder();
    fs::write(folder.path().join("other"), "hello").unwrap();
    assert!(refusal(folder.path(), 1, &["inspect", "other"]).contains("other: not a .safetensors file"));
    assert!(refusal(folder.path(), 1, &["inspect", "none"]).contains("cannot read none"));
    assert!(refusal(folder.path(), 2, &["inspect", "m.lenet", "--json", "--ascii"]).contains("--ascii"));
}
