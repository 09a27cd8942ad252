//! Compares backpropagation with central differences, and the loss with a value computed by another program.

use host_trainer::data::digits_10k;
use host_trainer::network::plain::{self, cross_entropy};
use host_trainer::network::{Initialization, NAMES, Parameters};
use lenet_core::Pool;
use lenet_core::Pools;
use ndarray::{ArrayView1, ArrayView2};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn mean_loss(
    parameters: &Parameters<f64>,
    pools: Pools,
    images: ArrayView2<'_, u8>,
    labels: ArrayView1<'_, u8>,
) -> f64 {
    let logits = plain::forward(parameters, pools, images).logits;
    cross_entropy::loss_and_gradient(&logits, labels, 1.0).0 / labels.len() as f64
}

/// All indices of a small array, or about 60 evenly spread indices of a large one.
fn sample(length: usize) -> impl Iterator<Item = usize> {
    (0..length).step_by(length.div_ceil(60))
}

#[test]
fn every_layers_gradient_equals_central_differences() {
    let batch = digits_10k().train.first(3);
    let images = batch.images();
    let two_pools = [(Pool::Average, Pool::Maximum), (Pool::Maximum, Pool::Average)].into_iter();
    let ten = two_pools.map(|(pool1, pool2)| (10, Pools { pool1, pool2 }));
    let others = [2, 3, 26, 47, 64].map(|classes| (classes, Pools::default()));
    for (classes, pools) in ten.chain(others) {
        let labels = batch.labels().mapv(|label| label % classes as u8);
        let labels = labels.view();
        let mut parameters =
            Parameters::<f64>::init(Initialization::PyTorch, classes, &mut ChaCha8Rng::seed_from_u64(4));
        let activations = plain::forward(&parameters, pools, images);
        let (_, d_logits) = cross_entropy::loss_and_gradient(&activations.logits, labels, 1.0 / labels.len() as f64);
        let gradient = plain::backward(&parameters, pools, &activations, &d_logits);

        for (array, name) in NAMES.iter().enumerate() {
            let gradient: Vec<f64> = gradient.arrays()[array].iter().copied().collect();
            let largest = gradient.iter().fold(0f64, |largest, g| largest.max(g.abs()));
            assert!(largest > 0.0, "the gradient in {name} is zero");
            for index in sample(gradient.len()) {
                // Small enough that no ReLU switches and no maximum moves.
                let step = 1e-6;
                let mut loss_at = |offset: f64| {
                    let value = parameters.slices_mut()[array][index];
                    parameters.slices_mut()[array][index] = value + offset;
                    let loss = mean_loss(&parameters, pools, images, labels);
                    parameters.slices_mut()[array][index] = value;
                    loss
                };
                let difference = (loss_at(step) - loss_at(-step)) / (2.0 * step);
                let error = (difference - gradient[index]).abs();
                assert!(
                    error < 1e-7 * (1.0 + largest) + 1e-5 * gradient[index].abs(),
                    "{name}[{index}] with {classes} classes and {pools:?}: backward gives {}, differences give {difference}",
                    gradient[index]
                );
            }
        }
    }
}

/// `tests/fixed_batch_loss.py` computes the same from the definition of the network, in plain Python.
#[test]
fn the_loss_of_a_fixed_batch_equals_the_independent_value() {
    const INDEPENDENT: f64 = 2.336_061_109_057_953_7;
    let batch = digits_10k().train.first(4);
    let mut parameters = Parameters::<f64>::zeros(10);
    let mut number = 0;
    for values in parameters.slices_mut() {
        // 1/sqrt(length of the array) keeps activations in range.
        let amplitude = 1.0 / (values.len() as f64).sqrt();
        for value in values {
            number += 1;
            *value = amplitude * (f64::from(number) * 0.7).sin();
        }
    }
    let loss = mean_loss(&parameters, Pools::default(), batch.images(), batch.labels());
    assert!((loss - INDEPENDENT).abs() < 1e-12, "the loss is {loss}, computed independently {INDEPENDENT}");

    let single = mean_loss(&parameters.cast::<f32>().cast(), Pools::default(), batch.images(), batch.labels());
    assert!((single - INDEPENDENT).abs() < 1e-6);
}
