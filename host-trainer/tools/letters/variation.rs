//! Draws a letter the way another hand would have: with other strokes, slanted, turned, stretched and bent.

use image::GrayImage;
use rand::Rng;

use super::outline::{Outline, Point};
use super::raster::{self, Pen};

/// The widest and the narrowest a letter becomes, as a factor of its own width.
const STRETCH: (f64, f64) = (0.75, 1.3);
/// How far the top moves against the bottom, in heights: to the left and to the right.
const SLANT: (f64, f64) = (-0.2, 0.35);
/// The tangent of half the angle by which letters are turned at most: 10 degrees.
const TURN: f64 = 0.0875;
/// How far points move at most when a letter is bent, in letter sizes: in waves of half its size and of a sixth.
const BENDS: [(usize, f64); 2] = [(2, 0.07), (6, 0.02)];
/// Width of the strokes in pixels of the finished image. MNIST's digits are mostly within this range.
const STROKES: (f64, f64) = (1.6, 4.0);
/// Strokes never become thinner than this fraction of what they were: serifs and hairlines would vanish.
const THINNEST: f64 = 0.5;
/// The finished image has a letter of this size.
const FINISHED: f64 = 20.0;

/// A variation of the letter in white on black, larger than 28x28.
pub(crate) fn draw(outline: &Outline, random: &mut impl Rng) -> GrayImage {
    let stretch = between(random, STRETCH);
    let slant = between(random, SLANT);
    let half = between(random, (-TURN, TURN));
    // The rational formulas of sine and cosine, as a library's sine may differ between machines.
    let (sine, cosine) = (2.0 * half / (1.0 + half * half), (1.0 - half * half) / (1.0 + half * half));
    let bends = BENDS.map(|(cells, most)| Bend::new(random, cells, most));
    let place = |point: Point| {
        let (x, y) = bends.iter().fold(point, |moved, bend| bend.add(point, moved));
        let x = x * stretch - y * slant;
        (x * cosine - y * sine, x * sine + y * cosine)
    };
    let shape = raster::fill(&outline.moved(place));

    let pen = pen(random);
    let width = shape.stroke_width();
    let wanted = between(random, STROKES) * raster::LETTER as f64 / FINISHED;
    shape.with_strokes((wanted.max(width * THINNEST) - width) / 2.0, &pen).to_image()
}

/// A tip from round to twice as high as wide, or to twice as wide as high.
fn pen(random: &mut impl Rng) -> Pen {
    let flat = between(random, (256.0, 1024.0)) as u32;
    if unit(random) < 0.5 { Pen { x: flat, y: 256 } } else { Pen { x: 256, y: flat } }
}

/// Random shifts on a square grid around the letter, and smooth steps between them.
struct Bend {
    cells: usize,
    shifts: Vec<Point>,
}

impl Bend {
    fn new(random: &mut impl Rng, cells: usize, most: f64) -> Self {
        // Some letters are bent much, others hardly.
        let most = between(random, (0.0, most));
        let shifts = (0..(cells + 1) * (cells + 1))
            .map(|_| (between(random, (-most, most)), between(random, (-most, most))))
            .collect();
        Self { cells, shifts }
    }

    /// Adds the shift at `point` to `moved`.
    fn add(&self, (x, y): Point, moved: Point) -> Point {
        let (column, right) = self.cell(x);
        let (row, below) = self.cell(y);
        let mut sum = moved;
        for (row, down) in [(row, 1.0 - below), (row + 1, below)] {
            for (column, across) in [(column, 1.0 - right), (column + 1, right)] {
                let (x, y) = self.shifts[row * (self.cells + 1) + column];
                sum = (sum.0 + x * down * across, sum.1 + y * down * across);
            }
        }
        sum
    }

    /// The cell that a coordinate from -0.5 to 0.5 is in, and how much the cell's far end counts.
    fn cell(&self, value: f64) -> (usize, f64) {
        let value = ((value + 0.5) * self.cells as f64).clamp(0.0, self.cells as f64);
        let cell = (value as usize).min(self.cells - 1);
        let part = value - cell as f64;
        (cell, part * part * (3.0 - 2.0 * part))
    }
}

/// Evenly distributed in [0, 1).
fn unit(random: &mut impl Rng) -> f64 {
    f64::from(random.next_u32()) / 4_294_967_296.0
}

fn between(random: &mut impl Rng, (low, high): (f64, f64)) -> f64 {
    low + (high - low) * unit(random)
}
