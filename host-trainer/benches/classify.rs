//! Times the int8 network: one image on one thread, with the workstation's classifier on every instruction set of this
//! processor and with `lenet-core`'s portable kernels, which define the bits. Then all images of a data set, the way
//! `lenet eval` classifies them, on one or more threads.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use host_trainer::data::digits_10k;
use host_trainer::evaluation::classify_all;
use host_trainer::formats::ModelFile;
use lenet_core::workstation::{Classifier, InstructionSet};
use lenet_core::{Blank, LeNet5};

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let file = ModelFile::new(include_bytes!("../../data/digits-10k/digits-10k.lenet"));
    let model = file.model().expect("the committed model is valid");
    let images = digits_10k().test;

    let mut group = criterion.benchmark_group("classify");
    group.throughput(Throughput::Elements(1));
    for set in InstructionSet::available() {
        let classifier = Classifier::with_instruction_set(&model, set);
        let mut indices = (0..images.len()).cycle();
        group.bench_function(set.to_string(), |bencher| {
            bencher.iter(|| {
                let index = indices.next().expect("a cycle has no end");
                black_box(&classifier).classify(images.pixels(index))
            });
        });
    }
    let mut network = LeNet5::new(model);
    let mut indices = (0..images.len()).cycle();
    group.bench_function("lenet-core", |bencher| {
        bencher.iter(|| {
            let index = indices.next().expect("a cycle has no end");
            // Like the classifier, which does not skip blank input.
            black_box(&mut network).classify_with(images.pixels(index), Blank::Compute, |_| ())
        });
    });
    group.finish();

    let images = digits_10k().train;
    let mut group = criterion.benchmark_group("classify_all");
    group.throughput(Throughput::Elements(images.len() as u64));
    for threads in [1, 2, 4, 8].into_iter().filter(|threads| *threads <= cores()) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
        group.bench_function(format!("{threads} threads"), |bencher| {
            pool.install(|| bencher.iter(|| classify_all(model, black_box(&images))));
        });
    }
    group.finish();
    criterion.final_summary();
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
