//! Grey-level morphology: what dark things a square does not fit into.
//!
//! The closing of a picture by a square is the picture without the dark things that are narrower than the square: a
//! maximum over the square around each cell, then a minimum over it. It keeps steps of brightness where they are.
//! Maximum and minimum are taken along rows, then along columns, at three comparisons a cell whatever the size of the
//! square (van Herk, *A fast algorithm for local minimum and maximum filters*, 1992).

/// The longest row or column, with `reach` cells of nothing before and after it. A grid has at most 4,096 cells, and
/// `reach` is less than a fifth of its shorter side.
const MOST: usize = 264;

/// What the square meets beyond the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    /// Nothing: it fits into a dark thing that it sticks out of there.
    Nothing,
    /// Paper: it does not.
    Paper,
}

/// Closes `cells`, rows of `width`, in place, by a square whose side is `2 * reach + 1` cells.
#[inline(never)] // Its buffers are on the stack only while it runs.
pub(super) fn close(cells: &mut [u8], width: usize, reach: usize, beyond: Beyond) {
    let width = width.max(1);
    let rows = cells.len() / width;
    let mut line = Line { beyond: 0, to_end: [0; MOST], from_start: [0; MOST] };
    let beyond = if beyond == Beyond::Paper { 255 } else { 0 };
    for (maximum, beyond) in [(true, beyond), (false, 0)] {
        line.beyond = beyond;
        for row in 0..rows {
            line.filter(cells, row * width, 1, width, reach, maximum);
        }
        for column in 0..width {
            line.filter(cells, column, width, rows, reach, maximum);
        }
    }
}

/// A row or column with `reach` more cells at either end, in blocks of `2 * reach + 1` cells.
struct Line {
    /// The value of the cells at either end.
    beyond: u8,
    /// The largest value from each cell to the end of its block.
    to_end: [u8; MOST],
    /// The largest value from the start of its block to each cell.
    from_start: [u8; MOST],
}

impl Line {
    /// Replaces every cell of a row or column by the maximum or minimum of the cells up to `reach` away.
    fn filter(&mut self, cells: &mut [u8], start: usize, step: usize, length: usize, reach: usize, maximum: bool) {
        // A minimum is the maximum of the complements.
        let flip = if maximum { 0 } else { 255 };
        let step = step.max(1);
        let Some(cells) = cells.get_mut(start..) else { return };
        let padded = length + 2 * reach;
        let (Some(to_end), Some(from_start)) = (self.to_end.get_mut(..padded), self.from_start.get_mut(..padded))
        else {
            return;
        };
        let (before, rest) = to_end.split_at_mut_checked(reach).unwrap_or_default();
        let (line, after) = rest.split_at_mut_checked(length).unwrap_or_default();
        before.fill(self.beyond);
        after.fill(self.beyond);
        for (value, cell) in line.iter_mut().zip(cells.iter().step_by(step)) {
            *value = *cell ^ flip;
        }
        let side = 2 * reach + 1;
        for (to_end, from_start) in to_end.chunks_mut(side).zip(from_start.chunks_mut(side)) {
            let mut largest = 0;
            for (value, from_start) in to_end.iter().zip(from_start) {
                largest = largest.max(*value);
                *from_start = largest;
            }
            let mut largest = 0;
            for value in to_end.iter_mut().rev() {
                largest = largest.max(*value);
                *value = largest;
            }
        }
        // The window around a cell is as long as a block: it starts in one and ends in the same or the next one.
        let ends = from_start.get(2 * reach..).unwrap_or_default();
        for ((cell, start), end) in cells.iter_mut().step_by(step).zip(to_end.iter()).zip(ends) {
            *cell = *start.max(end) ^ flip;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn a_filter_is_the_maximum_of_each_window() {
        let mut state = 7u32;
        for length in [1usize, 2, 5, 9, 30, 64, 184, 255] {
            for reach in [0usize, 1, 2, 4, 11, 40] {
                if length + 2 * reach > MOST {
                    continue;
                }
                let cells: Vec<u8> = (0..length)
                    .map(|_| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        (state >> 24) as u8
                    })
                    .collect();
                for maximum in [true, false] {
                    let mut filtered = cells.clone();
                    let mut line = Line { beyond: 0, to_end: [0; MOST], from_start: [0; MOST] };
                    line.filter(&mut filtered, 0, 1, length, reach, maximum);
                    let expected: Vec<u8> = (0..length)
                        .map(|place| {
                            let window = &cells[place.saturating_sub(reach)..(place + reach + 1).min(length)];
                            if maximum { *window.iter().max().unwrap() } else { *window.iter().min().unwrap() }
                        })
                        .collect();
                    assert_eq!(filtered, expected, "length {length}, reach {reach}");
                }
            }
        }
    }

    #[test]
    fn a_closing_is_the_minimum_of_the_maxima() {
        let (width, rows, reach) = (13usize, 9usize, 2usize);
        let mut state = 3u32;
        let cells: Vec<u8> = (0..width * rows)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        let over = |cells: &[u8], best: fn(u8, u8) -> u8| -> Vec<u8> {
            let around = |place: usize, length: usize| place.saturating_sub(reach)..(place + reach + 1).min(length);
            let square = |place: usize| {
                let mut all = Vec::new();
                for row in around(place / width, rows) {
                    all.extend(around(place % width, width).map(|column| cells[row * width + column]));
                }
                all.into_iter().reduce(best).unwrap()
            };
            (0..cells.len()).map(square).collect()
        };
        let mut closed = cells.clone();
        close(&mut closed, width, reach, Beyond::Nothing);
        assert_eq!(closed, over(&over(&cells, u8::max), u8::min));
        // With paper beyond the border, only squares within it count.
        let inside = |place: usize, length: usize| (reach..length - reach).contains(&place);
        let mut largest = over(&cells, u8::max);
        for (place, level) in largest.iter_mut().enumerate() {
            if !(inside(place % width, width) && inside(place / width, rows)) {
                *level = 255;
            }
        }
        let mut closed = cells.clone();
        close(&mut closed, width, reach, Beyond::Paper);
        assert_eq!(closed, over(&largest, u8::min));
    }
}
