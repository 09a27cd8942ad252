//! Prints how many nanoseconds the int8 network takes per image on one thread, for `benches/vs_litert`.
//!
//! usage: time_classify SECONDS

use std::hint::black_box;
use std::time::{Duration, Instant};

use host_trainer::data::digits_10k;
use host_trainer::formats::ModelFile;
use lenet_core::workstation::Classifier;

fn main() {
    let seconds = std::env::args().nth(1).and_then(|argument| argument.parse().ok());
    let Some(Ok(limit)) = seconds.map(Duration::try_from_secs_f64) else {
        eprintln!("usage: time_classify SECONDS");
        std::process::exit(2);
    };
    let file = ModelFile::new(include_bytes!("../../data/digits-10k/digits-10k.lenet"));
    let classifier = Classifier::new(&file.model().expect("the committed model is valid"));
    let images = digits_10k().test;
    let pass = || {
        for index in 0..images.len() {
            black_box(classifier.classify(black_box(images.pixels(index))));
        }
    };
    // Warm-up.
    (0..10).for_each(|_| pass());
    let (start, mut passes) = (Instant::now(), 0);
    while start.elapsed() < limit {
        pass();
        passes += 1;
    }
    println!("{:.1}", start.elapsed().as_nanos() as f64 / f64::from(passes * images.len() as u32));
}
