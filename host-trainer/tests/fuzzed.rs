//! Runs the fuzz targets on stable Rust: on their corpora, on random edits of these and on random bytes.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

#[allow(unreachable_pub, reason = "it is a library for the fuzz targets")]
#[path = "../fuzz/src/lib.rs"]
mod targets;

use targets::{TARGETS, contract, expand};

/// The files of a target's corpus.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{target} has no corpus");
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn corpora_pass() {
    for (name, target) in TARGETS {
        for bytes in corpus(name) {
            target(&bytes);
        }
    }
}

/// Which file to edit, where to cut it, and which bytes to overwrite.
type Edit = (prop::sample::Index, Option<prop::sample::Index>, Vec<(prop::sample::Index, u8)>);

fn edits() -> impl Strategy<Value = Edit> {
    let places = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (any::<prop::sample::Index>(), proptest::option::weighted(0.3, any::<prop::sample::Index>()), places)
}

fn edited(files: &[Vec<u8>], (file, cut, places): &Edit) -> Vec<u8> {
    let mut bytes = file.get(files).clone();
    if let (Some(cut), false) = (cut, bytes.is_empty()) {
        bytes.truncate(cut.index(bytes.len()));
    }
    for (place, value) in places {
        if !bytes.is_empty() {
            let place = place.index(bytes.len());
            bytes[place] = *value;
        }
    }
    bytes
}

#[test]
fn edited_files_pass() {
    for (name, target) in TARGETS {
        let files = corpus(name);
        let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
        let run = runner.run(&edits(), |edit| {
            target(&edited(&files, &edit));
            Ok(())
        });
        run.unwrap_or_else(|failure| panic!("{name}: {failure}"));
    }
}

#[test]
fn random_bytes_pass() {
    for (name, target) in TARGETS {
        let mut runner = TestRunner::new(Config { cases: 100, failure_persistence: None, ..Config::default() });
        let run = runner.run(&prop::collection::vec(any::<u8>(), 0..600), |bytes| {
            target(&bytes);
            Ok(())
        });
        run.unwrap_or_else(|failure| panic!("{name}: {failure}"));
    }
}

#[test]
fn expand_undoes_contract() {
    let bytes: Vec<u8> = (0..2_000u32).map(|i| if i % 7 < 5 { 0 } else { (i * 37 % 256) as u8 }).collect();
    let longer = [bytes.as_slice(), &[0; 900], &[0xee, 0xee, 0, 0xee]].concat();
    assert_eq!(expand(&contract(&longer)), longer);
    assert!(contract(&longer).len() < longer.len());
}

/// The readers accept the seeds. Seeds that were refused at once would test little.
#[test]
fn the_seeds_are_read() {
    use host_trainer::formats::{decode_safetensors, decode_tflite};
    let seed = |target: &str, name: &str| {
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target).join(name)).unwrap()
    };
    assert!(decode_safetensors(&expand(&seed("safetensors", "written"))).is_ok());
    assert!(decode_tflite(&expand(&seed("tflite", "zeros"))).is_ok());
    let message = expand(&seed("lenet", "zeros"));
    let checksum = lenet_core::checksum::crc32(&message).to_le_bytes();
    assert!(host_trainer::formats::ModelFile::new(&[message.as_slice(), &checksum].concat()).model().is_ok());
}
