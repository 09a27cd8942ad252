//! The workstation's kernels compute the same logits and activations as the portable ones, on every instruction set of
//! this processor.

use host_trainer::data::digits_10k;
use host_trainer::formats::ModelFile;
use lenet_core::workstation::{Classifier, InstructionSet};
use lenet_core::{LeNet5, Pixels, Pool, Workspace};
use tests::committed_model;
use tests::random::{self, Biases, CLASSES, Image, Kind, Multipliers, Weights};

const POOLS: [[Pool; 2]; 4] = [
    [Pool::Average, Pool::Average],
    [Pool::Average, Pool::Maximum],
    [Pool::Maximum, Pool::Average],
    [Pool::Maximum, Pool::Maximum],
];

/// Compares all logits and activations of the images; `what` is for the message.
fn compare<'a>(file: &ModelFile, images: impl IntoIterator<Item = &'a Pixels>, what: &str) {
    let model = file.model().unwrap();
    let mut core = LeNet5::new(model);
    let classifiers =
        InstructionSet::available().into_iter().map(|set| (set, Classifier::with_instruction_set(&model, set)));
    let classifiers: Vec<_> = classifiers.collect();
    for (index, pixels) in images.into_iter().enumerate() {
        let expected = core.classify(pixels);
        for (set, classifier) in &classifiers {
            assert_eq!(classifier.classify(pixels), expected, "{what}, image {index}, {set}");
            let mut workspace = Workspace::new();
            assert_eq!(classifier.classify_into(pixels, &mut workspace), expected, "{what}, image {index}, {set}");
            assert_eq!(&workspace, core.workspace(), "{what}, image {index}, {set}");
        }
    }
}

#[test]
fn trained_model_on_all_embedded_test_images() {
    let test = digits_10k().test;
    assert_eq!(test.len(), 1_000);
    compare(&committed_model(), (0..test.len()).map(|index| test.pixels(index)), "trained model");
}

#[test]
fn every_pair_of_pools_on_digits() {
    let test = digits_10k().test.first(50);
    for (seed, pools) in POOLS.into_iter().enumerate() {
        let network = random::network(seed as u64, Kind { pools, ..Kind::default() });
        let file = network.encode(&Default::default()).unwrap();
        compare(&file, (0..test.len()).map(|index| test.pixels(index)), &format!("{pools:?}"));
    }
}

#[test]
fn random_networks_and_corner_values() {
    let mut seed = 0;
    for pools in POOLS {
        for weights in
            [Weights::Uniform, Weights::All(127), Weights::All(-127), Weights::Extremes, Weights::Tiny, Weights::Heavy]
        {
            for multipliers in [
                Multipliers::Fitting,
                Multipliers::Uniform,
                Multipliers::Smallest,
                Multipliers::Largest,
                Multipliers::Eighth,
                Multipliers::Half,
                Multipliers::BelowOne,
            ] {
                for biases in [Biases::Fitting, Biases::Tiny, Biases::Extremes] {
                    let network = random::network(
                        seed,
                        Kind { classes: CLASSES[seed as usize % CLASSES.len()], pools, weights, multipliers, biases },
                    );
                    let file = network.encode(&Default::default()).unwrap();
                    let kinds = [Image::Uniform, Image::All(0), Image::All(255), Image::Tiny, Image::Extremes];
                    let images = kinds.map(|kind| random::image(seed, kind));
                    compare(&file, &images, &format!("{pools:?} {weights:?} {multipliers:?} {biases:?}"));
                    seed += 1;
                }
            }
        }
    }
}
