//! Filled shapes of black and white pixels, and how their strokes are made thicker or thinner.

use image::{GrayImage, Luma};

use super::outline::Point;

/// Pixels of the longer side of a letter before its strokes change: eight for each pixel of the finished image.
pub(crate) const LETTER: usize = 160;
/// Room on each side for thicker strokes.
const ROOM: usize = 20;
const SIDE: usize = LETTER + 2 * ROOM;
/// The longest distance that is measured, in pixels.
const REACH: usize = ROOM - 2;

/// A square of pixels, each ink or not.
#[derive(Clone)]
pub(crate) struct Shape {
    ink: Vec<bool>,
}

/// Fills contours whose longer side is 1 and whose centre is (0, 0), by the non-zero winding rule. A pixel is ink if its
/// centre is inside.
pub(crate) fn fill(contours: &[Vec<Point>]) -> Shape {
    let pixel = |value: f64| value * LETTER as f64 + SIDE as f64 / 2.0 - 0.5;
    let mut windings = vec![0_i32; SIDE * SIDE];
    for contour in contours {
        for (index, &(x0, y0)) in contour.iter().enumerate() {
            let (x1, y1) = contour[(index + 1) % contour.len()];
            let (x0, y0, x1, y1) = (pixel(x0), pixel(y0), pixel(x1), pixel(y1));
            let direction = if y0 < y1 { 1 } else { -1 };
            let rows = y0.min(y1).ceil() as usize..y0.max(y1).ceil() as usize;
            for row in rows {
                // Everything right of where the line crosses the row is inside once more, or once less.
                let x = x0 + (row as f64 - y0) * (x1 - x0) / (y1 - y0);
                let column = x.ceil() as usize;
                windings[row * SIDE + column] += direction;
            }
        }
    }
    let inside = |row: &[i32]| {
        let running = row.iter().scan(0, |winding, step| {
            *winding += step;
            Some(*winding != 0)
        });
        running.collect::<Vec<bool>>()
    };
    Shape { ink: windings.chunks_exact(SIDE).flat_map(inside).collect() }
}

/// The tip of a pen, an ellipse: strokes grow by a whole radius along an axis whose factor is 256, and by half of it
/// where the factor is 1024.
pub(crate) struct Pen {
    /// Factor of squared distances along x, in 1 / 256.
    pub(crate) x: u32,
    /// Factor of squared distances along y, in 1 / 256.
    pub(crate) y: u32,
}

impl Shape {
    /// An image with white ink on black paper.
    pub(crate) fn to_image(&self) -> GrayImage {
        GrayImage::from_fn(SIDE as u32, SIDE as u32, |x, y| {
            Luma([if self.ink[y as usize * SIDE + x as usize] { 255 } else { 0 }])
        })
    }

    /// The mean width of the strokes in pixels: two areas to an outline. The outline is 1 / 1.18 of the edges between
    /// ink and paper, halfway between upright and diagonal strokes.
    pub(crate) fn stroke_width(&self) -> f64 {
        let area = self.ink.iter().filter(|ink| **ink).count();
        let across = self.ink.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let down = self.ink.iter().zip(&self.ink[SIDE..]).filter(|(a, b)| a != b).count();
        2.36 * area as f64 / (across + down).max(1) as f64
    }

    /// The shape with strokes thicker by `2 * radius` pixels, or thinner if it is negative. Where that would join
    /// strokes, close a letter's opening or break a stroke, the radius is halved until it does not.
    pub(crate) fn with_strokes(&self, radius: f64, pen: &Pen) -> Self {
        let parts = self.parts();
        let mut radius = radius.clamp(-(REACH as f64), REACH as f64);
        for _ in 0..4 {
            let changed =
                if radius > 0.0 { self.grown(radius, pen) } else { self.inverted().grown(-radius, pen).inverted() };
            if changed.parts() == parts {
                return changed;
            }
            radius /= 2.0;
        }
        self.clone()
    }

    fn inverted(&self) -> Self {
        Self { ink: self.ink.iter().map(|ink| !ink).collect() }
    }

    fn grown(&self, radius: f64, pen: &Pen) -> Self {
        const FAR: u32 = (SIDE * SIDE * 1024) as u32;
        let limit = (radius * radius * 256.0) as u32;
        let mut across = vec![FAR; SIDE * SIDE];
        for (distances, ink) in across.chunks_exact_mut(SIDE).zip(self.ink.chunks_exact(SIDE)) {
            let mut columns: Vec<usize> = (0..SIDE).collect();
            for _ in 0..2 {
                let mut last = None;
                for &column in &columns {
                    last = if ink[column] { Some(column) } else { last };
                    if let Some(last) = last {
                        let distance = column.abs_diff(last) as u32;
                        distances[column] = distances[column].min(distance * distance * pen.x);
                    }
                }
                columns.reverse();
            }
        }
        let mut ink = Vec::with_capacity(SIDE * SIDE);
        for row in 0..SIDE {
            let mut nearest = [FAR; SIDE];
            for other in row.saturating_sub(REACH)..(row + REACH + 1).min(SIDE) {
                let down = (row.abs_diff(other) * row.abs_diff(other)) as u32 * pen.y;
                for (nearest, across) in nearest.iter_mut().zip(&across[other * SIDE..][..SIDE]) {
                    *nearest = (*nearest).min(across + down);
                }
            }
            ink.extend(nearest.map(|distance| distance <= limit));
        }
        Self { ink }
    }

    /// How many connected areas of ink and of paper there are. Ink also connects across corners.
    fn parts(&self) -> [usize; 2] {
        let mut seen = vec![false; SIDE * SIDE];
        let mut parts = [0; 2];
        for start in 0..SIDE * SIDE {
            if seen[start] {
                continue;
            }
            let ink = self.ink[start];
            parts[usize::from(ink)] += 1;
            seen[start] = true;
            let mut open = vec![start];
            while let Some(place) = open.pop() {
                let (row, column) = (place / SIDE, place % SIDE);
                for next_row in row.saturating_sub(1)..(row + 2).min(SIDE) {
                    for next_column in column.saturating_sub(1)..(column + 2).min(SIDE) {
                        let next = next_row * SIDE + next_column;
                        let corner = next_row != row && next_column != column;
                        if !seen[next] && self.ink[next] == ink && (ink || !corner) {
                            seen[next] = true;
                            open.push(next);
                        }
                    }
                }
            }
        }
        parts
    }
}
