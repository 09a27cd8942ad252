//! The outline of a letter as closed contours of short straight lines.

use ttf_parser::{Face, OutlineBuilder};

/// A point: x to the right and y down, where the letter's longer side is 1 and its centre is (0, 0).
pub(crate) type Point = (f64, f64);

/// Each curve becomes this many lines.
const LINES_PER_CURVE: u32 = 10;
/// Lines are divided until they are at most this long, so that a distortion can bend them.
const LONGEST_LINE: f64 = 1.0 / 32.0;

#[derive(Clone)]
pub(crate) struct Outline {
    contours: Vec<Vec<Point>>,
}

impl Outline {
    /// From closed contours with y up, in any unit.
    pub(crate) fn from_contours(contours: &[Vec<Point>]) -> Self {
        let flipped: Vec<Vec<Point>> =
            contours.iter().map(|contour| contour.iter().map(|(x, y)| (*x, -y)).collect()).collect();
        let contours = fit(&flipped).iter().map(|contour| divide(contour)).collect();
        Self { contours }
    }

    /// The contours. Each ends where it starts.
    pub(crate) fn contours(&self) -> Vec<Vec<Point>> {
        self.contours.clone()
    }

    /// The contours with every point moved, fitted to a longer side of 1 again.
    pub(crate) fn moved(&self, place: impl Fn(Point) -> Point) -> Vec<Vec<Point>> {
        let moved: Vec<Vec<Point>> =
            self.contours.iter().map(|contour| contour.iter().map(|point| place(*point)).collect()).collect();
        fit(&moved)
    }
}

/// The outlines of A to Z in a font file.
pub(crate) fn outlines(font: &[u8]) -> Result<Vec<Outline>, String> {
    let face = Face::parse(font, 0).map_err(|error| error.to_string())?;
    let outline = |letter: char| {
        let glyph = face.glyph_index(letter).ok_or_else(|| format!("the font has no {letter}"))?;
        let mut pen = Pen { contours: Vec::new() };
        face.outline_glyph(glyph, &mut pen).ok_or_else(|| format!("the letter {letter} has no outline"))?;
        Ok(Outline::from_contours(&pen.contours))
    };
    ('A'..='Z').map(outline).collect()
}

fn fit(contours: &[Vec<Point>]) -> Vec<Vec<Point>> {
    let points = || contours.iter().flatten();
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
    };
    let (left, right) = range(&mut points().map(|(x, _)| *x));
    let (top, bottom) = range(&mut points().map(|(_, y)| *y));
    let side = (right - left).max(bottom - top);
    let (middle_x, middle_y) = ((left + right) / 2.0, (top + bottom) / 2.0);
    let place = |(x, y): &Point| ((x - middle_x) / side, (y - middle_y) / side);
    contours.iter().map(|contour| contour.iter().map(place).collect()).collect()
}

fn divide(contour: &[Point]) -> Vec<Point> {
    let mut divided = Vec::new();
    for (index, &(x, y)) in contour.iter().enumerate() {
        let (next_x, next_y) = contour[(index + 1) % contour.len()];
        let longest = (next_x - x).abs().max((next_y - y).abs());
        let parts = (longest / LONGEST_LINE).ceil().max(1.0);
        divided.extend((0..parts as u32).map(|part| {
            let part = f64::from(part) / parts;
            (x + (next_x - x) * part, y + (next_y - y) * part)
        }));
    }
    divided
}

/// Collects what ttf-parser draws.
struct Pen {
    contours: Vec<Vec<Point>>,
}

impl Pen {
    fn point(&mut self, point: Point) {
        if let Some(contour) = self.contours.last_mut() {
            contour.push(point);
        }
    }

    fn curve(&mut self, at: impl Fn(Point, f64, f64) -> Point) {
        let start = self.contours.last().and_then(|contour| contour.last()).copied().unwrap_or_default();
        for line in 1..=LINES_PER_CURVE {
            let t = f64::from(line) / f64::from(LINES_PER_CURVE);
            self.point(at(start, t, 1.0 - t));
        }
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.contours.push(vec![(x.into(), y.into())]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.point((x.into(), y.into()));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let [x1, y1, x2, y2] = [x1, y1, x, y].map(f64::from);
        let axis = |p0: f64, p1: f64, p2: f64, t: f64, s: f64| s * s * p0 + 2.0 * s * t * p1 + t * t * p2;
        self.curve(|(x0, y0), t, s| (axis(x0, x1, x2, t, s), axis(y0, y1, y2, t, s)));
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let [x1, y1, x2, y2, x3, y3] = [x1, y1, x2, y2, x, y].map(f64::from);
        let axis = |p: [f64; 4], t: f64, s: f64| {
            s * s * s * p[0] + 3.0 * s * s * t * p[1] + 3.0 * s * t * t * p[2] + t * t * t * p[3]
        };
        self.curve(|(x0, y0), t, s| (axis([x0, x1, x2, x3], t, s), axis([y0, y1, y2, y3], t, s)));
    }

    fn close(&mut self) {}
}
