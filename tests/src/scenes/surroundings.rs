//! What surrounds a digit: light, lines, frames, edges and neighbours.

use lenet_core::Pixels;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::canvas::{Canvas, Pen};
use super::kind::Kind;

/// Adds to a canvas with a digit what makes it one of a kind.
pub(super) fn add(kind: Kind, random: &mut ChaCha8Rng, canvas: &mut Canvas, other: &Pixels) {
    match kind {
        Kind::Uneven => {
            let least = random.random_range(0.4..0.9f32);
            let slope = slope(random, canvas);
            canvas.map(|x, y, level| level * (least + (1.0 - least) * slope(x, y)));
            canvas.grain(random, 1.5);
        }
        Kind::Vignette => {
            let loss = random.random_range(0.3..0.6f32);
            let (width, height) = (canvas.width as f32, canvas.height as f32);
            canvas.map(|x, y, level| {
                let (x, y) = (x / width - 0.5, y / height - 0.5);
                level * (1.0 - 2.0 * loss * (x * x + y * y))
            });
            canvas.grain(random, 2.0);
        }
        Kind::SoftShadow => shadow(random, canvas, 0.3),
        Kind::HardShadow => shadow(random, canvas, 0.01),
        Kind::Grain => {
            let deviation = random.random_range(5.0..18.0f32);
            canvas.grain(random, deviation);
        }
        Kind::Graph => lines(random, canvas, true),
        Kind::Ruled => lines(random, canvas, false),
        Kind::Frame => frame(random, canvas),
        Kind::Cell => cell(random, canvas),
        Kind::ScannerEdge => scanner_edge(random, canvas),
        Kind::Neighbour => neighbour(canvas, other),
        Kind::Specks => specks(random, canvas),
        Kind::Page => inside(random, canvas, true),
        Kind::Table => inside(random, canvas, false),
        _ => {}
    }
}

/// A value that rises from 0 to 1 across the canvas in some direction.
fn slope(random: &mut ChaCha8Rng, canvas: &Canvas) -> impl Fn(f32, f32) -> f32 + use<> {
    let angle: f32 = random.random_range(0.0..std::f32::consts::TAU);
    let (dx, dy) = (angle.cos(), angle.sin());
    let (width, height) = (canvas.width as f32, canvas.height as f32);
    move |x, y| ((x / width - 0.5) * dx + (y / height - 0.5) * dy) / (dx.abs() + dy.abs()) + 0.5
}

/// The shadow of something straight that lies over part of the canvas. `softness` is the width of its edge.
fn shadow(random: &mut ChaCha8Rng, canvas: &mut Canvas, softness: f32) {
    let slope = slope(random, canvas);
    let (edge, left) = (random.random_range(0.25..0.75f32), random.random_range(0.5..0.75f32));
    canvas.map(|x, y, level| level * (1.0 - (1.0 - left) * ((slope(x, y) - edge) / softness + 0.5).clamp(0.0, 1.0)));
    canvas.grain(random, 1.5);
}

fn lines(random: &mut ChaCha8Rng, canvas: &mut Canvas, both: bool) {
    let longer = canvas.width.max(canvas.height) as f32;
    let gap = longer / random.random_range(4.0..14.0f32);
    let (across, down) = (random.random_range(0.0..gap), random.random_range(0.0..gap));
    let thickness = random.random_range(0.8..(longer / 70.0).max(1.4));
    let strength = random.random_range(0.1..0.35f32);
    let tilt = random.random_range(-0.03..0.03f32);
    let near = |place: f32, offset: f32| {
        let line = (place - offset) / gap;
        thickness / 2.0 + 0.5 - (line - line.round()).abs() * gap
    };
    canvas.cover(strength, |x, y| {
        let row = near(y - tilt * x, down);
        if both { row.max(near(x + tilt * y, across)) } else { row }
    });
    canvas.grain(random, 2.0);
}

/// The digit's rectangle with some paper around it.
fn around(random: &mut ChaCha8Rng, canvas: &Canvas) -> ([f32; 4], f32) {
    let gap = canvas.shorter() * random.random_range(0.06..0.14f32);
    let [left, top, right, bottom] = canvas.digit;
    let thickness = random.random_range(1.0..(canvas.shorter() * 0.03).max(1.5));
    ([left - gap, top - gap, right + gap, bottom + gap], thickness)
}

fn frame(random: &mut ChaCha8Rng, canvas: &mut Canvas) {
    let ([left, top, right, bottom], thickness) = around(random, canvas);
    let (width, height) = (canvas.width as f32, canvas.height as f32);
    let (left, top) = (left.max(4.0), top.max(4.0));
    let (right, bottom) = (right.min(width - 5.0), bottom.min(height - 5.0));
    let strength = random.random_range(0.5..1.0f32);
    canvas.cover(strength, |x, y| {
        let outside = (left - x).max(x - right).max(top - y).max(y - bottom);
        if (0.0..thickness).contains(&outside) { 1.0 } else { 0.0 }
    });
}

fn cell(random: &mut ChaCha8Rng, canvas: &mut Canvas) {
    let ([left, top, right, bottom], thickness) = around(random, canvas);
    let sides: u8 = random.random_range(1..16);
    let tilt = random.random_range(-0.02..0.02f32);
    let strength = random.random_range(0.4..1.0f32);
    canvas.cover(strength, |x, y| {
        let (x, y) = (x + tilt * y, y - tilt * x);
        let on = |place: f32, line: f32| (0.0..thickness).contains(&(line - place));
        let hit = [on(x, left), on(x, right + thickness), on(y, top), on(y, bottom + thickness)];
        if hit.iter().enumerate().any(|(side, hit)| *hit && sides >> side & 1 == 1) { 1.0 } else { 0.0 }
    });
}

fn scanner_edge(random: &mut ChaCha8Rng, canvas: &mut Canvas) {
    let [left, top, right, bottom] = canvas.digit;
    let (width, height) = (canvas.width as f32, canvas.height as f32);
    let sides: u8 = random.random_range(1..16);
    let level = random.random_range(0.0..60.0f32);
    let mut reach = |room: f32| random.random_range(1.0..canvas.shorter() * 0.07).min(room - 2.0);
    let edges = [reach(left), reach(width - right), reach(top), reach(height - bottom)];
    canvas.map(|x, y, old| {
        let hit = [x < edges[0], width - 1.0 - x < edges[1], y < edges[2], height - 1.0 - y < edges[3]];
        if hit.iter().enumerate().any(|(side, hit)| *hit && sides >> side & 1 == 1) { level } else { old }
    });
    canvas.grain(random, 2.0);
}

/// The nearest part of another digit, at the left or right border.
fn neighbour(canvas: &mut Canvas, other: &Pixels) {
    let [left, top, right, _] = canvas.digit;
    let size = canvas.size;
    let gap = size * 0.15 + 3.0;
    let (before, after) = (left - gap, canvas.width as f32 - right - gap);
    let shown = before.max(after).min(size * 0.3);
    if shown < 3.0 {
        return;
    }
    let mut single = Canvas::new(canvas.width, canvas.height, [canvas.paper, canvas.ink]);
    // Its rectangle is as wide as it is high here at most, and only what is shown of it is copied.
    let x = if before > after { shown - size } else { canvas.width as f32 - shown };
    single.draw(other, size, Pen::Normal, [x, top]);
    let (paper, width) = (canvas.paper, canvas.width as f32);
    let levels = single.levels;
    let columns = canvas.width;
    canvas.map(|x, y, old| {
        let new = levels[y as usize * columns + x as usize];
        let is_shown = if before > after { x < shown } else { x >= width - shown };
        if is_shown && (new - paper).abs() > (old - paper).abs() { new } else { old }
    });
}

fn specks(random: &mut ChaCha8Rng, canvas: &mut Canvas) {
    for _ in 0..random.random_range(3..25) {
        let (x0, y0) = (random.random_range(0.0..canvas.width as f32), random.random_range(0.0..canvas.height as f32));
        let radius = random.random_range(0.5..canvas.shorter() * 0.012 + 0.6);
        canvas.cover(1.0, |x, y| radius + 0.5 - (x - x0).hypot(y - y0));
    }
}

/// Puts the canvas into a larger one: a page of white or any level, or a dark table.
fn inside(random: &mut ChaCha8Rng, canvas: &mut Canvas, page: bool) {
    let grow = |random: &mut ChaCha8Rng, side: usize| (side + random.random_range(8..60)).min(255);
    let (width, height) = (grow(random, canvas.width), grow(random, canvas.height));
    let level = match page {
        true if random.random_bool(0.7) => 255.0,
        true => random.random_range(0.0..255.0),
        false => random.random_range(10.0..80.0),
    };
    let (x0, y0) = ((width - canvas.width) / 2, (height - canvas.height) / 2);
    let mut larger = Canvas::new(width, height, [level, canvas.ink]);
    for (y, row) in canvas.levels.chunks(canvas.width).enumerate() {
        let start = (y + y0) * width + x0;
        larger.levels[start..start + row.len()].copy_from_slice(row);
    }
    *canvas = larger;
    canvas.grain(random, 2.0);
}
