//! The drawings that were found in a frame, and the image of each.

use super::finished::is_finished;
use super::fit::Fitting;
use super::frame::{Area, Frame};
use super::grid::{scratch_bytes, split, upper_level};
use super::look::{Sight, View, look};
use super::paper::{self, RING};
use super::reason::Reason;
use crate::architecture::{IMAGE_BYTES, IMAGE_SIDE, Pixels};

/// How many pages within pages are opened.
const MOST_PAGES: usize = 3;

/// The drawings in a frame, from left to right.
#[derive(Debug)]
pub struct Drawings<'a> {
    frame: Frame<'a>,
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
        let mut drawings = Self { frame, view, paper, map };
        if frame.area().longer() <= IMAGE_SIDE {
            drawings.join();
        }
        drawings
    }

    /// Makes one drawing of all, for pictures that are known to hold one, whatever it consists of. Frames no larger than
    /// the network's images always hold one.
    pub fn join(&mut self) {
        for number in self.map.iter_mut().filter(|number| (1..RING).contains(&(**number & !RING))) {
            *number = 1 | (*number & RING);
        }
        self.view.groups.join();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.view.groups.all().len()
    }

    /// Whether there are none: never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where a drawing is, counted from the left, in pixels of the frame. `None` beyond the last one, and if none of its
    /// pixels differs from the paper.
    pub fn area(&self, index: usize) -> Option<Area> {
        self.strong_area(index, self.peak(index)?)
    }

    /// Where its strong ink is: at least a sixth of the strongest, `peak`.
    fn strong_area(&self, index: usize, peak: u8) -> Option<Area> {
        let mut bounds = Bounds::default();
        let threshold = peak.div_ceil(6).max(1);
        self.each_ink(index, |x, y, ink| {
            if ink >= threshold {
                bounds.add(x, y);
            }
        })?;
        bounds.area()
    }

    /// The image of a drawing, counted from the left. `None` where [`area`](Self::area) is.
    pub fn pixels(&self, index: usize) -> Option<Pixels> {
        let mut pixels = [0; IMAGE_BYTES];
        self.draw(index, &mut pixels).map(|()| pixels)
    }

    #[inline(never)] // Its buffers are on the stack only while it runs.
    pub(super) fn draw(&self, index: usize, pixels: &mut Pixels) -> Option<()> {
        if is_finished(&self.frame) {
            self.frame.copy_to(pixels);
            return Some(());
        }
        let peak = self.peak(index)?;
        let area = self.strong_area(index, peak)?;
        let mut fitting = Fitting::new([area.left.into(), area.top.into()], area.sides());
        self.each_row(index, |y, row| {
            if let Some(mut line) = fitting.row(y) {
                row(&mut |x, ink| line.add(x, ink.min(peak)));
            }
        })?;
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
        self.each_row(index, |y, row| row(&mut |x, ink| each(x, y, ink)))
    }

    /// Calls `each` with every row of pixels that may hold ink of a drawing, and with what calls its argument with each
    /// of these pixels: the column, and the contrast.
    fn each_row(
        &self,
        index: usize,
        mut each: impl FnMut(usize, &mut dyn FnMut(&mut dyn FnMut(usize, u8))),
    ) -> Option<()> {
        let group = self.view.groups.all().get(index)?;
        let level = self.view.level;
        let grid = &self.view.grid;
        let extent = group.extent;
        let number = index as u8 + 1;
        let (first, last) =
            (usize::from(extent.left).saturating_sub(1), (usize::from(extent.right) + 2).min(grid.width));
        for row in usize::from(extent.top).saturating_sub(1)..(usize::from(extent.bottom) + 2).min(grid.height) {
            let cells = row * grid.width + first..row * grid.width + last;
            let (Some(paper), Some(map)) = (self.paper.get(cells.clone()), self.map.get(cells)) else { continue };
            for y in grid.top + row * grid.cell..grid.top + (row + 1) * grid.cell {
                let pixels = self.frame.row(y, grid.left + first * grid.cell, (last - first) * grid.cell);
                each(y, &mut |add| {
                    let cells = pixels.chunks(grid.cell.max(1)).zip(paper).zip(map).enumerate();
                    for (column, ((pixels, paper), map)) in cells {
                        if *map & !RING != number {
                            continue;
                        }
                        // Halfway to the level at which the hollow overflows: lines that lead to it stay outside.
                        let paper = if *paper > level { paper.midpoint(level) } else { *paper };
                        for (within, pixel) in pixels.iter().enumerate() {
                            let pixel = if self.view.light { !*pixel } else { *pixel };
                            let x = grid.left + (first + column) * grid.cell + within;
                            add(x, paper.saturating_sub(pixel));
                        }
                    }
                });
            }
        }
        Some(())
    }
}

/// The smallest rectangle of pixels around some.
#[derive(Default)]
struct Bounds(Option<[usize; 4]>);

impl Bounds {
    fn add(&mut self, x: usize, y: usize) {
        let [left, top, right, bottom] = self.0.unwrap_or([x, y, x, y]);
        self.0 = Some([left.min(x), top.min(y), right.max(x), bottom.max(y)]);
    }

    fn area(&self) -> Option<Area> {
        let [left, top, right, bottom] = self.0?;
        let side = |first: usize, last: usize| (last - first + 1) as u8;
        Some(Area { left: left as u8, top: top as u8, width: side(left, right), height: side(top, bottom) })
    }
}
