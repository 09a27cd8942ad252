//! `lenet export --format onnx`: a float or int8 network becomes one complete file. The content of the file is tested
//! by the unit tests of the format, and in ONNX Runtime by `tests/interop/onnx_peer.py`.

#[path = "common/command.rs"]
mod command;

use std::fs;

use command::{digits, refusal, stdout};
use host_trainer::formats::{ModelFile, decode_safetensors, encode_onnx_float, encode_onnx_int8};
use host_trainer::int8::QuantizedNetwork;
use tempfile::TempDir;

fn export<'a>(model: &'a str, file: &'a str) -> [&'a str; 6] {
    ["export", model, "--format", "onnx", "-o", file]
}

#[test]
fn each_kind_of_network_is_written_as_its_own_graph() {
    let folder = TempDir::new().unwrap();
    let float = fs::read(digits("digits-10k.safetensors")).unwrap();
    let int8 = ModelFile::new(&fs::read(digits("digits-10k.lenet")).unwrap());
    let model = int8.model().unwrap();
    let graphs = [
        ("safetensors", encode_onnx_float(&decode_safetensors(&float).unwrap())),
        ("lenet", encode_onnx_int8(&QuantizedNetwork::from(&model), &model.description())),
    ];
    for (ending, graph) in graphs {
        let network = digits(&format!("digits-10k.{ending}"));
        let file = format!("{ending}.onnx");
        assert_eq!(stdout(folder.path(), &export(network.to_str().unwrap(), &file)), format!("wrote  {file}\n"));
        assert!(fs::read(folder.path().join(file)).unwrap() == graph, "{ending}");
    }
}

#[test]
fn a_damaged_network_writes_no_file_and_only_force_overwrites() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let network = digits("digits-10k.lenet");
    let mut damaged = fs::read(&network).unwrap();
    damaged[1_000] ^= 1;
    fs::write(path("damaged.lenet"), damaged).unwrap();
    let message = refusal(folder.path(), 1, &export("damaged.lenet", "out.onnx"));
    assert!(message.contains("damaged.lenet"), "{message}");
    assert!(!path("out.onnx").exists());

    fs::write(path("mine.onnx"), "mine").unwrap();
    let arguments = export(network.to_str().unwrap(), "mine.onnx");
    let message = refusal(folder.path(), 1, &arguments);
    assert!(message.contains("mine.onnx") && message.contains("--force"), "{message}");
    assert_eq!(fs::read(path("mine.onnx")).unwrap(), b"mine");
    stdout(folder.path(), &[arguments.as_slice(), &["--force"]].concat());
    assert_ne!(fs::read(path("mine.onnx")).unwrap(), b"mine");
}
