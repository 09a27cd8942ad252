//! Grey-level morphology: which level dark ink would fill up to.
//!
//! Think of the picture as a landscape in which dark is low, and of rain that fills every hollow until it runs over and
//! off at the border of the picture. What is filled, and how deep, is the ink: a stroke on paper is a hollow with steep
//! sides. A shadow that reaches the border, the line of a ruled page, a scanner's edge or a slow change of light is a
//! valley that leads out, so it stays dry, however dark it is. Mathematically, this is the reconstruction by erosion of
//! the picture from its border (Vincent, *Morphological grayscale reconstruction in image analysis*, 1993).

/// Passes over the picture before giving up on mazes that need even more. Ordinary pictures need two to six.
const MOST_PASSES: usize = 24;

/// Lowers `levels`, the closing of `ground`, to the level of `ground` after the rain. Both are rows of `width` cells. Water
/// runs off into what the closing left dark and, if `open` says so, over the border.
pub(super) fn drain(ground: &[u8], levels: &mut [u8], width: usize, open: bool) {
    let width = width.max(1);
    let rows = ground.len() / width;
    if open {
        for (row, (levels, ground)) in levels.chunks_mut(width).zip(ground.chunks(width)).enumerate() {
            let edge = row == 0 || row + 1 == rows;
            for (column, (level, ground)) in levels.iter_mut().zip(ground).enumerate() {
                if edge || column == 0 || column + 1 == width {
                    *level = *ground;
                }
            }
        }
    }
    for _ in 0..MOST_PASSES {
        let down = sweep(ground, levels, width, true);
        let up = sweep(ground, levels, width, false);
        if !down && !up {
            return;
        }
    }
}

/// One pass, down and to the right or back up: every cell gets as low as its neighbours on the way allow.
fn sweep(ground: &[u8], levels: &mut [u8], width: usize, down: bool) -> bool {
    let rows = ground.len() / width;
    let mut changed = false;
    for step in 0..rows {
        let row = if down { step } else { rows - 1 - step };
        let Some(ground) = ground.get(row * width..(row + 1) * width) else { continue };
        // The row before, in the order of this pass, and this one.
        let (before, own): (&[u8], &mut [u8]) = if down {
            let (above, rest) = levels.split_at_mut_checked(row * width).unwrap_or_default();
            (
                above.get((row.saturating_sub(1)) * width..).unwrap_or_default(),
                rest.get_mut(..width).unwrap_or_default(),
            )
        } else {
            let (rest, below) = levels.split_at_mut_checked((row + 1) * width).unwrap_or_default();
            (below.get(..width).unwrap_or_default(), rest.get_mut(row * width..).unwrap_or_default())
        };
        changed |= if down {
            line(ground.iter(), own.iter_mut(), before.iter())
        } else {
            line(ground.iter().rev(), own.iter_mut().rev(), before.iter().rev())
        };
    }
    changed
}

/// One row of a pass. `before` is the row before, or empty.
fn line<'a>(
    ground: impl Iterator<Item = &'a u8>,
    own: impl Iterator<Item = &'a mut u8>,
    mut before: impl Iterator<Item = &'a u8>,
) -> bool {
    let mut changed = false;
    let mut next = || before.next().copied().unwrap_or(255);
    let (mut left, mut behind, mut beside) = (255, 255, next());
    for (ground, level) in ground.zip(own) {
        let ahead = next();
        let lowest = behind.min(beside).min(ahead).min(left);
        let new = lowest.max(*ground).min(*level);
        changed |= new != *level;
        *level = new;
        (left, behind, beside) = (new, beside, ahead);
    }
    changed
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::super::closing::{Beyond, close};
    use super::*;

    fn drained(rows: &[&str], reach: usize, open: bool) -> Vec<u8> {
        let ground: Vec<u8> = rows.iter().flat_map(|row| row.bytes().map(|digit| digit - b'0')).collect();
        let mut levels = ground.clone();
        close(&mut levels, rows[0].len(), reach, Beyond::Nothing);
        drain(&ground, &mut levels, rows[0].len(), open);
        levels.iter().zip(&ground).map(|(level, ground)| level - ground).collect()
    }

    #[test]
    fn hollows_fill_up_to_the_lowest_way_out_and_valleys_stay_dry() {
        // A ring with light inside; a valley from edge to edge; a hollow that spills into the valley.
        let rows = ["999999999", "911199919", "919199919", "911199319", "999999919"];
        let expected = [
            [0, 0, 0, 0, 0, 0, 0, 0, 0],
            [0, 8, 8, 8, 0, 0, 0, 0, 0],
            [0, 8, 0, 8, 0, 0, 0, 0, 0],
            [0, 8, 8, 8, 0, 0, 0, 0, 0],
            [0; 9],
        ];
        assert_eq!(drained(&rows, 2, true), expected.concat());
        // With a closed border, the valley fills too.
        let closed = drained(&["99999", "91119", "99199", "99199"], 2, false);
        assert_eq!(closed.iter().map(|depth| u32::from(*depth)).sum::<u32>(), 5 * 8);
    }

    #[test]
    fn a_spiral_runs_dry() {
        let rows = ["9999999", "9111119", "9199919", "9193919", "9191119", "9199999", "1111111"];
        assert_eq!(drained(&rows, 3, true), [0; 49]);
    }

    #[test]
    fn a_plain_that_the_square_fits_into_is_no_hollow() {
        let rows = ["9999999", "9111999", "9111999", "9111999", "9999919", "9999999"];
        let depths = drained(&rows, 1, true);
        assert_eq!(depths.iter().filter(|depth| **depth > 0).count(), 1);
        assert_eq!(depths[4 * 7 + 5], 8);
    }
}
