//! From images to an int8 network on real digits, through the library.

use host_trainer::data::{DataSet, digits_10k};
use host_trainer::evaluation::{evaluate_float, evaluate_int8};
use host_trainer::formats::read_float;
use host_trainer::quantization::quantize_trained;
use host_trainer::training::{Options, Recipe, RecipeName, train};
use lenet_core::{Pool, Pools};
use rayon::ThreadPoolBuilder;
use tests::{committed_model, compare_images, root};

#[test]
fn committed_int8_model_agrees_with_its_float_network() {
    let test = digits_10k().test;
    let float = read_float(&root().join("data/digits-10k/digits-10k.safetensors")).unwrap();
    let float = evaluate_float(&float.network, &test);
    let file = committed_model();
    let int8 = evaluate_int8(file.model().unwrap(), &test);
    assert!(int8.accuracy() >= 0.975, "int8 accuracy is {}", int8.accuracy());
    assert!(int8.changed_predictions(&float) <= 5, "{} predictions changed", int8.changed_predictions(&float));
    let description = file.model().unwrap().description();
    assert_eq!(description.float_accuracy, Some(float.accuracy() as f32));
    assert_eq!(description.int8_accuracy, Some(int8.accuracy() as f32));
}

#[test]
fn other_pool_kinds_train_quantize_and_run() {
    let data = digits_10k();
    let threads = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    for (pool1, pool2) in [(Pool::Maximum, Pool::Maximum), (Pool::Maximum, Pool::Average)] {
        let recipe = Recipe { epochs: 6, batch: 32, ..Recipe::named(RecipeName::Default) };
        let options = Options { recipe, pools: Pools { pool1, pool2 }, seed: 1 };
        let images = data.train.first(2_000);
        let network = train(&images, None, &options, &threads, &mut ()).unwrap();
        let quantized = quantize_trained(&network, &images, &Default::default()).unwrap();
        let file = quantized.encode(&Default::default()).unwrap();
        let model = file.model().unwrap();
        compare_images(&quantized, model, (0..20).map(|index| data.test.pixels(index))).unwrap();
        let (float, int8) = (evaluate_float(&network, &data.test), evaluate_int8(model, &data.test));
        assert!(float.accuracy() > 0.8, "{pool1} {pool2}: {}", float.accuracy());
        assert!((float.accuracy() - int8.accuracy()).abs() < 0.02, "{} {}", float.accuracy(), int8.accuracy());
    }
}

/// Float and int8 accuracy on the test images of MNIST, which is not in the repository: `LENET_MNIST`
/// names the folder with its four files. None without.
fn accuracies_on_mnist(recipe: Recipe) -> Option<(f64, f64)> {
    let Some(folder) = std::env::var_os("LENET_MNIST") else {
        println!("LENET_MNIST names no folder with the MNIST files: nothing tested");
        return None;
    };
    let data = DataSet::from_folder(folder.as_ref()).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (60_000, 10_000));
    // The embedded digits are MNIST's first training images, so none of them is a test image here.
    let first: std::collections::HashSet<&[u8; 784]> = (0..10_000).map(|index| data.train.pixels(index)).collect();
    let digits = digits_10k();
    for split in [&digits.train, &digits.test] {
        assert!((0..split.len()).all(|index| first.contains(split.pixels(index))));
    }

    let threads = ThreadPoolBuilder::new().build().unwrap();
    let options = Options { recipe, pools: Pools::default(), seed: 1 };
    let network = train(&data.train, None, &options, &threads, &mut ()).unwrap();
    let quantized = quantize_trained(&network, &data.train, &Default::default()).unwrap();
    let file = quantized.encode(&Default::default()).unwrap();
    let (float, int8) = (evaluate_float(&network, &data.test), evaluate_int8(file.model().unwrap(), &data.test));
    println!("float {} int8 {}", float.accuracy(), int8.accuracy());
    Some((float.accuracy(), int8.accuracy()))
}

#[test]
fn tutorial_on_mnist() {
    if let Some((float, int8)) = accuracies_on_mnist(Recipe::named(RecipeName::Tutorial)) {
        assert!(float >= 0.98, "float accuracy is {float}");
        assert!((float - int8).abs() <= 0.001, "{float} {int8}");
    }
}

/// A twentieth of the default recipe already does better than the tutorial.
#[test]
fn the_beginning_of_the_default_recipe_on_mnist() {
    let recipe = Recipe { epochs: 5, ..Recipe::named(RecipeName::Default) };
    if let Some((float, int8)) = accuracies_on_mnist(recipe) {
        assert!(float >= 0.99, "float accuracy is {float}");
        assert!((float - int8).abs() <= 0.001, "{float} {int8}");
    }
}
