//! MNIST's box: a drawing is scaled to 20 x 20 pixels with its proportions kept, and its centre of mass is moved to the
//! centre of the image.

use crate::architecture::{IMAGE_SIDE, Pixels};

/// The longer side of a drawing in the image, pixels.
pub(super) const BOX_SIDE: usize = 20;
/// From this longer side on, a drawing counts as filling the box and is not enlarged. MNIST's digits lost some faint ink
/// when they were made.
pub(super) const NEARLY: usize = 18;
/// MNIST's digits have their centre of mass in this row and column.
pub(super) const CENTRE: usize = 14;
/// Rows and columns around the box that faint ink may reach into.
pub(super) const MARGIN: usize = 1;
const SIDE: usize = BOX_SIDE + 2 * MARGIN;
const RECIPROCAL_BITS: usize = 20;

/// A drawing on its way into the box. Ink is added pixel by pixel, in any order.
pub(super) struct Fitting {
    /// Ink times area, for each pixel of the box and its margin.
    sums: [u32; SIDE * SIDE],
    columns: Scale,
    rows: Scale,
}

/// How one axis is scaled: `length` pixels of the drawing become `scaled` pixels.
#[derive(Clone, Copy, Debug)]
struct Scale {
    start: usize,
    length: usize,
    scaled: usize,
    reciprocal: usize,
}

impl Scale {
    fn new(start: usize, length: usize, longer: usize) -> Self {
        let (longer, length) = (longer.max(1), length.max(1));
        let scaled = ((length * BOX_SIDE + longer / 2) / longer).clamp(1, BOX_SIDE);
        Self { start, length, scaled, reciprocal: (1 << RECIPROCAL_BITS) / length + 1 }
    }

    /// The first pixel of the box that a pixel of the drawing overlaps, and where in units of `1 / length` of it. `None`
    /// beyond the margin.
    fn place(&self, pixel: usize) -> Option<(usize, usize)> {
        let units = (pixel * self.scaled + MARGIN * self.length).checked_sub(self.start * self.scaled)?;
        if units >= SIDE * self.length {
            return None;
        }
        // The quotient, or one more: a division takes long on a small core.
        let estimate = (units * self.reciprocal) >> RECIPROCAL_BITS;
        let quotient = if estimate * self.length > units { estimate - 1 } else { estimate };
        Some((quotient, units - quotient * self.length))
    }
}

impl Fitting {
    /// For a drawing whose strong ink starts in these columns and rows of the frame and is so wide and high.
    pub(super) fn new([left, top]: [usize; 2], [width, height]: [usize; 2]) -> Self {
        // A drawing that nearly fills the box already is better left sharp.
        let longer = match width.max(height) {
            NEARLY..BOX_SIDE => BOX_SIDE,
            longer => longer,
        };
        Self { sums: [0; SIDE * SIDE], columns: Scale::new(left, width, longer), rows: Scale::new(top, height, longer) }
    }

    /// Starts a row of the frame, or `None` if it lies outside.
    pub(super) fn row(&mut self, y: usize) -> Option<Row<'_>> {
        let (row, within) = self.rows.place(y)?;
        (row < SIDE).then_some(Row { fitting: self, row, within })
    }

    /// Draws the image. The strongest ink becomes 255.
    pub(super) fn finish(&mut self, pixels: &mut Pixels) {
        let strongest = self.sums.iter().copied().max().unwrap_or(0).max(1);
        let levels = &mut self.sums;
        for level in levels.iter_mut() {
            // A sum is at most 255 * 255 * 255, so this is below 2^32.
            *level = (*level * 255 + strongest / 2) / strongest;
        }
        let [mut mass, mut across, mut down] = [0u32; 3];
        for (place, level) in levels.iter().enumerate() {
            mass += level;
            across += level * (place % SIDE) as u32;
            down += level * (place / SIDE) as u32;
        }
        let start = |moment: u32, scale: &Scale| {
            let centre = ((moment + mass / 2) / mass.max(1)) as usize;
            (CENTRE + MARGIN).saturating_sub(centre).min(IMAGE_SIDE - scale.scaled)
        };
        let (left, top) = (start(across, &self.columns), start(down, &self.rows));
        pixels.fill(0);
        for (row, line) in levels.chunks(SIDE).enumerate() {
            let Some(row) = (top + row).checked_sub(MARGIN).filter(|row| *row < IMAGE_SIDE) else { continue };
            for (column, level) in line.iter().enumerate() {
                let Some(column) = (left + column).checked_sub(MARGIN).filter(|column| *column < IMAGE_SIDE) else {
                    continue;
                };
                if let Some(pixel) = pixels.get_mut(row * IMAGE_SIDE + column) {
                    *pixel = *level as u8;
                }
            }
        }
    }
}

/// A row of the frame on its way into the box.
pub(super) struct Row<'a> {
    fitting: &'a mut Fitting,
    row: usize,
    within: usize,
}

impl Row<'_> {
    /// Adds the ink of the pixel in one column.
    pub(super) fn add(&mut self, x: usize, ink: u8) {
        let Some((first, within)) = self.fitting.columns.place(x).filter(|_| ink > 0) else { return };
        let (columns, rows) = (self.fitting.columns, self.fitting.rows);
        let (mut row, mut from, mut tall) = (self.row, self.within, rows.scaled);
        while tall > 0 && row < SIDE {
            let high = tall.min(rows.length - from);
            let (mut column, mut start, mut wide) = (first, within, columns.scaled);
            while wide > 0 && column < SIDE {
                let broad = wide.min(columns.length - start);
                if let Some(sum) = self.fitting.sums.get_mut(row * SIDE + column) {
                    *sum += (high * broad) as u32 * u32::from(ink);
                }
                (column, start, wide) = (column + 1, 0, wide - broad);
            }
            (row, from, tall) = (row + 1, 0, tall - high);
        }
    }
}
