use std::vec;
use std::vec::Vec;

use super::finished::is_finished;
use super::*;
use crate::architecture::IMAGE_SIDE;

/// A frame of one level with rectangles `[left, top, width, height]` of another.
fn drawn(width: u8, height: u8, paper: u8, ink: u8, rectangles: &[[usize; 4]]) -> Vec<u8> {
    let mut frame = vec![paper; usize::from(width) * usize::from(height)];
    for [left, top, across, down] in rectangles {
        for row in frame.chunks_mut(width.into()).skip(*top).take(*down) {
            row[*left..left + across].fill(ink);
        }
    }
    frame
}

fn prepared(frame: &[u8], width: u8, height: u8) -> Result<Pixels, Reason> {
    let mut scratch = vec![0; scratch_bytes(width, height)];
    prepare(&Frame::new(frame, width, height, width.into()).unwrap(), &mut scratch)
}

/// The bars of a 7.
const SEVEN: [[usize; 4]; 2] = [[20, 18, 26, 5], [41, 18, 5, 44]];

#[test]
fn ink_of_either_side_gives_the_same_image_in_the_box() {
    let dark = prepared(&drawn(80, 80, 200, 40, &SEVEN), 80, 80).unwrap();
    assert_eq!(prepared(&drawn(80, 80, 55, 215, &SEVEN), 80, 80).unwrap(), dark);
    // On paper of a middle level, what differs is ink.
    assert_eq!(prepared(&drawn(80, 80, 128, 228, &SEVEN), 80, 80).unwrap(), dark);
    assert_eq!(dark.iter().max(), Some(&255));
    let rows = dark.chunks(IMAGE_SIDE).filter(|row| row.iter().any(|level| *level > 60)).count();
    assert_eq!(rows, 20);
    let frame = Frame::new(&dark, 28, 28, 28).unwrap();
    assert!(is_finished(&frame));
}

#[test]
fn what_preparation_made_stays_as_it_is() {
    let once = prepared(&drawn(80, 80, 200, 40, &SEVEN), 80, 80).unwrap();
    assert_eq!(prepared(&once, 28, 28).unwrap(), once);
    // However faint it is, and also as one of several drawings that are asked for.
    let faint: Vec<u8> = once.iter().map(|level| level.div_ceil(32)).collect();
    assert_eq!(prepared(&faint, 28, 28).unwrap(), *faint);
    let mut scratch = vec![0; scratch_bytes(28, 28)];
    let drawings = Drawings::find(&Frame::new(&faint, 28, 28, 28).unwrap(), &mut scratch).unwrap();
    assert_eq!((drawings.len(), drawings.pixels(0).unwrap().as_slice()), (1, faint.as_slice()));
    assert_eq!((drawings.area(0).unwrap().height, drawings.area(1), drawings.pixels(1)), (20, None, None));
    // Inverted, moved or on grey paper, it is prepared again.
    let inverted: Vec<u8> = once.iter().map(|level| !level).collect();
    let shifted: Vec<u8> = once[3..].iter().chain(&once[..3]).copied().collect();
    let grey: Vec<u8> = once.iter().map(|level| 40 + level / 2).collect();
    for changed in [inverted, shifted, grey] {
        assert!(!is_finished(&Frame::new(&changed, 28, 28, 28).unwrap()));
        let again = prepared(&changed, 28, 28).unwrap();
        let difference: u32 = once.iter().zip(&again).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        assert!(difference < 3 * 784, "{difference}");
    }
}

#[test]
fn bytes_between_rows_are_ignored() {
    let frame = drawn(80, 80, 200, 40, &SEVEN);
    let mut wide: Vec<u8> = frame.chunks(80).flat_map(|row| row.iter().copied().chain([0, 255, 7])).collect();
    wide.truncate(80 * 83 - 3);
    let mut scratch = vec![0; scratch_bytes(80, 80)];
    let wide = Frame::new(&wide, 80, 80, 83).unwrap();
    assert_eq!(prepare(&wide, &mut scratch), prepared(&frame, 80, 80));
    assert_eq!(prepare(&wide, &mut scratch[1..]), Err(Reason::Scratch));
}

#[test]
fn frames_that_are_no_frames() {
    assert!(Frame::new(&[0; 5], 2, 3, 2).is_none());
    assert!(Frame::new(&[0; 6], 2, 3, 1).is_none());
    assert!(Frame::new(&[0; 6], 0, 3, 2).is_none());
    assert!(Frame::new(&[0; 6], 2, 0, 2).is_none());
    assert!(Frame::new(&[0; 6], 2, 2, usize::MAX).is_none());
    assert!(Frame::new(&[0; 6], 2, 3, 2).is_some());
}

#[test]
fn without_a_drawing_it_is_blank() {
    for (width, height) in [(1, 1), (1, 255), (255, 1), (3, 3), (28, 28), (96, 96), (255, 255), (254, 16)] {
        for level in [0, 128, 255] {
            assert_eq!(prepared(&drawn(width, height, level, level, &[]), width, height), Err(Reason::Blank));
        }
    }
    let faint = drawn(80, 80, 200, 190, &SEVEN);
    assert_eq!(prepared(&faint, 80, 80), Err(Reason::Blank));
    // A slope from dark to light, and half of the frame in a hard shadow.
    let slope: Vec<u8> = (0..80 * 80).map(|place| (60 + place % 80 * 2) as u8).collect();
    assert_eq!(prepared(&slope, 80, 80), Err(Reason::Blank));
    assert_eq!(prepared(&drawn(80, 80, 220, 90, &[[0, 0, 80, 40]]), 80, 80), Err(Reason::Blank));
}

/// A sign that fills its frame up to the border: a ring on a bar.
fn ring(width: u8, height: u8, paper: u8, ink: u8) -> Vec<u8> {
    let [across, down] = [f32::from(width), f32::from(height)];
    let (radius, thick) = (across / 2.0, (across / 6.0).max(1.4));
    let pixel = |place: usize| {
        let (x, y) = ((place % usize::from(width)) as f32 + 0.5, (place / usize::from(width)) as f32 + 0.5);
        let distance = (x - radius).hypot(y - radius);
        let bar = y > 2.0 * radius - thick && (x - radius).abs() <= thick / 2.0;
        if bar || (radius - thick..=radius).contains(&distance) { ink } else { paper }
    };
    (0..(across * down) as usize).map(pixel).collect()
}

#[test]
fn a_digit_may_fill_its_frame() {
    for (width, height) in [(7, 10), (9, 12), (14, 20), (20, 28), (21, 29), (60, 80), (180, 250)] {
        for [paper, ink] in [[230, 20], [20, 230], [100, 180]] {
            let frame = ring(width, height, paper, ink);
            let frame = Frame::new(&frame, width, height, width.into()).unwrap();
            let mut scratch = vec![0; scratch_bytes(width, height)];
            let drawings = Drawings::find(&frame, &mut scratch)
                .unwrap_or_else(|reason| panic!("{width} x {height} {paper}: {reason}"));
            let area = drawings.area(0).unwrap();
            assert_eq!(drawings.len(), 1);
            assert!(area.width + 2 >= width && area.height + 2 >= height, "{width} x {height} {paper}: {area:?}");
            let pixels = drawings.pixels(0).unwrap();
            // The paper in its ring and at its lower left, the ring's top, and the bar.
            let at = |x: usize, y: usize| pixels[y * IMAGE_SIDE + x];
            let levels = [
                at(13, 10),
                at(8, 22),
                (1..8).map(|y| at(13, y)).max().unwrap(),
                (11..16).map(|x| at(x, 21)).max().unwrap(),
            ];
            assert!(levels[..2].iter().all(|level| *level < 80), "{width} x {height} {paper}: {levels:?}");
            assert!(levels[2..].iter().all(|level| *level > 150), "{width} x {height} {paper}: {levels:?}");
        }
    }
}

#[test]
fn strips_corners_and_grids_are_no_digits() {
    let strip: &[[usize; 4]] = &[[0, 30, 80, 14]];
    let corner: &[[usize; 4]] = &[[0, 0, 80, 8], [0, 0, 8, 80]];
    let grid: &[[usize; 4]] =
        &[[0, 10, 80, 2], [0, 35, 80, 2], [0, 60, 80, 2], [12, 0, 2, 80], [37, 0, 2, 80], [62, 0, 2, 80]];
    for rectangles in [strip, corner, grid] {
        for [paper, ink] in [[220, 60], [60, 220]] {
            assert_eq!(prepared(&drawn(80, 80, paper, ink, rectangles), 80, 80), Err(Reason::Blank), "{rectangles:?}");
        }
    }
}

#[test]
fn several_drawings_are_counted_from_the_left() {
    let two = drawn(120, 80, 230, 30, &[[80, 20, 6, 40], [20, 20, 20, 6], [34, 20, 6, 40]]);
    assert_eq!(prepared(&two, 120, 80), Err(Reason::Several(2)));
    let frame = Frame::new(&two, 120, 80, 120).unwrap();
    let mut scratch = vec![0; scratch_bytes(120, 80)];
    let mut drawings = Drawings::find(&frame, &mut scratch).unwrap();
    let areas = [drawings.area(0).unwrap(), drawings.area(1).unwrap()];
    assert_eq!(areas[0], Area { left: 20, top: 20, width: 20, height: 40 });
    assert_eq!(areas[1], Area { left: 80, top: 20, width: 6, height: 40 });
    assert_eq!((drawings.pixels(2), drawings.area(2)), (None, None));
    drawings.join();
    assert_eq!(drawings.len(), 1);
    assert_eq!(drawings.area(0), Some(Area { left: 20, top: 20, width: 66, height: 40 }));
}
