//! Whether the ink is darker or lighter than the paper.

use super::closing::{self, Beyond};
use super::contrast::{depth, robust_peak};
use super::grid::{Grid, copy, invert, split, subtract};

/// Twice as many cells a side are enough to tell dark ink from light ink in cells twice as large.
const COARSE: usize = 16;

/// Whether the ink is light: whether light strokes have more contrast than dark ones. What reaches the border counts
/// only if there is nothing else.
///
/// A grid of at least twice [`COARSE`] cells a side is looked at in cells twice as large: thin strokes lose as much contrast
/// as light ones as they do as dark ones.
#[inline(never)] // Its buffers are on the stack only while it runs.
pub(super) fn is_light(grid: &Grid, cells: &mut [u8], contrast: &mut [u8], labels: &mut [u8], least: u8) -> bool {
    if grid.width.min(grid.height) < 2 * COARSE {
        return is_light_in(cells, contrast, labels, grid.width, grid.reach(), least);
    }
    let (width, height) = (grid.width / 2, grid.height / 2);
    let [coarse, one, other] = split(contrast, width * height);
    grid.halve(cells, coarse);
    is_light_in(coarse, one, other, width, grid.reach() / 2, least)
}

fn is_light_in(cells: &mut [u8], one: &mut [u8], other: &mut [u8], width: usize, reach: usize, least: u8) -> bool {
    let reaches = [reach / 2, reach * 5 / 6];
    let [dark, any_dark] = strokes_of(cells, one, other, width, reaches);
    invert(cells);
    let [light, any_light] = strokes_of(cells, one, other, width, reaches);
    invert(cells);
    if dark.max(light) >= least { light > dark } else { any_light > any_dark }
}

/// The robust maximum of the contrast of dark strokes: of those that do not reach the border, and of any.
///
/// Light strokes are removed first, so that the paper within a ring is no stroke. Their square is smaller, because it
/// also fills gaps between dark strokes, which then must not be too wide to be strokes.
fn strokes_of(cells: &[u8], one: &mut [u8], other: &mut [u8], width: usize, [removal, reach]: [usize; 2]) -> [u8; 2] {
    copy(one, cells);
    invert(one);
    closing::close(one, width, removal, Beyond::Nothing);
    invert(one);
    copy(other, one);
    closing::close(other, width, reach, Beyond::Nothing);
    subtract(other, one);
    let any = robust_peak(other);
    copy(one, cells);
    closing::close(one, width, reach, Beyond::Nothing);
    depth(cells, one, width, true);
    for (contrast, depth) in other.iter_mut().zip(one.iter()) {
        *contrast = (*contrast).min(*depth);
    }
    [robust_peak(other), any]
}
