//! Digits drawn in any size and with several pens, and the paper they are drawn on.

use lenet_core::Pixels;
use lenet_core::architecture::IMAGE_SIDE;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::scene::Scene;

/// How a digit is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pen {
    Thin,
    Normal,
    Bold,
    /// With edges as soft as MNIST's are.
    Soft,
}

/// Levels in the making.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) levels: Vec<f32>,
    /// The level of the paper and that of the ink.
    pub(super) paper: f32,
    pub(super) ink: f32,
    /// The digit's rectangle: left, top, right and bottom edge.
    pub(super) digit: [f32; 4],
    /// The longer side of the digit.
    pub(super) size: f32,
}

impl Canvas {
    pub(super) fn new(width: usize, height: usize, [paper, ink]: [f32; 2]) -> Self {
        Self { width, height, levels: vec![paper; width * height], paper, ink, digit: [0.0; 4], size: 0.0 }
    }

    pub(super) fn shorter(&self) -> f32 {
        self.width.min(self.height) as f32
    }

    /// Replaces every level by what `change` makes of its place and itself.
    pub(super) fn map(&mut self, mut change: impl FnMut(f32, f32, f32) -> f32) {
        for (place, level) in self.levels.iter_mut().enumerate() {
            *level = change((place % self.width) as f32, (place / self.width) as f32, *level);
        }
    }

    /// Covers the places where `cover` is 1 with a mixture of paper and ink, and partly where it is less.
    pub(super) fn cover(&mut self, strength: f32, cover: impl Fn(f32, f32) -> f32) {
        let (paper, ink) = (self.paper, self.ink);
        self.map(|x, y, level| {
            let new = paper + (ink - paper) * strength * cover(x, y).clamp(0.0, 1.0);
            if ink < paper { level.min(new) } else { level.max(new) }
        });
    }

    /// Draws a digit somewhere, with a margin of at least a twenty-fifth of the canvas if there is room.
    pub(super) fn place(&mut self, random: &mut ChaCha8Rng, digit: &Pixels, size: f32, pen: Pen) {
        let [_, _, width, height] = bounds(digit);
        let scale = size / width.max(height);
        let margin = self.shorter() / 25.0 + 2.0 * scale;
        let mut start =
            |room: f32| if room <= 2.0 * margin { room / 2.0 } else { random.random_range(margin..room - margin) };
        let left = start(self.width as f32 - width * scale);
        let top = start(self.height as f32 - height * scale);
        self.size = size;
        self.digit = [left, top, left + width * scale, top + height * scale];
        self.draw(digit, size, pen, [left, top]);
    }

    /// Draws a digit whose rectangle starts at a place.
    pub(super) fn draw(&mut self, digit: &Pixels, size: f32, pen: Pen, [left, top]: [f32; 2]) {
        const POINTS: usize = 3;
        let [x0, y0, width, height] = bounds(digit);
        let scale = size / width.max(height);
        let level = match pen {
            Pen::Thin => 0.68,
            Pen::Normal | Pen::Soft => 0.5,
            Pen::Bold => 0.28,
        };
        let ink = |u: f32, v: f32| {
            let field = field(digit, u, v);
            if pen == Pen::Soft { field.clamp(0.0, 1.0) } else { ((field - level) * 6.0 + 0.5).clamp(0.0, 1.0) }
        };
        let points =
            || (0..POINTS * POINTS).map(|point| [point % POINTS, point / POINTS].map(|p| (p as f32 + 0.5) / 3.0));
        self.cover(1.0, |x, y| {
            points().map(|[a, b]| ink(x0 + (x + a - left) / scale, y0 + (y + b - top) / scale)).sum::<f32>() / 9.0
        });
    }

    pub(super) fn grain(&mut self, random: &mut ChaCha8Rng, deviation: f32) {
        // The sum of six uniform values has a variance of one half.
        self.map(|_, _, level| {
            let sum: f32 = (0..6).map(|_| random.random::<f32>()).sum();
            level + deviation * (sum - 3.0) * std::f32::consts::SQRT_2
        });
    }

    pub(super) fn scene(&self) -> Scene {
        let pixels = self.levels.iter().map(|level| level.round().clamp(0.0, 255.0) as u8).collect();
        Scene { pixels, width: self.width as u8, height: self.height as u8 }
    }
}

/// The leftmost column and topmost row of a digit's strong ink, its width and its height.
pub(super) fn bounds(digit: &Pixels) -> [f32; 4] {
    let span = |axis: fn(usize) -> usize| {
        let inked = || digit.iter().enumerate().filter(|(_, level)| **level >= 64).map(|(place, _)| axis(place));
        let (low, high) = (inked().min().unwrap_or(0), inked().max().unwrap_or(IMAGE_SIDE - 1));
        (low as f32, (high + 1 - low) as f32)
    };
    let ((left, width), (top, height)) = (span(|place| place % IMAGE_SIDE), span(|place| place / IMAGE_SIDE));
    [left, top, width, height]
}

/// The ink at a point of an image, by Catmull and Rom's interpolation.
fn field(digit: &Pixels, u: f32, v: f32) -> f32 {
    const SIDE: i32 = IMAGE_SIDE as i32;
    let at = |x: i32, y: i32| {
        let inside = (0..SIDE).contains(&x) && (0..SIDE).contains(&y);
        if inside { f32::from(digit[(y * SIDE + x) as usize]) / 255.0 } else { 0.0 }
    };
    let (x, y) = ((u - 0.5).floor(), (v - 0.5).floor());
    let between = |[a, b, c, d]: [f32; 4], t: f32| {
        b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
    };
    let row = |dy: i32| between([-1, 0, 1, 2].map(|dx| at(x as i32 + dx, y as i32 + dy)), u - 0.5 - x);
    between([row(-1), row(0), row(1), row(2)], v - 0.5 - y)
}
