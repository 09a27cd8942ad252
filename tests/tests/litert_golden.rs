//! Compares outputs of LiteRT, recorded by `tests/interop/litert.py --record`, with the reference model and
//! `lenet-core`.

use std::io::Read;

use flate2::read::GzDecoder;
use host_trainer::data::digits_10k;
use host_trainer::formats::encode_tflite;
use host_trainer::int8::{QuantizedNetwork, reference};
use lenet_core::LeNet5;
use lenet_core::checksum::crc32;
use tests::{committed_model, compare_layers, root};

const MAGIC: &[u8; 4] = b"LRT1";
/// Magic number, CRC-32 of the .tflite file, number of images, LiteRT's version in 16 bytes.
const HEADER_BYTES: usize = 4 + 4 + 4 + 16;
/// Values of all layers of one image.
const VALUES: usize = 5814;
/// LiteRT requantizes in f32, so a few values differ by 1. At most one value in 100,000 may; of the 116,280 values of
/// the recorded 20 images that is one.
const MAY_DIFFER: usize = 1;

struct Golden {
    tflite_crc32: u32,
    /// The outputs of every layer for the first test images.
    outputs: Vec<[i8; VALUES]>,
}

fn golden() -> Golden {
    let file = std::fs::read(root().join("tests/interop/litert-golden.bin.gz")).unwrap();
    let mut bytes = Vec::new();
    GzDecoder::new(file.as_slice()).read_to_end(&mut bytes).unwrap();
    let (header, outputs) = bytes.split_at(HEADER_BYTES);
    let number = |start: usize| u32::from_le_bytes(*header[start..].first_chunk().unwrap());
    assert_eq!(&header[..4], MAGIC);
    let (outputs, rest) = outputs.as_chunks::<VALUES>();
    assert_eq!((outputs.len(), rest.len()), (number(8) as usize, 0));
    Golden { tflite_crc32: number(4), outputs: outputs.iter().map(|bytes| bytes.map(|byte| byte as i8)).collect() }
}

#[test]
fn litert_ran_the_file_that_is_exported() {
    let file = committed_model();
    let model = file.model().unwrap();
    let tflite = encode_tflite(&QuantizedNetwork::from(&model), &model.description()).unwrap();
    assert_eq!(
        format!("{:08x}", crc32(&tflite)),
        format!("{:08x}", golden().tflite_crc32),
        "the exported file has changed; run tests/interop/litert.py --record on it"
    );
}

#[test]
fn every_layer_equals_litert() {
    let file = committed_model();
    let model = file.model().unwrap();
    let network = QuantizedNetwork::from(&model);
    let mut core = LeNet5::new(model);
    let images = digits_10k().test;
    let golden = golden();
    assert!(golden.outputs.len() >= 20);
    let mut differing = Vec::new();
    for (image, outputs) in golden.outputs.iter().enumerate() {
        let pixels = images.pixels(image);
        compare_layers(&network, &mut core, pixels).unwrap();
        let mut rest = outputs.as_slice();
        for (layer, ours) in reference::run(&network, pixels).layers() {
            let (theirs, others) = rest.split_at(ours.len());
            rest = others;
            for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate().filter(|(_, (a, b))| a != b) {
                assert_eq!(ours.abs_diff(*theirs), 1, "image {image}, {layer} value {index}: {ours}, LiteRT {theirs}");
                differing.push(format!("image {image}, {layer} value {index}"));
            }
        }
        assert!(rest.is_empty());
    }
    assert!(differing.len() <= MAY_DIFFER, "{differing:?}");
}
