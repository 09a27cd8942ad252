//! How much memory preparation borrows.

use super::enlarge::Enlargement;
use super::grid::{cell_side, cells};

/// Bytes of scratch that a frame of this size needs.
pub const fn scratch_bytes(width: u8, height: u8) -> usize {
    let (width, height) = (width as usize, height as usize);
    match Enlargement::of(width, height) {
        None => cell_bytes(width, height),
        Some(enlargement) => {
            let [width, height] = enlargement.sides();
            enlargement.bytes() + cell_bytes(width, height)
        }
    }
}

/// Bytes of the three buffers of cells.
const fn cell_bytes(width: usize, height: usize) -> usize {
    let cell = cell_side(width, height);
    3 * cells(width, cell) * cells(height, cell)
}
