//! Digits in every situation of `tests::scenes` are prepared so that the committed model reads them, and MNIST's own images
//! stay as they are.

use host_trainer::data::digits_10k;
use lenet_core::Pixels;
use lenet_core::preparation::{Frame, prepare, scratch_bytes};
use lenet_core::workstation::Classifier;
use rayon::prelude::*;
use tests::scenes::Kind;
use tests::{committed_model, mnist_or_digits};

/// Drawings of each kind.
const COUNT: usize = 200;

/// The share that is read at least, in percent: of the whole, and of every kind.
const MEAN: usize = 96;
const LEAST: usize = 90;
/// A 1 that was cut out along its edges is a bar from edge to edge, which is taken for a line.
const LEAST_CUT_OUT: usize = 70;

#[test]
fn digits_in_every_situation_are_read() {
    // Test digits: the model has not seen them.
    let test = digits_10k().test;
    let file = committed_model();
    let model = file.model().unwrap();
    let mut all = 0;
    for kind in Kind::ALL {
        let is_read = |classifier: &mut Classifier, seed: usize| {
            let (digit, other) = (test.pixels(seed * 4), test.pixels(seed * 4 + 1));
            let scene = kind.draw(seed as u64, digit, other);
            let frame = Frame::new(&scene.pixels, scene.width, scene.height, scene.width.into()).unwrap();
            let mut scratch = vec![0; scratch_bytes(scene.width, scene.height)];
            let class = prepare(&frame, &mut scratch).map(|pixels| classifier.classify(&pixels).class());
            class == Ok(test.labels()[seed * 4].into())
        };
        let answers = (0..COUNT).into_par_iter().map_init(|| Classifier::new(&model), is_read);
        let right = answers.filter(|right| *right).count();
        println!("{kind:?}: {right} of {COUNT}");
        let least = if kind == Kind::CutOut { LEAST_CUT_OUT } else { LEAST };
        assert!(100 * right >= least * COUNT, "{kind:?}: {right} of {COUNT}");
        all += right;
    }
    println!("all: {all} of {}", COUNT * Kind::ALL.len());
    assert!(100 * all >= MEAN * COUNT * Kind::ALL.len(), "{all} of {}", COUNT * Kind::ALL.len());
}

#[test]
fn images_of_mnist_stay_as_they_are() {
    let data = mnist_or_digits().unwrap();
    let mut scratch = [0; scratch_bytes(28, 28)];
    let mut stays = |pixels: &Pixels| prepare(&Frame::new(pixels, 28, 28, 28).unwrap(), &mut scratch) == Ok(*pixels);
    let (mut same, mut all) = (0, 0);
    for pixels in data.train.all_pixels().iter().chain(data.test.all_pixels()) {
        same += usize::from(stays(pixels));
        all += 1;
    }
    println!("{same} of {all} stay as they are");
    // All but a few in a thousand.
    assert!(1000 * same >= 998 * all, "{same} of {all}");
}
