//! The level of the paper under a drawing.

use super::components::CLUTTER;
use super::grid::Grid;
use super::select::Groups;

/// In the map of drawings, a cell just outside of a drawing: it may hold the soft edge of a stroke.
pub(super) const RING: u8 = 0x40;

/// Turns the labels of components into the map of drawings: 0 for paper, the drawing's number from 1, with [`RING`] for
/// the cells around it, or [`CLUTTER`].
pub(super) fn mark_drawings(grid: &Grid, labels: &mut [u8], groups: &Groups) {
    for label in labels.iter_mut().filter(|label| **label != 0) {
        let number = groups.all().iter().position(|group| *label != CLUTTER && group.has(*label));
        *label = number.map_or(CLUTTER, |number| number as u8 + 1);
    }
    let width = grid.width.max(1);
    for here in 0..labels.len() {
        let Some(number) = labels.get(here).copied().filter(|label| (1..RING).contains(label)) else { continue };
        let column = here % width;
        let (left, right) = (usize::from(column > 0), usize::from(column + 1 < width));
        for middle in [here.checked_sub(width), Some(here), Some(here + width)].into_iter().flatten() {
            let around = labels.get_mut(middle - left..=middle + right).unwrap_or_default();
            for label in around.iter_mut().filter(|label| **label == 0 || **label == CLUTTER) {
                *label = number | RING;
            }
        }
    }
}

/// Copies the level of the paper's cells to `paper` and continues it under everything else: from above and from the
/// left, then from below and from the right, and the mean of both.
pub(super) fn continue_paper(grid: &Grid, cells: &[u8], map: &[u8], paper: &mut [u8]) {
    // Nothing is known where the level is 0; black paper is 1.
    for ((paper, cell), map) in paper.iter_mut().zip(cells).zip(map) {
        *paper = if *map == 0 { (*cell).max(1) } else { 0 };
    }
    let width = grid.width.max(1);
    let count = paper.len();
    for down in [true, false] {
        for step in 0..count {
            let here = if down { step } else { count - 1 - step };
            if map.get(here).is_none_or(|map| *map == 0) {
                continue;
            }
            let column = here % width;
            let beside =
                if down { column.checked_sub(1).map(|_| here - 1) } else { (column + 1 < width).then_some(here + 1) };
            let before = if down { here.checked_sub(width) } else { Some(here + width) };
            let level =
                |place: Option<usize>| u16::from(place.and_then(|place| paper.get(place)).copied().unwrap_or(0));
            let (a, b) = (level(beside), level(before));
            let new = if a == 0 || b == 0 { a.max(b) } else { (a + b).div_ceil(2) };
            let own = level(Some(here));
            let mixed = if own == 0 || new == 0 { own.max(new) } else { (own + new).div_ceil(2) };
            if let Some(paper) = paper.get_mut(here) {
                *paper = mixed as u8;
            }
        }
    }
}
