//! What each fuzz target does with its bytes. `host-trainer/tests/fuzzed.rs` includes this file, and runs the
//! same functions on stable Rust over the corpora and over random edits.
//!
//! A checksum would hide what lies behind it, and a network's weights would make an input of 200 KB of which a
//! few hundred bytes matter. So targets add checksums themselves, and [`expand`] runs of zeros.

use std::io::{Cursor, Write};

use host_trainer::checkpoint::Checkpoint;
use host_trainer::data::{decompress, image, parse_images, parse_labels};
use host_trainer::formats::flash::FlashImage;
use host_trainer::formats::{
    FloatFile, ModelFile, decode_float, decode_safetensors, decode_tflite, encode_npz, encode_safetensors,
    encode_tflite,
};
use host_trainer::network::{NAMES, Network, Parameters};
use host_trainer::quantization::QuantizedNetwork;
use lenet_core::LeNet5;
use lenet_core::checksum::crc32;
use lenet_core::workstation::Classifier;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A target's name, which is its corpus's too, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 10] = [
    ("archive", archive),
    ("checkpoint", checkpoint),
    ("flash", flash),
    ("idx", idx),
    ("image", image),
    ("lenet", lenet),
    ("npz", npz),
    ("pytorch", pytorch),
    ("safetensors", safetensors),
    ("tflite", tflite),
];

/// What stands for a run of zeros; three bytes with its length follow. Length 0 is the byte itself.
const RUN: u8 = 0xee;

/// More than any file of a network.
const MAX_EXPANDED: usize = 4 << 20;

/// Replaces what [`contract`] made of runs of zeros by them.
pub fn expand(mut bytes: &[u8]) -> Vec<u8> {
    let mut expanded = Vec::new();
    while let Some((byte, rest)) = bytes.split_first() {
        bytes = rest;
        match bytes.split_first_chunk() {
            Some(([a, b, c], rest)) if *byte == RUN => {
                bytes = rest;
                match u32::from_le_bytes([*a, *b, *c, 0]) as usize {
                    0 => expanded.push(RUN),
                    length => expanded.resize((expanded.len() + length).min(MAX_EXPANDED), 0),
                }
            }
            _ => expanded.push(*byte),
        }
    }
    expanded
}

/// Makes runs of zeros short; [`expand`] gives the bytes again.
pub fn contract(bytes: &[u8]) -> Vec<u8> {
    let mut contracted = Vec::new();
    let run = |length: usize| [&[RUN], &(length as u32).to_le_bytes()[..3]].concat();
    for group in bytes.chunk_by(|a, b| *a == 0 && *b == 0) {
        match group {
            [0, ..] if group.len() > 4 => contracted.extend(run(group.len())),
            [RUN] => contracted.extend(run(0)),
            _ => contracted.extend(group),
        }
    }
    contracted
}

/// Behind each message lies its checksum.
fn with_checksum(message: &[u8]) -> Vec<u8> {
    [message, &crc32(message).to_le_bytes()].concat()
}

/// Any file of a float network, as it is.
pub fn archive(bytes: &[u8]) {
    survives_writing(decode_float(bytes));
}

/// The message of a checkpoint, contracted.
pub fn checkpoint(bytes: &[u8]) {
    let file = with_checksum(&expand(bytes));
    if let Ok(checkpoint) = Checkpoint::decode(&file) {
        let again = Checkpoint::decode(&checkpoint.encode()).expect("what it writes it reads");
        assert_eq!(again.encode(), checkpoint.encode());
    }
}

/// An Intel HEX or UF2 file, contracted.
pub fn flash(bytes: &[u8]) {
    if let Some(Ok(image)) = FlashImage::decode(&expand(bytes)) {
        let _ = image.model();
    }
}

/// A file of a data set, of any kind.
pub fn idx(bytes: &[u8]) {
    if let Ok(content) = decompress(bytes.to_vec()) {
        if let Ok(images) = parse_images(&content) {
            assert_eq!(images.len() + 16, content.len());
        }
        if let Ok(labels) = parse_labels(&content) {
            assert_eq!(labels.len() + 8, content.len());
        }
    }
}

/// A file of an image.
pub fn image(bytes: &[u8]) {
    let _ = image::decode(bytes, None);
}

/// The message of a `.lenet` file, contracted.
pub fn lenet(bytes: &[u8]) {
    let expanded = expand(bytes);
    let _ = ModelFile::new(&expanded).model();
    let file = ModelFile::new(&with_checksum(&expanded));
    let Ok(model) = file.model() else { return };
    // What the reader accepts runs without a panic and everywhere alike, and is written again.
    let pixels = std::array::from_fn(|place| (place * place % 251) as u8);
    assert_eq!(Classifier::new(&model).classify(&pixels), LeNet5::new(model).classify(&pixels));
    let quantized = QuantizedNetwork::from(&model);
    let again = quantized.encode(&model.description()).expect("what was accepted is accepted again");
    assert_eq!(QuantizedNetwork::from(&again.model().expect("encode checks it")), quantized);
}

/// The first array of a NumPy archive; the others are as they should be.
pub fn npz(bytes: &[u8]) {
    let arrays = Parameters::<f32>::zeros();
    let files = NAMES.iter().zip(arrays.arrays()).enumerate().map(|(index, (name, array))| {
        let content = if index == 0 { expand(bytes) } else { npy("<f4", array.shape(), array.len() * 4) };
        (format!("{name}.npy"), content)
    });
    survives_writing(decode_float(&zip(files)));
}

/// A `.npy` file of zeros.
pub fn npy(descr: &str, shape: &[usize], length: usize) -> Vec<u8> {
    let shape: String = shape.iter().map(|axis| format!("{axis},")).collect();
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let prefix = [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes()].concat();
    [&prefix, header.as_bytes(), &vec![0; length]].concat()
}

/// A first byte that chooses the width of numbers, and `data.pkl` of a PyTorch archive with the storages of a
/// whole network.
pub fn pytorch(bytes: &[u8]) {
    let Some((width, pickle)) = bytes.split_first() else { return };
    let width = [2, 4, 8][usize::from(*width) % 3];
    let mut files = vec![("x/data.pkl".to_owned(), pickle.to_vec())];
    for (index, array) in Parameters::<f32>::zeros().arrays().iter().enumerate() {
        files.push((format!("x/data/{index}"), vec![0; array.len() * width]));
    }
    survives_writing(decode_float(&zip(files)));
}

/// A `.safetensors` file, contracted.
pub fn safetensors(bytes: &[u8]) {
    survives_writing(decode_safetensors(&expand(bytes)));
}

/// A `.tflite` file, contracted.
pub fn tflite(bytes: &[u8]) {
    let Ok(file) = decode_tflite(&expand(bytes)) else { return };
    let model = file.model().expect("the reader checks it");
    let written = encode_tflite(&QuantizedNetwork::from(&model), &model.description());
    // A description too long for the format is refused, all else is the same file again.
    if let Ok(written) = written {
        assert_eq!(decode_tflite(&written).expect("what it writes it reads"), file);
    }
}

/// A zip archive of files.
pub fn zip(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(name, options).expect("the names are different");
        zip.write_all(&content).expect("memory takes it");
    }
    zip.finish().expect("memory takes it").into_inner()
}

/// A network that is read is the same when it is written and read again.
fn survives_writing(file: Result<FloatFile, String>) {
    let Ok(FloatFile { network, .. }) = file else { return };
    let bits = |network: &Network| -> Vec<u32> { network.parameters.values().iter().map(|x| x.to_bits()).collect() };
    for written in [encode_safetensors(&network, &[]), encode_npz(&network, &[]).expect("no metadata")] {
        let again = decode_float(&written).expect("what it writes it reads").network;
        assert!(again.pools == network.pools && bits(&again) == bits(&network));
    }
}
