//! Five hand-drawn symbols.

use host_trainer::data::Split;
use lenet_core::Pixels;
use lenet_core::architecture::IMAGE_SIDE;
use ndarray::{Array1, Array2};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

type Point = [f32; 2];

/// Their labels, and their strokes in a square from -1 to 1.
pub(crate) const SYMBOLS: [(&str, &[&[Point]]); 5] = [
    ("plus", &[&[[0.0, -1.0], [0.0, 1.0]], &[[-1.0, 0.0], [1.0, 0.0]]]),
    ("cross", &[&[[-0.8, -0.8], [0.8, 0.8]], &[[0.8, -0.8], [-0.8, 0.8]]]),
    ("triangle", &[&[[0.0, -1.0], [0.9, 0.8], [-0.9, 0.8], [0.0, -1.0]]]),
    ("square", &[&[[-0.8, -0.8], [0.8, -0.8], [0.8, 0.8], [-0.8, 0.8], [-0.8, -0.8]]]),
    ("arrow", &[&[[-1.0, 0.0], [1.0, 0.0]], &[[0.4, -0.6], [1.0, 0.0], [0.4, 0.6]]]),
];

/// `count` images of each symbol. They differ in slant, corners, pen and place.
pub(crate) fn symbols(count: usize, seed: u64) -> Split {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let labels: Vec<u8> = (0..count).flat_map(|_| 0..SYMBOLS.len() as u8).collect();
    let images: Vec<u8> = labels.iter().flat_map(|class| draw(SYMBOLS[usize::from(*class)].1, &mut rng)).collect();
    let images = Array2::from_shape_vec((labels.len(), images.len() / labels.len()), images).unwrap();
    Split::new(images, Array1::from(labels), SYMBOLS.len()).unwrap()
}

fn draw(strokes: &[&[Point]], rng: &mut impl Rng) -> Pixels {
    let mut within = |bound: f32| (2.0 * rng.random::<f32>() - 1.0) * bound;
    let (sin, cos) = within(0.25).sin_cos();
    let (wide, high, slant) = (9.0 * (1.0 + within(0.15)), 9.0 * (1.0 + within(0.15)), within(0.25));
    let (right, down, pen) = (14.0 + within(1.0), 14.0 + within(1.0), 1.3 + within(0.5));
    let mut lines = Vec::new();
    for stroke in strokes {
        let corners: Vec<Point> = stroke
            .iter()
            .map(|[x, y]| {
                let (x, y) = (x + within(0.12), y + within(0.12));
                let (x, y) = (wide * (x + slant * y), high * y);
                [right + cos * x - sin * y, down + sin * x + cos * y]
            })
            .collect();
        lines.extend(corners.windows(2).map(|ends| [ends[0], ends[1]]));
    }
    std::array::from_fn(|index| {
        let at = [(index % IMAGE_SIDE) as f32 + 0.5, (index / IMAGE_SIDE) as f32 + 0.5];
        let nearest = lines.iter().map(|line| distance(at, *line)).fold(f32::MAX, f32::min);
        ((pen - nearest + 0.5).clamp(0.0, 1.0) * 255.0) as u8
    })
}

/// The distance of a point from a line between two others.
fn distance([x, y]: Point, [[x0, y0], [x1, y1]]: [Point; 2]) -> f32 {
    let (dx, dy) = (x1 - x0, y1 - y0);
    let along = (((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy).max(1e-6)).clamp(0.0, 1.0);
    (x - x0 - along * dx).hypot(y - y0 - along * dy)
}
