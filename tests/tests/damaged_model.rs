//! No damaged model file is accepted.

use host_trainer::formats::ModelFile;
use lenet_core::{Error, Model};
use rayon::prelude::*;
use tests::committed_model;

#[test]
fn every_truncation_is_refused() {
    let file = committed_model();
    let bytes = file.bytes();
    for length in 0..bytes.len() {
        assert!(Model::from_bytes(&bytes[..length]).is_err(), "{length} of {} bytes were accepted", bytes.len());
    }
    assert!(Model::from_bytes(bytes).is_ok());
}

#[test]
fn every_changed_byte_is_refused() {
    let file = committed_model();
    let length = file.bytes().len();
    let accepted: Vec<usize> = (0..length)
        .into_par_iter()
        .filter(|index| {
            let mut bytes = file.bytes().to_vec();
            // All bits of the byte, then a single bit that differs from byte to byte.
            [0xff, 1 << (index % 8)].into_iter().any(|mask| {
                bytes[*index] ^= mask;
                let accepted = ModelFile::new(&bytes).model().is_ok();
                bytes[*index] ^= mask;
                accepted
            })
        })
        .collect();
    assert!(accepted.is_empty(), "models with one of these bytes changed were accepted: {accepted:?}");
}

#[test]
fn the_error_says_what_is_wrong() {
    let file = committed_model();
    let bytes = file.bytes();
    let refusal = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.to_vec();
        edit(&mut bytes);
        ModelFile::new(&bytes).model().unwrap_err()
    };
    assert_eq!(refusal(&|bytes| bytes.fill(0xff)), Error::NotAModel);
    assert_eq!(refusal(&|bytes| bytes.clear()), Error::NotAModel);
    assert_eq!(refusal(&|bytes| bytes[4] = 9), Error::UnsupportedVersion(9));
    assert_eq!(refusal(&|bytes| bytes.truncate(20_000)), Error::Malformed);
    assert_eq!(refusal(&|bytes| bytes.extend([1, 2, 3])), Error::TrailingBytes(3));
    assert!(matches!(refusal(&|bytes| bytes[30_000] ^= 4), Error::Checksum { .. }));
    let shifted = ModelFile::new(&[&[0], bytes].concat());
    assert_eq!(Model::from_bytes(&shifted.bytes()[1..]).unwrap_err(), Error::Misaligned);
}

#[test]
fn a_model_at_the_start_of_a_larger_slot_is_found_with_its_length() {
    let file = committed_model();
    let mut slot = file.bytes().to_vec();
    slot.resize(66 * 1024, 0xff);
    let slot = ModelFile::new(&slot);
    let (_, length) = Model::from_prefix(slot.bytes()).unwrap();
    assert_eq!(length, file.bytes().len());
}
