//! Compares the network in lanes, on every instruction set of this processor, with the plain network in f64.

use host_trainer::data::{Split, digits_10k};
use host_trainer::network::lanes::{Group, InstructionSet, LANES, Lanes, cross_entropy};
use host_trainer::network::{Initialization, NAMES, Parameters, plain};
use lenet_core::Pool;
use lenet_core::Pools;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn parameters(classes: usize, seed: u64) -> Parameters<f32> {
    Parameters::init(Initialization::PyTorch, classes, &mut ChaCha8Rng::seed_from_u64(seed))
}

/// The first training images, with labels below `classes`.
fn images_with(classes: usize, count: usize) -> Split {
    let images = digits_10k().train.first(count);
    Split::new(images.images().to_owned(), images.labels().mapv(|label| label % classes as u8), classes).unwrap()
}

fn group_of(split: &Split) -> Box<Group> {
    let mut group = Group::new();
    group.set_images(&(0..split.len()).map(|image| split.pixels(image)).collect::<Vec<_>>());
    group
}

fn targets_of(split: &Split, classes: usize) -> Vec<Lanes> {
    let mut targets = vec![Lanes::ZERO; classes];
    for (lane, label) in split.labels().iter().enumerate() {
        targets[usize::from(*label)].0[lane] = 1.0;
    }
    targets
}

/// Loss, logits and gradient of the mean loss of at most sixteen images.
fn compute(
    set: InstructionSet,
    parameters: &Parameters<f32>,
    pools: Pools,
    images: &Split,
) -> (f64, Vec<Lanes>, Parameters<f32>) {
    let mut group = group_of(images);
    group.forward(set, parameters, pools);
    let weight = 1.0 / images.len() as f32;
    let (loss, d_logits) =
        cross_entropy::loss_and_gradient(group.logits(), &targets_of(images, parameters.classes()), weight);
    let mut gradient = Parameters::zeros(parameters.classes());
    group.backward(set, parameters, pools, &d_logits, &mut gradient);
    (loss, group.logits().to_vec(), gradient)
}

fn pool_kinds() -> impl Iterator<Item = Pools> {
    let kinds = [Pool::Average, Pool::Maximum];
    kinds.into_iter().flat_map(move |pool1| kinds.map(|pool2| Pools { pool1, pool2 }))
}

#[test]
fn every_activation_and_gradient_equals_the_plain_networks() {
    // A full group, and one whose last lanes have no image.
    for (classes, seed, count) in
        [(10, 1, LANES), (10, 2, 11), (2, 7, LANES), (3, 8, 5), (26, 9, LANES), (47, 10, LANES), (64, 11, 13)]
    {
        let images = images_with(classes, count);
        let single = parameters(classes, seed);
        let double: Parameters<f64> = single.cast();
        for pools in pool_kinds() {
            let plain_activations = plain::forward(&double, pools, images.images());
            let (plain_loss, d_logits) = plain::cross_entropy::loss_and_gradient(
                &plain_activations.logits,
                images.labels(),
                1.0 / images.len() as f64,
            );
            let plain_gradient = plain::backward(&double, pools, &plain_activations, &d_logits);

            for set in InstructionSet::available() {
                let mut group = group_of(&images);
                group.forward(set, &single, pools);
                for lane in 0..count {
                    let near = |got: &Lanes, expected: f64, what: &str| {
                        let got = f64::from(got.0[lane]);
                        assert!(
                            (got - expected).abs() < 2e-6,
                            "{set}: {what} of image {lane} is {got}, in the plain network {expected}"
                        );
                    };
                    for ((c, n, y, x), expected) in plain_activations.conv1.indexed_iter().filter(|(i, _)| i.1 == lane)
                    {
                        near(&group.conv1()[c][y][x], *expected, &format!("conv1[{c}, {y}, {x}] ({n})"));
                    }
                    for ((c, n, y, x), expected) in plain_activations.conv2.indexed_iter().filter(|(i, _)| i.1 == lane)
                    {
                        near(&group.conv2()[c][y][x], *expected, &format!("conv2[{c}, {y}, {x}] ({n})"));
                    }
                    for (got, expected) in group.fc1().iter().zip(plain_activations.fc1.row(lane)) {
                        near(got, *expected, "fc1");
                    }
                    for (got, expected) in group.fc2().iter().zip(plain_activations.fc2.row(lane)) {
                        near(got, *expected, "fc2");
                    }
                    assert_eq!(group.logits().len(), classes);
                    for (got, expected) in group.logits().iter().zip(plain_activations.logits.row(lane)) {
                        near(got, *expected, "a logit");
                    }
                }
                let (loss, _, gradient) = compute(set, &single, pools, &images);
                assert!((loss - plain_loss).abs() < 1e-5 * plain_loss, "{set}: loss {loss}, plain {plain_loss}");
                for ((got, expected), name) in gradient.arrays().iter().zip(plain_gradient.arrays()).zip(NAMES) {
                    let largest = expected.iter().fold(0f64, |largest, g| largest.max(g.abs()));
                    assert!(largest > 0.0, "the gradient in {name} is zero");
                    for (got, expected) in got.iter().zip(&expected) {
                        let error = (f64::from(*got) - expected).abs();
                        assert!(
                            error < 1e-5 * largest,
                            "{set}, {pools:?}: {name} has gradient {got}, plain {expected}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn instruction_sets_with_fused_multiply_add_give_the_same_bits() {
    let images = digits_10k().train.first(LANES);
    let parameters = parameters(10, 3);
    let mut sets = InstructionSet::available();
    // The last one has no fused multiply-add: it rounds products.
    sets.pop();
    for pools in pool_kinds() {
        let results: Vec<_> = sets.iter().map(|set| compute(*set, &parameters, pools, &images)).collect();
        for pair in results.windows(2) {
            assert!(pair[0] == pair[1], "{sets:?} differ");
        }
    }
}

#[test]
fn gradients_of_groups_add_up() {
    let images = digits_10k().train.first(LANES);
    let (set, parameters, pools) = (InstructionSet::detect(), parameters(10, 4), Pools::default());
    let once = compute(set, &parameters, pools, &images).2;
    let mut group = group_of(&images);
    let mut twice = Parameters::zeros(10);
    for _ in 0..2 {
        group.forward(set, &parameters, pools);
        let (_, d_logits) = cross_entropy::loss_and_gradient(group.logits(), &targets_of(&images, 10), 1.0 / 16.0);
        group.backward(set, &parameters, pools, &d_logits, &mut twice);
    }
    assert!(once.values().iter().zip(twice.values()).all(|(once, twice)| 2.0 * once == *twice));
}

/// A NaN in any parameter must reach the loss, because that is where training looks for it.
#[test]
fn a_nan_reaches_the_loss() {
    let images = digits_10k().train.first(LANES);
    for set in InstructionSet::available() {
        for (array, name) in NAMES.iter().enumerate() {
            let mut parameters = parameters(10, 5);
            parameters.slices_mut()[array].fill(f32::NAN);
            let loss = compute(set, &parameters, Pools::default(), &images).0;
            assert!(loss.is_nan(), "{set}: a NaN in {name} leaves the loss at {loss}");
        }
    }
}

#[test]
fn the_loss_of_smoothed_targets_equals_its_definition() {
    let images = digits_10k().train.first(3);
    let mut group = group_of(&images);
    group.forward(InstructionSet::detect(), &parameters(10, 6), Pools::default());
    let mut targets = [Lanes::ZERO; 10];
    for (class, target) in targets.iter_mut().enumerate() {
        for (lane, label) in images.labels().iter().enumerate() {
            target.0[lane] = if usize::from(*label) == class { 0.91 } else { 0.01 };
        }
    }
    let (loss, gradient) = cross_entropy::loss_and_gradient(group.logits(), &targets, 1.0);
    let mut expected = 0.0;
    for lane in 0..images.len() {
        let logits: Vec<f64> = group.logits().iter().map(|logit| f64::from(logit.0[lane])).collect();
        let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
        for class in 0..targets.len() {
            let softmax = logits[class].exp() / sum;
            expected -= f64::from(targets[class].0[lane]) * softmax.ln();
            let difference = f64::from(gradient[class].0[lane]) - (softmax - f64::from(targets[class].0[lane]));
            assert!(difference.abs() < 1e-6);
        }
    }
    assert!((loss - expected).abs() < 1e-5, "{loss} instead of {expected}");
    assert!(gradient.iter().all(|class| class.0[images.len()..].iter().all(|lane| *lane == 0.0)));
}
