//! A small copy of the frame: cells, each the mean of a square of pixels. What is ink is decided on cells, which costs
//! little and averages grain; only the result is drawn from the pixels themselves.

use super::frame::{Area, Frame};

/// A grid has at most this many cells.
const MOST_CELLS: usize = 64 * 64;

/// The layout of a grid over an area of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// The column of the frame where the first cell starts.
    pub(super) left: usize,
    /// The row of the frame where the first cell starts.
    pub(super) top: usize,
    /// Side of a cell, pixels.
    pub(super) cell: usize,
    /// Cells in a row.
    pub(super) width: usize,
    /// Rows of cells.
    pub(super) height: usize,
}

/// Side of the cells for a frame, pixels: the smallest that gives no more cells than [`MOST_CELLS`].
pub(super) const fn cell_side(width: usize, height: usize) -> usize {
    let mut side = 1;
    while cells(width, side) * cells(height, side) > MOST_CELLS {
        side += 1;
    }
    side
}

/// Cells in a row or a column of `pixels`, at least 1.
pub(super) const fn cells(pixels: usize, cell: usize) -> usize {
    match pixels.checked_div(cell) {
        None | Some(0) => 1,
        Some(cells) => cells,
    }
}

/// Copies cells. Unlike `copy_from_slice`, it has no panic for different lengths.
pub(super) fn copy(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

/// Subtracts other cells, down to 0.
pub(super) fn subtract(from: &mut [u8], cells: &[u8]) {
    from.iter_mut().zip(cells).for_each(|(from, cell)| *from = from.saturating_sub(*cell));
}

/// Swaps dark and light.
pub(super) fn invert(cells: &mut [u8]) {
    cells.iter_mut().for_each(|cell| *cell = !*cell);
}

/// Three buffers of as many bytes as there are cells.
pub(super) fn split(scratch: &mut [u8], cells: usize) -> [&mut [u8]; 3] {
    let (a, rest) = scratch.split_at_mut_checked(cells).unwrap_or_default();
    let (b, rest) = rest.split_at_mut_checked(cells).unwrap_or_default();
    let (c, _) = rest.split_at_mut_checked(cells).unwrap_or_default();
    [a, b, c]
}

impl Grid {
    /// The grid over an area, in cells of this side. Pixels that no whole cell is left for are shared out to both edges.
    pub(super) fn over(area: Area, cell: usize) -> Self {
        let [width, height] = area.sides();
        let cell = cell.clamp(1, width.min(height).max(1));
        let [columns, rows] = [cells(width, cell), cells(height, cell)];
        let spare = |pixels: usize, cells: usize| pixels.saturating_sub(cells * cell) / 2;
        Self {
            left: usize::from(area.left) + spare(width, columns),
            top: usize::from(area.top) + spare(height, rows),
            cell,
            width: columns,
            height: rows,
        }
    }

    /// The number of cells.
    pub(super) fn len(&self) -> usize {
        self.width * self.height
    }

    /// A stroke is narrower than a square of `2 * reach + 1` cells: three eighths of the shorter side.
    pub(super) fn reach(&self) -> usize {
        3 * self.width.min(self.height) / 16
    }

    /// Fills `cells` with the mean of each cell's pixels, rounded.
    pub(super) fn fill(&self, frame: &Frame<'_>, cells: &mut [u8]) {
        let pixels = self.cell * self.cell;
        let reciprocal = (1 << 16) / pixels.max(1) as u32;
        let half = (pixels / 2) as u32;
        for (row, cells) in cells.chunks_mut(self.width.max(1)).take(self.height).enumerate() {
            for (column, cell) in cells.iter_mut().enumerate() {
                let mut sum = half;
                for y in 0..self.cell {
                    let line = frame.row(self.top + row * self.cell + y, self.left + column * self.cell, self.cell);
                    sum += line.iter().map(|pixel| u32::from(*pixel)).sum::<u32>();
                }
                *cell = ((sum * reciprocal) >> 16).min(255) as u8;
            }
        }
    }

    /// Fills `half` with the mean of each square of 2 x 2 cells, rounded. On the border, only the outermost cells count, so
    /// that nothing reaches the border that did not reach it before.
    pub(super) fn halve(&self, cells: &[u8], half: &mut [u8]) {
        let (columns, rows) = (self.width / 2, self.height / 2);
        // Both of a pair, or twice the outer one.
        let pair = |place: usize, count: usize, length: usize| match place {
            0 => [0, 0],
            _ if place + 1 == count => [length - 1; 2],
            _ => [2 * place, 2 * place + 1],
        };
        for (row, half) in half.chunks_mut(columns.max(1)).take(rows).enumerate() {
            let lines = pair(row, rows, self.height)
                .map(|row| cells.get(row * self.width..(row + 1) * self.width).unwrap_or_default());
            for (column, half) in half.iter_mut().enumerate() {
                let across = pair(column, columns, self.width);
                let level = |line: &[u8], column: usize| u16::from(line.get(column).copied().unwrap_or(0));
                let sum: u16 = lines.iter().map(|line| level(line, across[0]) + level(line, across[1])).sum();
                *half = ((sum + 2) / 4) as u8;
            }
        }
    }

    /// The median difference between a cell and the next one in its row: for Gaussian grain, nearly its deviation.
    #[inline(never)] // Its buffers are on the stack only while it runs.
    pub(super) fn grain(&self, cells: &[u8]) -> u8 {
        let mut counts = [0u16; 64];
        for row in cells.chunks(self.width.max(1)) {
            for (a, b) in row.iter().zip(row.iter().skip(1)) {
                if let Some(count) = counts.get_mut(usize::from(a.abs_diff(*b))) {
                    *count += 1;
                }
            }
        }
        let all = (self.width.saturating_sub(1) * self.height) as u32;
        let mut below = 0;
        for (level, count) in counts.iter().enumerate() {
            below += u32::from(*count);
            if 2 * below >= all {
                return level as u8;
            }
        }
        counts.len() as u8
    }

    /// Smooths with the weights 1 2 1 along both axes, in place.
    pub(super) fn smooth(&self, cells: &mut [u8]) {
        let smooth = |cells: &mut [u8], length: usize, step: usize, start: usize| {
            let mut before = cells.get(start).copied().unwrap_or(0);
            for place in 0..length {
                let here = start + place * step;
                let own = cells.get(here).copied().unwrap_or(0);
                let after = if place + 1 < length { cells.get(here + step).copied().unwrap_or(own) } else { own };
                let sum = u16::from(before) + 2 * u16::from(own) + u16::from(after) + 2;
                if let Some(cell) = cells.get_mut(here) {
                    *cell = (sum / 4) as u8;
                }
                before = own;
            }
        };
        for row in 0..self.height {
            smooth(cells, self.width, 1, row * self.width);
        }
        for column in 0..self.width {
            smooth(cells, self.height, self.width, column);
        }
    }
}

/// The highest level that at least `cells` cells reach.
pub(super) fn upper_level(counts: &[u16; 256], cells: u32) -> u8 {
    let mut above = 0;
    for (level, count) in counts.iter().enumerate().rev() {
        above += u32::from(*count);
        if above >= cells {
            return level as u8;
        }
    }
    0
}
