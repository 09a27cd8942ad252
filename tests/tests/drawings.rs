//! Digits in every situation of `tests::scenes` are prepared so that the committed model reads them.

use host_trainer::data::digits_10k;
use lenet_core::preparation::{Frame, prepare, scratch_bytes};
use lenet_core::workstation::Classifier;
use tests::committed_model;
use tests::scenes::Kind;

/// Drawings of each kind.
const COUNT: usize = 200;

/// The share that is read at least, in percent: of the whole, and of every kind.
const MEAN: usize = 96;
const LEAST: usize = 90;

#[test]
fn digits_in_every_situation_are_read() {
    // Test digits: the model has not seen them.
    let test = digits_10k().test;
    let file = committed_model();
    let classifier = Classifier::new(&file.model().unwrap());
    let mut all = 0;
    for kind in Kind::ALL {
        let mut right = 0;
        for seed in 0..COUNT {
            let (digit, other) = (test.pixels(seed * 4), test.pixels(seed * 4 + 1));
            let scene = kind.draw(seed as u64, digit, other);
            let frame = Frame::new(&scene.pixels, scene.width, scene.height, scene.width.into()).unwrap();
            let mut scratch = vec![0; scratch_bytes(scene.width, scene.height)];
            let class = prepare(&frame, &mut scratch).map(|pixels| classifier.classify(&pixels).class());
            right += usize::from(class == Ok(test.labels()[seed * 4].into()));
        }
        println!("{kind:?}: {right} of {COUNT}");
        assert!(100 * right >= LEAST * COUNT, "{kind:?}: {right} of {COUNT}");
        all += right;
    }
    println!("all: {all} of {}", COUNT * Kind::ALL.len());
    assert!(100 * all >= MEAN * COUNT * Kind::ALL.len(), "{all} of {}", COUNT * Kind::ALL.len());
}
