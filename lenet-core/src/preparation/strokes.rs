//! From the strokes of a touch screen to the pixels, without a frame between.

use super::fit::{BOX_SIDE, CENTRE};
use super::reason::Reason;
use crate::architecture::{IMAGE_BYTES, IMAGE_SIDE, Pixels};

/// A point that a pen or finger was seen at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point<T> {
    /// Column, in any unit, to the right.
    pub x: T,
    /// Row, in the same unit, downwards.
    pub y: T,
    /// Whether the pen was down on the way here from the point before. The first point of a stroke has its pen up.
    pub down: bool,
}

/// Parts of a pixel that the strokes are drawn with.
const PARTS: u32 = 16;
/// Radius of the pen in parts of a pixel. MNIST's strokes are about 2.5 pixels wide.
const RADIUS: u32 = 19;
/// The longer side of the strokes' centre line, in parts: the box less one pen.
const LENGTH: u32 = BOX_SIDE as u32 * PARTS - 2 * RADIUS;
/// How far the pen moves between two stamps, parts.
const STEP: u32 = 8;

/// The image of the strokes: scaled to MNIST's box with their proportions kept, drawn with a pen as wide as MNIST's, and
/// moved so that their centre of mass is in the centre. Points without a stroke, such as a dot, are drawn too.
///
/// It takes less than 1 KB of stack besides the image.
///
/// # Errors
/// [`Reason::Blank`] if there are no points.
pub fn from_strokes<T: Copy + Into<u32>>(points: &[Point<T>]) -> Result<Pixels, Reason> {
    let place = |point: &Point<T>| [point.x.into().min(0xffff), point.y.into().min(0xffff)];
    let first = points.first().map(place).ok_or(Reason::Blank)?;
    let (mut low, mut high) = (first, first);
    for point in points {
        let [x, y] = place(point);
        low = [low[0].min(x), low[1].min(y)];
        high = [high[0].max(x), high[1].max(y)];
    }
    let longer = (high[0] - low[0]).max(high[1] - low[1]).max(1);
    // A side times this is at most `LENGTH << 16`, which is below 2^25.
    let factor = (LENGTH << 16) / longer;
    let scaled = |point: &Point<T>| {
        let [x, y] = place(point);
        [(x, low[0]), (y, low[1])].map(|(place, low)| (place - low).wrapping_mul(factor) >> 16)
    };
    let sides = [0, 1].map(|axis| (high[axis] - low[axis]).wrapping_mul(factor) >> 16);
    let start = start(points, &scaled, sides);
    let mut pixels = [0; IMAGE_BYTES];
    let mut before = None;
    for point in points {
        let [x, y] = scaled(point);
        let here = [x + start[0], y + start[1]];
        match before.filter(|_| point.down) {
            Some(before) => line(&mut pixels, before, here),
            None => stamp(&mut pixels, here),
        }
        before = Some(here);
    }
    Ok(pixels)
}

/// Where the strokes' box has to start, in parts, for their centre of mass to be in the centre. The ink of a line is its
/// length times the width of the pen, in the middle of it.
fn start<T: Copy + Into<u32>>(
    points: &[Point<T>],
    scaled: &impl Fn(&Point<T>) -> [u32; 2],
    sides: [u32; 2],
) -> [u32; 2] {
    let (mut mass, mut moments) = (0u32, [0u32; 2]);
    let mut before = None;
    for point in points {
        let [x, y] = scaled(point);
        let from: [u32; 2] = before.filter(|_| point.down).unwrap_or([x, y]);
        // The longer plus three eighths of the shorter side is the length to within 7 %.
        let [a, b] = [from[0].abs_diff(x), from[1].abs_diff(y)];
        let length = a.max(b) + 3 * a.min(b) / 8 + 1;
        mass = mass.saturating_add(length);
        for (moment, middle) in moments.iter_mut().zip([(from[0] + x) / 2, (from[1] + y) / 2]) {
            *moment = moment.saturating_add(length.saturating_mul(middle));
        }
        before = Some([x, y]);
    }
    const MIDDLE: u32 = CENTRE as u32 * PARTS + PARTS / 2;
    const LOWEST: u32 = RADIUS;
    const HIGHEST: u32 = IMAGE_SIDE as u32 * PARTS - RADIUS;
    let start = |moment: u32, side: u32| {
        MIDDLE.saturating_sub(moment / mass.max(1)).clamp(LOWEST, HIGHEST.saturating_sub(side).max(LOWEST))
    };
    [start(moments[0], sides[0]), start(moments[1], sides[1])]
}

/// Draws a line from one place to another, both in parts, without the first stamp.
fn line(pixels: &mut Pixels, from: [u32; 2], to: [u32; 2]) {
    let longer = from[0].abs_diff(to[0]).max(from[1].abs_diff(to[1]));
    let steps = longer / STEP + 1;
    // Sixteen bits below a part, so that the sum of many steps arrives.
    let step = [0, 1].map(|axis| ((to[axis] as i32 - from[axis] as i32) << 16) / steps as i32);
    let mut place = from.map(|place| (place as i32) << 16);
    for _ in 1..steps {
        place = [place[0] + step[0], place[1] + step[1]];
        stamp(pixels, place.map(|place| (place >> 16) as u32));
    }
    stamp(pixels, to);
}

/// Draws the pen at a place in parts: full ink within the radius less half a pixel, none beyond it plus half a pixel.
fn stamp(pixels: &mut Pixels, [x, y]: [u32; 2]) {
    // The pixels whose centre is nearer than the radius and half a pixel.
    let near =
        |place: u32| place.saturating_sub(RADIUS) / PARTS..((place + RADIUS - 1) / PARTS + 1).min(IMAGE_SIDE as u32);
    for row in near(y) {
        let down = (row * PARTS + PARTS / 2).abs_diff(y);
        for column in near(x) {
            let across = (column * PARTS + PARTS / 2).abs_diff(x);
            let ink = ink(across * across + down * down);
            if let Some(pixel) = pixels.get_mut((row * IMAGE_SIDE as u32 + column) as usize) {
                *pixel = ink.max(*pixel);
            }
        }
    }
}

/// The ink of a pixel whose centre has this squared distance from the pen's, in parts: the share of it that the pen
/// covers, on a straight line between full and none.
fn ink(squared: u32) -> u8 {
    const NEAR: u32 = (RADIUS - PARTS / 2) * (RADIUS - PARTS / 2);
    const FAR: u32 = (RADIUS + PARTS / 2) * (RADIUS + PARTS / 2);
    // Linear in the square of the distance, which is close enough over one pixel and takes no root.
    if squared <= NEAR { 255 } else { (((FAR - squared.min(FAR)) * (255 * 256 / (FAR - NEAR))) >> 8) as u8 }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn stroke(places: &[(u32, u32)]) -> Vec<Point<u16>> {
        let point = |(index, (x, y)): (usize, &(u32, u32))| Point { x: *x as u16, y: *y as u16, down: index > 0 };
        places.iter().enumerate().map(point).collect()
    }

    fn columns_and_rows(pixels: &Pixels) -> [usize; 4] {
        let inked = || (0..IMAGE_BYTES).filter(|place| pixels[*place] >= 128);
        let columns = || inked().map(|place| place % IMAGE_SIDE);
        let rows = || inked().map(|place| place / IMAGE_SIDE);
        [columns().min().unwrap(), columns().max().unwrap(), rows().min().unwrap(), rows().max().unwrap()]
    }

    #[test]
    fn strokes_of_any_size_fill_the_box() {
        for size in [9, 100, 240, 4_000, 65_535] {
            let bar = from_strokes(&stroke(&[(7, 0), (7, size)])).unwrap();
            let [left, right, top, bottom] = columns_and_rows(&bar);
            assert!(
                (2..=3).contains(&(right + 1 - left)) && (19..=21).contains(&(bottom + 1 - top)),
                "{size}: {left} {right} {top} {bottom}"
            );
            let square = from_strokes(&stroke(&[(0, 0), (size, 0), (size, size), (0, size), (0, 0)])).unwrap();
            let [left, right, top, bottom] = columns_and_rows(&square);
            assert!([left + right, top + bottom].iter().all(|sum| (26..=29).contains(sum)), "{size}");
            assert!((19..=21).contains(&(right + 1 - left)) && (19..=21).contains(&(bottom + 1 - top)), "{size}");
            assert_eq!(square[14 * 28 + 14], 0);
        }
        let dot = from_strokes(&[Point { x: 3u8, y: 200, down: false }]).unwrap();
        assert_eq!(dot[14 * 28 + 14], 255);
        assert_eq!(from_strokes::<u8>(&[]), Err(Reason::Blank));
    }

    #[test]
    fn a_lifted_pen_draws_nothing() {
        let mut points = stroke(&[(0, 0), (0, 90)]);
        points.extend(stroke(&[(90, 0), (90, 90)]));
        let pixels = from_strokes(&points).unwrap();
        assert!((0..28).all(|row| pixels[row * 28 + 13] == 0 && pixels[row * 28 + 14] == 0));
    }
}
