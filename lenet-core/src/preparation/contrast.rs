//! How far cells lie below the paper.

use super::drain;
use super::grid::{subtract, upper_level};

/// Turns the closing of the cells into how far each cell lies below the level that it fills up to, and returns the robust
/// maximum.
pub(super) fn depth(cells: &[u8], contrast: &mut [u8], width: usize, open: bool) -> u8 {
    drain::drain(cells, contrast, width, open);
    subtract(contrast, cells);
    robust_peak(contrast)
}

/// The contrast that at least four cells, and at least one in 512, reach.
#[inline(never)] // Its buffers are on the stack only while it runs.
pub(super) fn robust_peak(contrast: &[u8]) -> u8 {
    level_of(contrast.iter().copied(), |all| (all / 512).max(4))
}

/// The median of some levels, the higher one of two; 0 without any.
#[inline(never)] // Its buffers are on the stack only while it runs.
pub(super) fn median(levels: impl Iterator<Item = u8>) -> u8 {
    level_of(levels, |all| all.div_ceil(2).max(1))
}

/// The highest level that so many of all levels reach.
fn level_of(levels: impl Iterator<Item = u8>, many: impl Fn(u32) -> u32) -> u8 {
    let mut counts = [0u16; 256];
    let mut all = 0;
    for level in levels {
        if let Some(count) = counts.get_mut(usize::from(level)) {
            *count += 1;
            all += 1;
        }
    }
    upper_level(&counts, many(all))
}
