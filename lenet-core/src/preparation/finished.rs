//! Images that already have the form that preparation gives.

use super::fit::{BOX_SIDE, CENTRE, MARGIN, NEARLY};
use super::frame::Frame;
use crate::architecture::IMAGE_SIDE;

/// How far the centre of mass may lie from the middle of the centre pixel, in pixels.
const NEAR: u32 = 1;

/// Whether a frame already is what preparation makes: light ink on paper of level 0, in a box of 20 x 20 pixels, with
/// its centre of mass in the centre. Such a frame is left alone, so that MNIST's own images stay as they are.
pub(super) fn is_finished(frame: &Frame<'_>) -> bool {
    let side = IMAGE_SIDE as u8;
    if (frame.width(), frame.height()) != (side, side) {
        return false;
    }
    let rows = || (0..IMAGE_SIDE).map(|y| frame.row(y, 0, IMAGE_SIDE));
    let strong = rows().flatten().copied().max().unwrap_or(0).div_ceil(6);
    // A bit for each column and row that has ink, and strong ink.
    let (mut ink, mut strong_ink) = ([0u32; 2], [0u32; 2]);
    let (mut mass, mut moments) = (0u32, [0u32; 2]);
    for (y, row) in rows().enumerate() {
        for (x, level) in row.iter().enumerate().filter(|(_, level)| **level > 0) {
            for (axis, place) in [x, y].into_iter().enumerate() {
                ink[axis] |= 1 << place;
                strong_ink[axis] |= u32::from(*level >= strong) << place;
                moments[axis] += u32::from(*level) * place as u32;
            }
            mass += u32::from(*level);
        }
    }
    if mass == 0 {
        return false;
    }
    let length = |places: u32| (u32::BITS - places.leading_zeros() - places.trailing_zeros()) as usize;
    let longer = |[columns, rows]: [u32; 2]| length(columns).max(length(rows));
    let near = |moment: u32| moment.abs_diff(mass * CENTRE as u32) <= NEAR * mass;
    longer(ink) <= BOX_SIDE + 2 * MARGIN
        && (NEARLY..=BOX_SIDE).contains(&longer(strong_ink))
        && moments.into_iter().all(near)
}
