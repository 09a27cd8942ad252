//! `lenet-core` computes what the independent f64 model computes, in every bit of every layer.

use host_trainer::data::digits_10k;
use lenet_core::Pool;
use proptest::prelude::*;
use proptest::sample::select;
use tests::random::{self, Biases, CLASSES, Image, Kind, Multipliers, Weights};
use tests::{committed_model, compare_images, page};

#[test]
fn trained_model_on_all_embedded_test_images() {
    let file = committed_model();
    let network = page::read(file.bytes()).network;
    let test = digits_10k().test;
    assert_eq!(test.len(), 1_000);
    let images = (0..test.len()).map(|index| test.pixels(index));
    compare_images(&network, file.model().unwrap(), images).unwrap();
}

#[test]
fn corner_values() {
    let mut combinations = 0;
    for pools in [[Pool::Average, Pool::Maximum], [Pool::Maximum, Pool::Average]] {
        for weights in
            [Weights::All(127), Weights::All(-127), Weights::All(0), Weights::Extremes, Weights::Tiny, Weights::Heavy]
        {
            for multipliers in [
                Multipliers::Smallest,
                Multipliers::Largest,
                Multipliers::Eighth,
                Multipliers::Fitting,
                Multipliers::Half,
                Multipliers::BelowOne,
            ] {
                for biases in [Biases::Extremes, Biases::Tiny] {
                    let network = random::network(
                        combinations,
                        Kind {
                            classes: CLASSES[combinations as usize % CLASSES.len()],
                            pools,
                            weights,
                            multipliers,
                            biases,
                        },
                    );
                    let file = network.encode(&Default::default()).unwrap();
                    let images = [Image::All(0), Image::All(255), Image::Tiny, Image::Extremes]
                        .map(|kind| random::image(combinations, kind));
                    compare_images(&network, file.model().unwrap(), &images)
                        .unwrap_or_else(|problem| panic!("{weights:?} {multipliers:?} {biases:?}: {problem}"));
                    combinations += 1;
                }
            }
        }
    }
}

fn pool() -> impl Strategy<Value = Pool> {
    select(vec![Pool::Average, Pool::Maximum])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn random_networks(
        seed: u64,
        classes in 2..=64usize,
        pools in [pool(), pool()],
        weights in select(vec![Weights::Uniform, Weights::Extremes, Weights::Tiny, Weights::Heavy]),
        multipliers in select(vec![
            Multipliers::Fitting,
            Multipliers::Uniform,
            Multipliers::Eighth,
            Multipliers::Half,
        ]),
        biases in select(vec![Biases::Fitting, Biases::Tiny, Biases::Extremes]),
        image in select(vec![Image::Uniform, Image::Tiny, Image::Extremes]),
    ) {
        let network = random::network(seed, Kind { classes, pools, weights, multipliers, biases });
        let file = network.encode(&Default::default()).unwrap();
        let images = [random::image(seed, image), random::image(seed + 1, Image::Uniform)];
        if let Err(problem) = compare_images(&network, file.model().unwrap(), &images) {
            return Err(TestCaseError::fail(problem));
        }
    }
}

/// The tests above would prove little if the networks saturated everywhere.
#[test]
fn fitting_networks_spread_their_activations() {
    let network = random::network(7, Kind::default());
    let file = network.encode(&Default::default()).unwrap();
    let mut core = lenet_core::LeNet5::new(file.model().unwrap());
    core.classify(&random::image(7, Image::Uniform));
    let workspace = core.workspace();
    let pool1: Vec<u8> = workspace.pool1().collect();
    for layer in [&pool1[..], workspace.pool2(), workspace.fc1(), workspace.fc2()] {
        let inside = layer.iter().filter(|u| (1..=254).contains(*u)).count();
        assert!(inside * 5 > layer.len(), "{inside} of {} activations are not saturated", layer.len());
    }
}
