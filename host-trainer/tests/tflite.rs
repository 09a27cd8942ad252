//! `lenet export --format tflite` and `lenet import-tflite`, run the way users run them.

#[path = "common/command.rs"]
mod command;

use std::fs;
use std::path::{Path, PathBuf};

use command::{digits, stdout};
use serde_json::Value;
use tempfile::TempDir;

/// The error message of a refused command, which must not leave an output file.
fn refusal(folder: &Path, arguments: &[&str]) -> String {
    let message = command::refusal(folder, 1, arguments);
    assert!(!folder.join("output.lenet").exists() && !folder.join("output.tflite").exists());
    message
}

fn eval(folder: &Path, model: &str) -> Value {
    serde_json::from_str(&stdout(folder, &["eval", model, "--json"])).unwrap()
}

/// A folder with the committed networks as `model.lenet` and `model.safetensors`, and `model.lenet` as `model.tflite`.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    for kind in ["lenet", "safetensors"] {
        fs::copy(digits(&format!("digits-10k.{kind}")), folder.path().join(format!("model.{kind}"))).unwrap();
    }
    stdout(folder.path(), &["export", "model.lenet", "--format", "tflite", "-o", "model.tflite"]);
    folder
}

#[test]
fn export_and_import_give_the_same_model() {
    let folder = folder();
    let folder = folder.path();
    assert!(stdout(folder, &["import-tflite", "model.tflite", "-o", "back.lenet"]).contains("wrote  back.lenet"));
    assert_eq!(fs::read(folder.join("back.lenet")).unwrap(), fs::read(folder.join("model.lenet")).unwrap());
    assert_eq!(eval(folder, "back.lenet"), eval(folder, "model.lenet"));
}

#[test]
fn a_file_of_the_tensorflow_converter_is_read() {
    let folder = folder();
    let folder = folder.path();
    // Written by tests/interop/litert_convert.py, with float input and output and a variable batch size. LiteRT
    // classifies the same number of images correctly.
    let converted: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/converter.tflite");
    stdout(folder, &["import-tflite", converted.to_str().unwrap(), "-o", "converted.lenet"]);
    let answer = eval(folder, "converted.lenet");
    assert_eq!((&answer["kind"], &answer["correct"]), (&"int8".into(), &955.into()));
    // The imported model can be exported and imported again.
    stdout(folder, &["export", "converted.lenet", "--format", "tflite", "-o", "again.tflite"]);
    stdout(folder, &["import-tflite", "again.tflite", "-o", "again.lenet"]);
    assert_eq!(fs::read(folder.join("again.lenet")).unwrap(), fs::read(folder.join("converted.lenet")).unwrap());
}

#[test]
fn unsuitable_files_are_refused_by_name() {
    let folder = folder();
    let folder = folder.path();
    let import = |file| refusal(folder, &["import-tflite", file, "-o", "output.lenet"]);
    let message = refusal(folder, &["export", "model.safetensors", "--format", "tflite", "-o", "output.tflite"]);
    assert!(message.contains("--format tflite needs an int8 model") && message.contains("lenet quantize"), "{message}");
    let message = import("model.lenet");
    assert!(message.contains("model.lenet: not a .tflite file"), "{message}");
    let message = import("nothing.tflite");
    assert!(message.contains("cannot read nothing.tflite"), "{message}");

    let bytes = fs::read(folder.join("model.tflite")).unwrap();
    fs::write(folder.join("cut.tflite"), &bytes[..30_000]).unwrap();
    let message = import("cut.tflite");
    assert!(message.contains("cut.tflite: damaged .tflite file"), "{message}");
    // The length of a tensor's name reaches beyond the file.
    let mut renamed = bytes;
    let name = renamed.windows(7).position(|window| window == b"\x05\0\0\0con").unwrap();
    renamed[name] = 0xff;
    renamed[name + 3] = 0x7f;
    fs::write(folder.join("renamed.tflite"), &renamed).unwrap();
    assert!(import("renamed.tflite").contains("renamed.tflite: damaged .tflite file"));
}

#[test]
fn other_commands_read_tflite_files() {
    let folder = folder();
    let of = |name: &str| {
        let inspected: Value = serde_json::from_str(&stdout(folder.path(), &["inspect", name, "--json"])).unwrap();
        (eval(folder.path(), name), inspected["layers"].clone(), inspected["crc32"].clone())
    };
    assert_eq!(of("model.tflite"), of("model.lenet"));
}

#[test]
fn nothing_is_overwritten_silently() {
    let folder = folder();
    let folder = folder.path();
    for arguments in [
        ["export", "model.lenet", "--format", "tflite", "-o", "there"].as_slice(),
        &["import-tflite", "model.tflite", "-o", "there"],
    ] {
        fs::write(folder.join("there"), "before").unwrap();
        let message = refusal(folder, arguments);
        assert!(message.contains("there already exists") && message.contains("--force"), "{message}");
        assert_eq!(fs::read(folder.join("there")).unwrap(), b"before");
        stdout(folder, &[arguments, &["--force"]].concat());
        assert_ne!(fs::read(folder.join("there")).unwrap(), b"before");
    }
}
