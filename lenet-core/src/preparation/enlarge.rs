//! Small frames get a margin of paper, since the drawing often fills them up to the border, and are enlarged if their
//! strokes are hardly wider than a pixel. A frame no larger than the network's images holds one drawing and nothing else.

use super::contrast::median;
use super::frame::{Area, Frame};
use crate::architecture::IMAGE_SIDE;

/// Frames whose longer side is shorter than this are enlarged to four times their size.
const FOUR_TIMES: usize = 10;
/// Longer ones that are shorter than this are enlarged to twice their size.
const TWICE: usize = 24;
/// The paper that is added on each side, pixels of the frame.
const MARGIN: usize = 2;

/// How a small frame is enlarged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Enlargement {
    width: usize,
    height: usize,
    /// The factor is 1 << `shift`.
    shift: usize,
}

impl Enlargement {
    /// The enlargement of a frame with these sides, if it is small.
    pub(super) const fn of(width: usize, height: usize) -> Option<Self> {
        let longer = if width > height { width } else { height };
        let shift = match longer {
            0..FOUR_TIMES => 2,
            FOUR_TIMES..TWICE => 1,
            TWICE..=IMAGE_SIDE => 0,
            _ => return None,
        };
        Some(Self { width, height, shift })
    }

    /// Columns and rows of the enlarged frame.
    pub(super) const fn sides(self) -> [usize; 2] {
        [(self.width + 2 * MARGIN) << self.shift, (self.height + 2 * MARGIN) << self.shift]
    }

    /// Bytes of the enlarged frame.
    pub(super) const fn bytes(self) -> usize {
        let [width, height] = self.sides();
        width * height
    }

    /// Draws the enlarged frame. Between the pixels it is interpolated by Catmull and Rom's cubic (Keys, 1981), and the
    /// margin has the median level of the border.
    #[inline(never)] // Its buffers are on the stack only while it runs.
    pub(super) fn draw(self, frame: &Frame<'_>, enlarged: &mut [u8]) {
        let paper = i32::from(median(frame.border()));
        let level = |column: Option<usize>, row: Option<usize>| {
            let inside = |place: Option<usize>| place.and_then(|place| place.checked_sub(MARGIN));
            let (Some(column), Some(row)) = (inside(column), inside(row)) else { return paper };
            if column >= self.width || row >= self.height {
                return paper;
            }
            frame.row(row, column, 1).first().map_or(paper, |level| i32::from(*level))
        };
        let [width, _] = self.sides();
        let bits = 2 * self.weight_bits();
        for (y, line) in enlarged.chunks_mut(width.max(1)).enumerate() {
            let (top, down) = self.place(y);
            for (x, pixel) in line.iter_mut().enumerate() {
                let (left, across) = self.place(x);
                let mut sum = 1 << (bits - 1);
                // Where only a margin is added, the three others are 0.
                for (row, down) in down.into_iter().enumerate().filter(|(_, weight)| *weight != 0) {
                    let row = (top + row).checked_sub(2);
                    let line = across.into_iter().enumerate().filter(|(_, weight)| *weight != 0);
                    sum += down * line.map(|(column, by)| by * level((left + column).checked_sub(2), row)).sum::<i32>();
                }
                *pixel = (sum >> bits).clamp(0, 255) as u8;
            }
        }
    }

    /// The four columns or rows of the frame around the middle of an enlarged pixel: the first one plus 2, and their
    /// weights, which add up to 1 << [`weight_bits`](Self::weight_bits).
    fn place(self, pixel: usize) -> (usize, [i32; 4]) {
        // Twice the factor, so that middles are whole numbers. It is a power of two.
        let n = 2 << self.shift;
        let middle = 2 * pixel + 1 + n / 2;
        let (p, n) = ((middle & (n - 1)) as i32, n as i32);
        let weights = [
            -p * (n - p) * (n - p),
            2 * n * n * n - 5 * n * p * p + 3 * p * p * p,
            n * n * p + 4 * n * p * p - 3 * p * p * p,
            -p * p * (n - p),
        ];
        (middle >> (self.shift + 1), weights)
    }

    fn weight_bits(self) -> usize {
        3 * (self.shift + 1) + 1
    }

    /// An area of the enlarged frame in pixels of the frame.
    pub(super) fn area(self, area: Area) -> Area {
        let axis = |start: u8, length: u8, side: usize| {
            let (start, end) = (usize::from(start), usize::from(start) + usize::from(length));
            let first = (start >> self.shift).saturating_sub(MARGIN).min(side.saturating_sub(1));
            let last = (end.saturating_sub(1) >> self.shift).saturating_sub(MARGIN).min(side.saturating_sub(1));
            (first as u8, (last + 1).saturating_sub(first) as u8)
        };
        let (left, width) = axis(area.left, area.width, self.width);
        let (top, height) = axis(area.top, area.height, self.height);
        Area { left, top, width, height }
    }
}
