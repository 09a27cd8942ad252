//! The same seed gives the same bytes, whatever the number of threads.

use host_trainer::classes::Classes;
use host_trainer::data::{Split, digits_10k};
use host_trainer::evaluation::evaluate_float;
use host_trainer::network::Network;
use host_trainer::quantization::quantize_trained;
use host_trainer::training::{Options, Recipe, RecipeName, train};
use lenet_core::Pools;
use rayon::{ThreadPool, ThreadPoolBuilder};

fn threads(count: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(count).build().unwrap()
}

fn trained(images: &Split, recipe: RecipeName, seed: u64, pool: &ThreadPool) -> Network {
    // 300 images end in a short batch of 44 or 12 images, whose last group of lanes is not full.
    let recipe = Recipe { epochs: 2, ..Recipe::named(recipe) };
    train(images, None, &Options { recipe, pools: Pools::default(), classes: Classes::digits(), seed }, pool, &mut ())
        .unwrap()
}

#[test]
fn one_two_and_eight_threads_give_the_same_bytes() {
    let data = digits_10k();
    let images = data.train.first(300);
    for recipe in [RecipeName::Default, RecipeName::Tutorial, RecipeName::FineTune] {
        let results = [1, 2, 8].map(|count| {
            let pool = threads(count);
            let network = trained(&images, recipe, 5, &pool);
            pool.install(|| {
                let float = evaluate_float(&network, &data.test);
                let quantized = quantize_trained(&network, &images, &Default::default()).unwrap();
                (float.crc32, quantized.encode(&Default::default()).unwrap(), network)
            })
        });
        assert_eq!(results[0], results[1]);
        assert_eq!(results[0], results[2]);
    }
}

#[test]
fn another_seed_gives_another_network() {
    let images = digits_10k().train.first(64);
    let pool = threads(2);
    assert_ne!(trained(&images, RecipeName::Default, 1, &pool), trained(&images, RecipeName::Default, 2, &pool));
}
