//! Float weights from other programs, read the way `lenet eval` reads them. The pickles were written by PyTorch; see
//! `fuzz/README.md`.

#[path = "common/command.rs"]
mod command;

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use command::{digits, refusal, stdout};
use half::{bf16, f16};
use host_trainer::formats::{decode_float, read_float};
use host_trainer::network::{NAMES, Network, Parameters};
use lenet_core::preparation::Preparation;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn committed() -> Network {
    read_float(&digits("digits-10k.safetensors")).unwrap().network
}

fn archive(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An archive as torch.save writes it: one of its pickles, and the numbers of every array.
fn saved(pickle: &str, encode: impl Fn(f32) -> Vec<u8>) -> Vec<u8> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/pytorch").join(pickle);
    // The first byte is for the fuzz target.
    let pickle = fs::read(corpus).unwrap()[1..].to_vec();
    let names: Vec<String> = (0..10).map(|index| format!("model/data/{index}")).collect();
    let network = committed();
    let mut files = vec![("model/data.pkl", pickle)];
    for (name, array) in names.iter().zip(network.parameters.arrays()) {
        files.push((name, array.iter().flat_map(|x| encode(*x)).collect()));
    }
    files.push(("model/byteorder", b"little".to_vec()));
    archive(&files)
}

fn single(x: f32) -> Vec<u8> {
    x.to_le_bytes().to_vec()
}

fn rounded(network: &Network, round: impl Fn(f32) -> f32) -> Parameters<f32> {
    let mut parameters = network.parameters.clone();
    parameters.values_mut().iter_mut().for_each(|x| *x = round(*x));
    parameters
}

#[test]
fn pytorch_state_dicts_are_read_also_inside_checkpoints_and_as_parameters() {
    // A PyTorch file does not say how inputs are prepared.
    let network = Network { preparation: Preparation::AsTheyAre, ..committed() };
    for pickle in ["state", "checkpoint", "parameters"] {
        assert_eq!(decode_float(&saved(pickle, single)).unwrap().network, network, "{pickle}");
    }
    let half = decode_float(&saved("half", |x| f16::from_f32(x).to_le_bytes().to_vec())).unwrap().network;
    assert_eq!(half.parameters, rounded(&network, |x| f16::from_f32(x).to_f32()));
}

#[test]
fn commands_read_state_dicts_with_the_given_pools() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("model.pt"), saved("state", single)).unwrap();
    let float = digits("digits-10k.safetensors");
    let printed = stdout(folder.path(), &["eval", "model.pt"]);
    assert_eq!(printed, stdout(folder.path(), &["eval", float.to_str().unwrap()]));
    assert_ne!(printed, stdout(folder.path(), &["eval", "model.pt", "--pool1", "maximum"]));
    stdout(folder.path(), &["export", "model.pt", "--format", "npz", "-o", "model.npz"]);
    assert_eq!(printed, stdout(folder.path(), &["eval", "model.npz"]));
    stdout(folder.path(), &["quantize", "model.pt", "-o", "model.lenet"]);
    let message = refusal(folder.path(), 2, &["eval", float.to_str().unwrap(), "--pool1", "maximum"]);
    assert!(message.contains("average") && message.contains("--pool1"), "{message}");
}

#[test]
fn half_precision_safetensors_are_read() {
    let network = committed();
    type Encode = fn(f32) -> [u8; 2];
    type Round = fn(f32) -> f32;
    let kinds: [(Dtype, Encode, Round); 2] = [
        (Dtype::F16, |x| f16::from_f32(x).to_le_bytes(), |x| f16::from_f32(x).to_f32()),
        (Dtype::BF16, |x| bf16::from_f32(x).to_le_bytes(), |x| bf16::from_f32(x).to_f32()),
    ];
    for (dtype, encode, round) in kinds {
        let arrays = network.parameters.arrays();
        let bytes: Vec<Vec<u8>> = arrays.iter().map(|a| a.iter().flat_map(|x| encode(*x)).collect()).collect();
        let tensors = NAMES.iter().zip(&arrays).zip(&bytes);
        let views = tensors.map(|((name, array), bytes)| {
            let name = name.replace("classfier", "classifier");
            (name, TensorView::new(dtype, array.shape().to_vec(), bytes).unwrap())
        });
        let read = decode_float(&safetensors::serialize(views, None).unwrap()).unwrap().network;
        assert_eq!(read.parameters, rounded(&network, round), "{dtype:?}");
    }
}

#[test]
fn other_files_are_refused_by_name_and_pickles_run_nothing() {
    let folder = TempDir::new().unwrap();
    let pickle = |bytes: &[u8]| archive(&[("x/data.pkl", bytes.to_vec())]);
    let ran = folder.path().join("ran");
    let command = format!("touch {}", ran.display());
    let attack = [b"\x80\x02cposix\nsystem\nX".as_slice(), &(command.len() as u32).to_le_bytes(), command.as_bytes()];
    let attack = [attack.concat().as_slice(), b"\x85R."].concat();
    for (name, bytes, expected) in [
        ("attack.pt", pickle(&attack), "posix.system"),
        ("number.pt", pickle(b"\x80\x02K\x01."), "no dict"),
        ("cut.pt", pickle(b"\x80\x02}"), "data.pkl"),
        ("script.pt", archive(&[("x/data.pkl", vec![]), ("x/constants.pkl", vec![])]), "TorchScript"),
        ("old.pth", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.".to_vec(), "before 1.6"),
        ("empty.pt", pickle(b"\x80\x02}."), "no dict of tensors"),
        ("short.pt", saved("state", |x| x.to_le_bytes()[..2].to_vec()), "storage"),
        ("other.zip", archive(&[("readme.txt", vec![])]), "neither a PyTorch state dict"),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
        let message = refusal(folder.path(), 1, &["eval", name]);
        assert!(message.contains(name) && message.contains(expected), "{name}: {message}");
    }
    assert!(!ran.exists());
}
