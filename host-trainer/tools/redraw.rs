//! Redraws test digits on a canvas of 128 x 128 pixels in 3 sizes and 3 pen widths, dark on light and light on dark, in even
//! and in uneven light, and prints how many of each combination a model reads once they are prepared. The place, one of
//! 9, changes from digit to digit.
//!
//! ```text
//! cargo run --release -p host-trainer --example redraw -- MODEL.lenet --data mnist
//! ```

use std::path::PathBuf;

use clap::Parser;
use host_trainer::data::DataSet;
use host_trainer::formats::NetworkFile;
use host_trainer::{Error, Result};
use lenet_core::Pixels;
use lenet_core::architecture::IMAGE_SIDE;
use lenet_core::preparation::{Frame, prepare, scratch_bytes};
use lenet_core::workstation::Classifier;
use rayon::prelude::*;

/// Side of the canvas, pixels.
const CANVAS: u8 = 128;
/// The longer side of the digits, pixels.
const SIZES: [f32; 3] = [32.0, 56.0, 88.0];
/// The level of MNIST's ink at which the edge of a stroke is drawn: the lower, the wider the pen.
const PENS: [(&str, f32); 3] = [("thin", 0.68), ("normal", 0.5), ("bold", 0.28)];
/// Points in each row and column of a pixel that are drawn and averaged.
const POINTS: usize = 3;
/// Distance of the drawing from the border, at least, pixels.
const MARGIN: f32 = 3.0;

#[derive(Parser)]
struct Arguments {
    /// The int8 model.
    model: PathBuf,
    /// Folder of the data set whose test digits are redrawn [default: the built-in digits].
    #[arg(long)]
    data: Vec<PathBuf>,
    /// Use the first N test digits.
    #[arg(long, default_value_t = 10_000)]
    count: usize,
}

/// Ink and light: whether the ink is lighter than the paper, and whether the light is uneven.
const LIGHTS: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];
const WAYS: usize = SIZES.len() * PENS.len() * LIGHTS.len();
/// Columns and rows of places on the canvas.
const PLACES: usize = 3;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let test = DataSet::load(&arguments.data)?.test;
    let test = test.first(arguments.count.min(test.len()));
    let NetworkFile::Int8(file) = NetworkFile::read(&arguments.model)? else {
        return Err(Error::Usage("give an int8 model".into()));
    };
    let model = file.model().map_err(|error| Error::Usage(error.to_string()))?;
    let read =
        |classifier: &mut Classifier, index: usize| right(classifier, test.pixels(index), index, test.labels()[index]);
    let answers: Vec<[bool; WAYS]> =
        (0..test.len()).into_par_iter().map_init(|| Classifier::new(&model), read).collect();

    println!("{} digits, each in one of 9 places; accuracy in percent: of all, and in the worst place", test.len());
    println!("size  pen     ink    light     all   worst");
    let (mut sum, mut worst) = (0.0, 1.0f64);
    for way in 0..WAYS {
        let share = |answers: &mut dyn Iterator<Item = &[bool; WAYS]>| {
            let (right, all) =
                answers.fold((0usize, 0usize), |(right, all), answer| (right + usize::from(answer[way]), all + 1));
            right as f64 / all.max(1) as f64
        };
        let all = share(&mut answers.iter());
        let places = (0..PLACES * PLACES).map(|place| share(&mut answers.iter().skip(place).step_by(PLACES * PLACES)));
        let least = places.fold(1.0, f64::min);
        (sum, worst) = (sum + all, worst.min(least));
        let (size, pen) = (SIZES[way / LIGHTS.len() / PENS.len()], PENS[way / LIGHTS.len() % PENS.len()].0);
        let (light, uneven) = LIGHTS[way % LIGHTS.len()];
        let (ink, shade) = (if light { "light" } else { "dark" }, if uneven { "uneven" } else { "even" });
        println!("{size:<4}  {pen:<6}  {ink:<5}  {shade:<6}  {:>5.2}  {:>6.2}", 100.0 * all, 100.0 * least);
    }
    println!("mean {:.2}, worst combination {:.2}", 100.0 * sum / WAYS as f64, 100.0 * worst);
    Ok(())
}

/// Whether the model reads a digit, for each way to redraw it in its place.
fn right(classifier: &mut Classifier, pixels: &Pixels, index: usize, label: u8) -> [bool; WAYS] {
    let mut scratch = [0; scratch_bytes(CANVAS, CANVAS)];
    let mut right = [false; WAYS];
    let mut each = right.iter_mut();
    for size in SIZES {
        for (_, edge) in PENS {
            let cover = cover(pixels, size, edge, index);
            for (light, uneven) in LIGHTS {
                let canvas = lit(&cover, light, uneven, index);
                let frame = Frame::new(&canvas, CANVAS, CANVAS, CANVAS.into()).expect("it is as large as it should be");
                let class = prepare(&frame, &mut scratch).map(|pixels| classifier.classify(&pixels).class());
                if let Some(right) = each.next() {
                    *right = class == Ok(label.into());
                }
            }
        }
    }
    right
}

/// How much of each pixel of the canvas is ink. The place depends on the index.
fn cover(pixels: &Pixels, size: f32, edge: f32, index: usize) -> Vec<f32> {
    let inked = || pixels.iter().enumerate().filter(|(_, level)| **level >= 64).map(|(place, _)| place);
    let span = |axis: fn(usize) -> usize| {
        let (low, high) = (inked().map(axis).min().unwrap_or(0), inked().map(axis).max().unwrap_or(27));
        (low as f32, (high + 1 - low) as f32)
    };
    let ((left, width), (top, height)) = (span(|place| place % IMAGE_SIDE), span(|place| place / IMAGE_SIDE));
    let scale = size / width.max(height);
    let start = |length: f32, place: usize| {
        let room = f32::from(CANVAS) - length * scale;
        MARGIN + (room - 2.0 * MARGIN) * place as f32 / (PLACES - 1) as f32
    };
    let (x0, y0) = (start(width, index % PLACES), start(height, index / PLACES % PLACES));
    let side = usize::from(CANVAS);
    let share = |x: usize, y: usize| {
        // Beyond a pixel of MNIST around the digit's strong ink, there is none.
        let near =
            |pixel: usize, start: f32, length: f32| (-scale..length * scale + scale).contains(&(pixel as f32 - start));
        if !near(x, x0, width) || !near(y, y0, height) {
            return 0.0;
        }
        let points = (0..POINTS * POINTS).map(|point| {
            let within = |point: usize| (point as f32 + 0.5) / POINTS as f32;
            let u = left + (x as f32 + within(point % POINTS) - x0) / scale;
            let v = top + (y as f32 + within(point / POINTS) - y0) / scale;
            ((field(pixels, u, v) - edge) * 6.0 + 0.5).clamp(0.0, 1.0)
        });
        points.sum::<f32>() / (POINTS * POINTS) as f32
    };
    (0..side * side).map(|place| share(place % side, place / side)).collect()
}

/// The canvas. The direction of uneven light depends on the index.
fn lit(cover: &[f32], light_ink: bool, uneven: bool, index: usize) -> Vec<u8> {
    let (across, down) = (index as f32).sin_cos();
    let (paper, ink) = if light_ink { (30.0, 220.0) } else { (225.0, 40.0) };
    let side = usize::from(CANVAS);
    let level = |(place, cover): (usize, &f32)| {
        let [x, y] = [place % side, place / side].map(|place| place as f32 / f32::from(CANVAS) - 0.5);
        let slope = (x * down + y * across) / (across.abs() + down.abs()) + 0.5;
        let light = if uneven { 0.5 + 0.5 * slope } else { 1.0 };
        ((paper + (ink - paper) * cover) * light).round() as u8
    };
    cover.iter().enumerate().map(level).collect()
}

/// The ink at a point of an image, by Catmull and Rom's interpolation.
fn field(pixels: &Pixels, u: f32, v: f32) -> f32 {
    let at = |x: i32, y: i32| {
        let inside = (0..IMAGE_SIDE as i32).contains(&x) && (0..IMAGE_SIDE as i32).contains(&y);
        if inside { f32::from(pixels[(y * IMAGE_SIDE as i32 + x) as usize]) / 255.0 } else { 0.0 }
    };
    let (x, y) = ((u - 0.5).floor(), (v - 0.5).floor());
    let (along, down) = (u - 0.5 - x, v - 0.5 - y);
    let between = |[a, b, c, d]: [f32; 4], t: f32| {
        b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
    };
    let row = |dy: i32| between([-1, 0, 1, 2].map(|dx| at(x as i32 + dx, y as i32 + dy)), along);
    between([row(-1), row(0), row(1), row(2)], down)
}
