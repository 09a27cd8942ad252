//! Prints what share of images of many kinds `lenet predict` would report as unlike the training images of a data set.
//! The output is the rows of the table in the documentation of [`prediction`](host_trainer::prediction).

mod normalize;

use std::f64::consts::{PI, TAU};
use std::path::PathBuf;

use clap::Parser;
use host_trainer::Result;
use host_trainer::data::{DataSet, Split};
use host_trainer::prediction::{Familiarity, is_blank};
use image::{GrayImage, Luma};
use lenet_core::Pixels;
use normalize::normalize;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const IMAGES: usize = 200;

#[derive(Parser)]
struct Arguments {
    /// Folder of the data set.
    data: PathBuf,
    /// Folder of a data set with other images.
    other: PathBuf,
    /// Evaluate on the last N training images instead of the test images, and do not use them as references.
    #[arg(long, value_name = "N")]
    validation: Option<usize>,
}

/// An image with the gray level that `level` returns for each column and row.
fn image(mut level: impl FnMut(usize, usize) -> f64) -> Pixels {
    std::array::from_fn(|index| level(index % 28, index / 28).clamp(0.0, 255.0) as u8)
}

fn noise(rng: &mut ChaCha8Rng, density: f64, mut level: impl FnMut(&mut ChaCha8Rng) -> f64) -> Pixels {
    image(|_, _| if rng.random_bool(density) { level(rng) } else { 0.0 })
}

fn gaussian(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

fn checkerboard(rng: &mut ChaCha8Rng) -> Pixels {
    let (period, left, top) = (rng.random_range(1..9), rng.random_range(0..9), rng.random_range(0..9));
    image(|x, y| if ((x + left) / period + (y + top) / period).is_multiple_of(2) { 255.0 } else { 0.0 })
}

fn stripes(rng: &mut ChaCha8Rng) -> Pixels {
    let (angle, period, phase) =
        (rng.random_range(0.0..PI), rng.random_range(2.0..9.0f64), rng.random_range(0.0..1.0f64));
    let place = |x: usize, y: usize| (x as f64 * angle.cos() + y as f64 * angle.sin()) / period + phase;
    image(|x, y| if place(x, y).rem_euclid(1.0) < 0.5 { 255.0 } else { 0.0 })
}

fn gradient(rng: &mut ChaCha8Rng) -> Pixels {
    let (angle, dark, step) = (rng.random_range(0.0..TAU), rng.random_range(0.0..120.0), rng.random_range(40.0..140.0));
    image(|x, y| dark + step * (1.0 + ((x as f64 - 14.0) * angle.cos() + (y as f64 - 14.0) * angle.sin()) / 14.0))
}

fn blobs(rng: &mut ChaCha8Rng) -> Pixels {
    let spots: Vec<[f64; 3]> = (0..rng.random_range(1..5))
        .map(|_| [rng.random_range(6.0..22.0), rng.random_range(6.0..22.0), rng.random_range(1.5..6.0)])
        .collect();
    let spot = |x: f64, y: f64, [a, b, size]: [f64; 3]| {
        255.0 * (-((x - a).powi(2) + (y - b).powi(2)) / (2.0 * size * size)).exp()
    };
    image(|x, y| spots.iter().map(|s| spot(x as f64, y as f64, *s)).sum())
}

/// Strokes on a square of side 1, drawn with a random slant, jitter and pen width, and normalized.
fn drawn(rng: &mut ChaCha8Rng, strokes: &[&[[f64; 2]]]) -> Pixels {
    let (angle, shear, pen) = (0.15 * gaussian(rng), 0.15 * gaussian(rng), rng.random_range(0.05..0.08));
    let mut place = |[x, y]: [f64; 2]| {
        let y = y - 0.5 + 0.03 * gaussian(rng);
        let x = x - 0.5 + shear * y + 0.03 * gaussian(rng);
        [angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y]
    };
    let strokes: Vec<Vec<[f64; 2]>> = strokes.iter().map(|s| s.iter().map(|point| place(*point)).collect()).collect();
    let distance = |p: [f64; 2], [a, b]: [[f64; 2]; 2]| {
        let (d, q) = ([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]);
        let along = ((q[0] * d[0] + q[1] * d[1]) / (d[0] * d[0] + d[1] * d[1]).max(1e-9)).clamp(0.0, 1.0);
        (q[0] - along * d[0]).hypot(q[1] - along * d[1])
    };
    let lines: Vec<[[f64; 2]; 2]> = strokes.iter().flat_map(|s| s.windows(2).map(|pair| [pair[0], pair[1]])).collect();
    normalize(&GrayImage::from_fn(160, 160, |x, y| {
        let point = [x, y].map(|place| f64::from(place) / 160.0 * 1.8 - 0.9);
        let least = lines.iter().map(|line| distance(point, *line)).fold(f64::MAX, f64::min);
        Luma([(255.0 * (1.0 - (least - pen) / 0.012).clamp(0.0, 1.0)) as u8])
    }))
}

fn scribble(rng: &mut ChaCha8Rng) -> Pixels {
    let points: Vec<[f64; 2]> = (0..rng.random_range(4..10)).map(|_| [rng.random(), rng.random()]).collect();
    drawn(rng, &[&points])
}

/// Letters of straight strokes, none of them a digit.
fn letter(rng: &mut ChaCha8Rng) -> Pixels {
    let letters: [&[&[[f64; 2]]]; 12] = [
        &[&[[0., 1.], [0.5, 0.], [1., 1.]], &[[0.2, 0.6], [0.8, 0.6]]],
        &[&[[1., 0.], [0., 0.], [0., 1.], [1., 1.]], &[[0., 0.5], [0.8, 0.5]]],
        &[&[[1., 0.], [0., 0.], [0., 1.]], &[[0., 0.5], [0.8, 0.5]]],
        &[&[[0., 0.], [0., 1.]], &[[1., 0.], [1., 1.]], &[[0., 0.5], [1., 0.5]]],
        &[&[[0., 0.], [0., 1.]], &[[1., 0.], [0., 0.5], [1., 1.]]],
        &[&[[0., 1.], [0., 0.], [0.5, 0.6], [1., 0.], [1., 1.]]],
        &[&[[0., 1.], [0., 0.], [1., 1.], [1., 0.]]],
        &[&[[0., 0.], [1., 0.]], &[[0.5, 0.], [0.5, 1.]]],
        &[&[[0., 0.], [0.5, 1.], [1., 0.]]],
        &[&[[0., 0.], [0.25, 1.], [0.5, 0.4], [0.75, 1.], [1., 0.]]],
        &[&[[0., 0.], [1., 1.]], &[[1., 0.], [0., 1.]]],
        &[&[[0., 0.], [0.5, 0.5], [1., 0.]], &[[0.5, 0.5], [0.5, 1.]]],
    ];
    let letter = letters[rng.random_range(0..letters.len())];
    drawn(rng, letter)
}

/// Two images side by side, like the digits of a number, normalized as one.
fn pair(left: &Pixels, right: &Pixels) -> Pixels {
    normalize(&GrayImage::from_fn(60, 40, |x, y| {
        let of = |pixels: &Pixels, start: u32| match (x.checked_sub(start), y.checked_sub(6)) {
            (Some(x @ 0..28), Some(y @ 0..28)) => pixels[(28 * y + x) as usize],
            _ => 0,
        };
        Luma([of(left, 6).max(of(right, 26))])
    }))
}

fn kinds(judged: &Split, other: &Split) -> Vec<(String, Vec<Pixels>)> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut kinds = vec![("all ink".to_owned(), vec![[255; 784]])];
    let mut add = |name: String, make: &dyn Fn(&mut ChaCha8Rng) -> Pixels| {
        kinds.push((name, (0..IMAGES).map(|_| make(&mut rng)).collect()));
    };
    for density in [0.02, 0.05, 0.2, 0.5, 1.0] {
        add(format!("uniform noise on {density} of the pixels"), &|rng| {
            noise(rng, density, |rng| rng.random_range(0.0..256.0))
        });
    }
    for (mean, deviation) in [(0.0, 20.0), (0.0, 60.0), (128.0, 40.0)] {
        add(format!("Gaussian noise {mean} +- {deviation}"), &|rng| {
            noise(rng, 1.0, |rng| mean + deviation * gaussian(rng))
        });
    }
    for density in [0.02, 0.13, 0.5] {
        add(format!("salt and pepper, {density} salt"), &|rng| noise(rng, density, |_| 255.0));
    }
    add("checkerboards".into(), &checkerboard);
    add("stripes".into(), &stripes);
    add("gradients".into(), &gradient);
    add("blobs".into(), &blobs);
    add("scribbles".into(), &scribble);
    add("letters".into(), &letter);
    let pairs = judged.all_pixels().chunks_exact(2).take(IMAGES);
    kinds.push(("two images in one".into(), pairs.map(|two| pair(&two[0], &two[1])).collect()));
    kinds.push(("the other data set".into(), other.first(10_000).all_pixels().to_vec()));
    kinds
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let data = DataSet::from_folder(&arguments.data)?;
    let other = DataSet::from_folder(&arguments.other)?;
    let (known, judged, other) = match arguments.validation {
        Some(count) => {
            let (known, judged) = data.train.hold_out(count)?;
            (known, judged, other.train)
        }
        None => (data.train, data.test, other.test),
    };
    let familiarity = Familiarity::new(&known);
    println!("limits: {:?} from {} training images", familiarity.limits, familiarity.references());
    let own = vec![("its own images".to_owned(), judged.all_pixels().to_vec())];
    for (name, pixels) in own.into_iter().chain(kinds(&judged, &other)) {
        let images = familiarity.resemblance(&pixels);
        let share = |refused: &dyn Fn(usize) -> bool| {
            100.0 * (0..pixels.len()).filter(|index| refused(*index)).count() as f64 / pixels.len() as f64
        };
        println!(
            "| {name:<38} | {:>6.2} | {:>6.2} | {:>6.2} | {:>6.2} |",
            share(&|index| images[index].distance > familiarity.limits.distance),
            share(&|index| images[index].correlation < familiarity.limits.correlation),
            share(&|index| !familiarity.is_familiar(images[index])),
            share(&|index| is_blank(&pixels[index]))
        );
    }
    Ok(())
}
