//! The drawings that were found in a frame, and the image of each.

use core::ops::Range;

use super::components::Extent;
use super::enlarge::Enlargement;
use super::finished::is_finished;
use super::fit::Fitting;
use super::frame::{Area, Frame};
use super::grid::{split, upper_level};
use super::look::{Sight, View, look};
use super::paper::{self, RING};
use super::reason::Reason;
use super::scratch::scratch_bytes;
use crate::architecture::{IMAGE_BYTES, Pixels};

/// How many pages within pages are opened.
const MOST_PAGES: usize = 3;

/// The drawings in a frame, from left to right.
#[derive(Debug)]
pub struct Drawings<'a> {
    /// The frame, or its enlargement.
    frame: Frame<'a>,
    enlargement: Option<Enlargement>,
    /// `None` for a frame that [is an image already](is_finished).
    found: Option<Found<'a>>,
}

/// What was found in a frame.
#[derive(Debug)]
struct Found<'a> {
    view: View,
    /// The level of the paper in each cell, with dark ink.
    paper: &'a [u8],
    /// Which drawing each cell belongs to: see [`paper::mark_drawings`].
    map: &'a mut [u8],
}

impl<'a> Drawings<'a> {
    /// Looks for drawings. There is at least one, unless the result is an error.
    ///
    /// # Errors
    /// [`Reason::Blank`] and [`Reason::Scratch`].
    pub fn find(frame: &Frame<'a>, scratch: &'a mut [u8]) -> Result<Self, Reason> {
        if scratch.len() < scratch_bytes(frame.width(), frame.height()) {
            return Err(Reason::Scratch);
        }
        if is_finished(frame) {
            return Ok(Self { frame: *frame, enlargement: None, found: None });
        }
        let enlargement = Enlargement::of(frame.width().into(), frame.height().into());
        let Some(enlargement) = enlargement else {
            return Self::search(frame, scratch);
        };
        let (enlarged, scratch) = scratch.split_at_mut_checked(enlargement.bytes()).unwrap_or_default();
        enlargement.draw(frame, enlarged);
        let [width, height] = enlargement.sides();
        let frame = Frame::new(enlarged, width as u8, height as u8, width).ok_or(Reason::Scratch)?;
        let mut drawings = Self::search(&frame, scratch)?;
        drawings.enlargement = Some(enlargement);
        drawings.join();
        Ok(drawings)
    }

    #[inline(never)] // It is called from two places.
    fn search(frame: &Frame<'a>, scratch: &'a mut [u8]) -> Result<Self, Reason> {
        let mut areas = [frame.area(); MOST_PAGES];
        let mut depth = 0;
        loop {
            let area = areas.get(depth).copied().unwrap_or_default();
            match look(frame, area, scratch, depth + 1 < MOST_PAGES) {
                Sight::Page(inside) => {
                    depth += 1;
                    if let Some(area) = areas.get_mut(depth) {
                        *area = inside;
                    }
                }
                Sight::Drawings(view) => return Ok(Self::new(*frame, view, scratch)),
                Sight::Nothing if depth == 0 => return Err(Reason::Blank),
                // The page is empty, so what looks like a page may be the drawing.
                Sight::Nothing => {
                    let area = areas.get(depth - 1).copied().unwrap_or_default();
                    return match look(frame, area, scratch, false) {
                        Sight::Drawings(view) => Ok(Self::new(*frame, view, scratch)),
                        _ => Err(Reason::Blank),
                    };
                }
            }
        }
    }

    #[inline(never)] // Its buffers are on the stack only while it runs.
    fn new(frame: Frame<'a>, view: View, scratch: &'a mut [u8]) -> Self {
        let [cells, paper, map] = split(scratch, view.grid.len());
        paper::mark_drawings(&view.grid, map, &view.groups);
        paper::continue_paper(&view.grid, cells, map, paper);
        Self { frame, enlargement: None, found: Some(Found { view, paper, map }) }
    }

    /// Makes one drawing of all, for pictures that are known to hold one, whatever it consists of. Frames no larger than
    /// the network's images always hold one.
    pub fn join(&mut self) {
        let Some(Found { view, map, .. }) = &mut self.found else { return };
        for number in map.iter_mut().filter(|number| (1..RING).contains(&(**number & !RING))) {
            *number = 1 | (*number & RING);
        }
        view.groups.join();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.found.as_ref().map_or(1, |found| found.view.groups.all().len())
    }

    /// Whether there are none: never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where a drawing is, counted from the left, in pixels of the frame. `None` beyond the last one, and if none of its
    /// pixels differs from the paper.
    pub fn area(&self, index: usize) -> Option<Area> {
        let area = self.strong_area(index, self.peak(index)?)?;
        Some(self.enlargement.map_or(area, |enlargement| enlargement.area(area)))
    }

    /// Where its strong ink is: at least a sixth of the strongest, `peak`.
    fn strong_area(&self, index: usize, peak: u8) -> Option<Area> {
        let mut extent: Option<Extent> = None;
        let threshold = peak.div_ceil(6).max(1);
        self.each_ink(index, |x, y, ink| {
            if ink >= threshold {
                let pixel = Extent::of(x, y);
                extent = Some(extent.map_or(pixel, |extent| extent.union(pixel)));
            }
        })?;
        let extent = extent?;
        let [width, height] = [extent.width() as u8, extent.height() as u8];
        Some(Area { left: extent.left, top: extent.top, width, height })
    }

    /// The image of a drawing, counted from the left. `None` where [`area`](Self::area) is.
    pub fn pixels(&self, index: usize) -> Option<Pixels> {
        let mut pixels = [0; IMAGE_BYTES];
        self.draw(index, &mut pixels).map(|()| pixels)
    }

    #[inline(never)] // Its buffers are on the stack only while it runs.
    fn draw(&self, index: usize, pixels: &mut Pixels) -> Option<()> {
        if self.found.is_none() && index == 0 {
            self.frame.copy_to(pixels);
            return Some(());
        }
        let peak = self.peak(index)?;
        let area = self.strong_area(index, peak)?;
        let mut fitting = Fitting::new([area.left.into(), area.top.into()], area.sides());
        for y in self.rows(index)? {
            if let Some(mut line) = fitting.row(y) {
                self.ink_in(index, y, |x, ink| line.add(x, ink.min(peak)));
            }
        }
        fitting.finish(pixels);
        Some(())
    }

    /// The contrast of the strongest ink, apart from single pixels.
    #[inline(never)] // Its buffers are on the stack only while it runs.
    fn peak(&self, index: usize) -> Option<u8> {
        let mut counts = [0u16; 256];
        let mut all = 0u32;
        self.each_ink(index, |_, _, ink| {
            if ink > 0
                && let Some(count) = counts.get_mut(usize::from(ink))
            {
                *count += 1;
                all += 1;
            }
        })?;
        Some(upper_level(&counts, (all / 50).max(1)))
    }

    fn each_ink(&self, index: usize, mut each: impl FnMut(usize, usize, u8)) -> Option<()> {
        for y in self.rows(index)? {
            self.ink_in(index, y, |x, ink| each(x, y, ink));
        }
        Some(())
    }

    /// The rows of pixels that may hold ink of a drawing.
    fn rows(&self, index: usize) -> Option<Range<usize>> {
        let Some(Found { view: View { grid, groups, .. }, .. }) = &self.found else {
            return (index == 0).then_some(0..self.frame.height().into());
        };
        let extent = groups.all().get(index)?.extent;
        let rows = and_beside(extent.top, extent.bottom, grid.height);
        Some(grid.top + rows.start * grid.cell..grid.top + rows.end * grid.cell)
    }

    /// Calls `add` with the column and the contrast of each pixel in a row that may be ink of a drawing.
    fn ink_in(&self, index: usize, y: usize, mut add: impl FnMut(usize, u8)) {
        let Some(Found { view, paper, map }) = &self.found else {
            let pixels = self.frame.row(y, 0, self.frame.width().into());
            return pixels.iter().enumerate().for_each(|(x, level)| add(x, *level));
        };
        let View { grid, level, .. } = view;
        let Some(group) = view.groups.all().get(index) else { return };
        let cell = grid.cell.max(1);
        let columns = and_beside(group.extent.left, group.extent.right, grid.width);
        let left = grid.left + columns.start * cell;
        let start = y.saturating_sub(grid.top) / cell * grid.width;
        let cells = start + columns.start..start + columns.end;
        let (Some(paper), Some(map)) = (paper.get(cells.clone()), map.get(cells)) else { return };
        let pixels = self.frame.row(y, left, columns.len() * cell).chunks(cell);
        for (column, ((pixels, paper), map)) in pixels.zip(paper).zip(map).enumerate() {
            if usize::from(*map & !RING) != index + 1 {
                continue;
            }
            // Halfway to the level at which the hollow overflows: lines that lead to it stay outside.
            let paper = if paper > level { paper.midpoint(*level) } else { *paper };
            for (within, pixel) in pixels.iter().enumerate() {
                let pixel = if view.light { !*pixel } else { *pixel };
                add(left + column * cell + within, paper.saturating_sub(pixel));
            }
        }
    }
}

/// The cells from the first to the last one of a row or column of `length`, and one more on either side.
fn and_beside(first: u8, last: u8, length: usize) -> Range<usize> {
    usize::from(first).saturating_sub(1)..(usize::from(last) + 2).min(length)
}
