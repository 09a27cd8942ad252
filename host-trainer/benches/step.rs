//! Times whole training steps, gradient and optimizer, on one and two threads, and the same step with the plain network
//! to show what the lanes gain.
//!
//! The elements of the throughput are images.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use host_trainer::data::{Split, digits_10k};
use host_trainer::network::lanes::{InstructionSet, Pass};
use host_trainer::network::{Initialization, Parameters, plain};
use host_trainer::training::{Augmentation, Augmenter, BatchGradient, Recipe, RecipeName, Source, State};
use lenet_core::Pools;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPoolBuilder;

/// The tutorial's SGD, and the default recipe with AdamW, moving average and augmentation.
const STEPS: [(RecipeName, usize); 4] =
    [(RecipeName::Tutorial, 32), (RecipeName::Tutorial, 128), (RecipeName::Tutorial, 256), (RecipeName::Default, 128)];

fn initial_state() -> State {
    State::new(Parameters::init(Initialization::PyTorch, 10, &mut ChaCha8Rng::seed_from_u64(1)))
}

fn lanes(criterion: &mut Criterion, images: &Split) {
    let set = InstructionSet::detect();
    let mut order: Vec<usize> = (0..images.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(2));
    for (name, batch) in STEPS {
        let recipe = Recipe::named(name);
        let options = recipe.step_options(recipe.lr);
        let augmenter = Augmenter::new(recipe.augmentation, ChaCha8Rng::seed_from_u64(3));
        let augmenter = (recipe.augmentation != Augmentation::NONE).then_some(&augmenter);
        let source = Source { split: images, augmenter, label_smoothing: recipe.label_smoothing };
        let mut group = criterion.benchmark_group(format!("step of {}, batch {batch}", recipe.name));
        group.throughput(Throughput::Elements(batch as u64));
        for threads in [1, 2] {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("two threads can be started");
            let (mut gradient, mut state) = (BatchGradient::new(set), initial_state());
            let mut batches = order.chunks_exact(batch).cycle();
            group.bench_function(BenchmarkId::new("threads", threads), |bencher| {
                // Inside the pool from the start, like training.
                pool.install(|| {
                    bencher.iter(|| {
                        let indices = batches.next().expect("a cycle has no end");
                        let pass = Pass::Float(&state.parameters, Pools::default());
                        let result = gradient.compute(pass, source, indices);
                        state.step(set, &options, &gradient.gradients());
                        result
                    });
                });
            });
        }
        group.finish();
    }
}

fn plainly(criterion: &mut Criterion, images: &Split) {
    let recipe = Recipe::named(RecipeName::Tutorial);
    let (set, options) = (InstructionSet::detect(), recipe.step_options(recipe.lr));
    let pool = ThreadPoolBuilder::new().num_threads(1).build().expect("a thread can be started");
    let mut group = criterion.benchmark_group("plain step of tutorial");
    // A step takes too long for samples that grow.
    group.sampling_mode(SamplingMode::Flat);
    for batch in [32, 128, 256] {
        let (images, mut state) = (images.first(batch), initial_state());
        let weight = 1.0 / batch as f32;
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(BenchmarkId::new("batch", batch), |bencher| {
            pool.install(|| {
                bencher.iter(|| {
                    let activations = plain::forward(&state.parameters, Pools::default(), images.images());
                    let (loss, d_logits) =
                        plain::cross_entropy::loss_and_gradient(&activations.logits, images.labels(), weight);
                    let gradient = plain::backward(&state.parameters, Pools::default(), &activations, &d_logits);
                    state.step(set, &options, &[&gradient]);
                    loss
                });
            });
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
        .nresamples(5_000)
        .configure_from_args();
    let images = digits_10k().train;
    lanes(&mut criterion, &images);
    plainly(&mut criterion, &images);
    criterion.final_summary();
}
