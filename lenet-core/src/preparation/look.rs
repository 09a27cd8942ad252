//! Looks for drawings in an area of a frame.

use super::closing::{self, Beyond};
use super::components::{CLUTTER, Component, Components};
use super::contrast::{depth, median, robust_peak};
use super::frame::{Area, Frame};
use super::grid::{self, Grid, copy, invert, split, subtract};
use super::polarity::is_light;
use super::select::{self, Groups};

/// Contrast that ink needs at least, of 255 levels.
const LEAST_CONTRAST: u8 = 14;
/// Contrast that ink needs at least, in units of the grain.
const NOISE: u8 = 4;
/// Grain from which on the cells are smoothed.
const GRAINY: u8 = 3;

/// What was found in an area of the frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) grid: Grid,
    /// Whether the ink is light.
    pub(super) light: bool,
    pub(super) groups: Groups,
    /// The highest level that hollows fill up to before they run over, with dark ink.
    pub(super) level: u8,
}

/// What an area holds.
pub(super) enum Sight {
    Drawings(View),
    Page(Area),
    Nothing,
}

/// Looks for drawings in an area, and with `enter` also for a page or frame in it to look into. Afterwards the scratch
/// holds the cells with dark ink, the contrast, and the labels.
pub(super) fn look(frame: &Frame<'_>, area: Area, scratch: &mut [u8], enter: bool) -> Sight {
    let [width, height] = frame.area().sides();
    let grid = Grid::over(area, grid::cell_side(width, height));
    let [cells, contrast, labels] = split(scratch, grid.len());
    grid.fill(frame, cells);
    let mut grain = grid.grain(cells);
    if grain >= GRAINY {
        grid.smooth(cells);
        grain = grid.grain(cells);
    }
    let least = LEAST_CONTRAST.max(grain.saturating_mul(NOISE));
    let light = is_light(&grid, cells, contrast, labels, least);
    if light {
        invert(cells);
    }
    let mut look = Look { grid, light, least, grain, cells, contrast, labels };
    let inside = look.view(Ways::Local);
    if enter && let Some(page) = inside.page {
        return Sight::Page(page);
    }
    let is_paper = look.is_paper(&inside);
    if inside.good && !inside.crowded && !is_paper {
        return Sight::Drawings(inside.view);
    }
    if inside.good
        && is_paper
        && let Some(view) = look.filling(inside.peak)
    {
        return Sight::Drawings(view);
    }
    if inside.good && !inside.crowded {
        return Sight::Drawings(look.view(Ways::Local).view);
    }
    let dry = look.view(Ways::Out);
    if dry.good && 9 * dry.longest() >= 10 * inside.longest() {
        return Sight::Drawings(dry.view);
    }
    if !inside.good
        && let Some(view) = look.filling(inside.peak)
    {
        return Sight::Drawings(view);
    }
    if inside.good {
        return Sight::Drawings(look.view(Ways::Local).view);
    }
    let touching = look.view(Ways::None);
    if touching.longest() > 2 * dry.longest().max(inside.longest()) {
        return Sight::Drawings(touching.view);
    }
    // Something small is better than nothing.
    let ways = match (dry.longest(), inside.longest()) {
        (0, 0) => return Sight::Nothing,
        (0, _) => Ways::Local,
        _ => Ways::Out,
    };
    Sight::Drawings(look.view(ways).view)
}

/// Where rain runs off, besides into large dark things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ways {
    /// Over the border, but a cell that lies far below the paper around it counts as ink nevertheless, unless what it
    /// belongs to reaches the border.
    Local,
    /// Over the border.
    Out,
    /// Nowhere: what reaches the border may be ink.
    None,
    /// Nowhere, and a drawing may fill the area.
    Fill,
}

/// An area of the frame as cells, and what is found in it.
struct Look<'a> {
    grid: Grid,
    light: bool,
    /// Contrast that ink needs at least.
    least: u8,
    grain: u8,
    cells: &'a mut [u8],
    contrast: &'a mut [u8],
    labels: &'a mut [u8],
}

/// What one look yields.
struct Seen {
    view: View,
    /// The contrast of the strongest ink.
    peak: u8,
    /// Whether a drawing is large enough not to look further.
    good: bool,
    /// Whether it is one that fills the area.
    fills: bool,
    /// Whether something else reaches the border that is no smaller.
    crowded: bool,
    /// The area of a page or a frame.
    page: Option<Area>,
}

impl Seen {
    fn longest(&self) -> usize {
        self.view.groups.longest()
    }
}

impl Look<'_> {
    /// Whether what was found is as light as most of the border. Then it is paper, such as the inside of a 0 that reaches
    /// the border itself.
    #[inline(never)] // It is called from two places.
    fn is_paper(&self, seen: &Seen) -> bool {
        let groups = seen.view.groups.all();
        let is_ink = |label: u8| groups.iter().any(|group| group.has(label));
        let ink = self.cells.iter().zip(&*self.labels).filter(|(_, label)| **label < CLUTTER && is_ink(**label));
        let (sum, count) = ink.fold((0u32, 0u32), |(sum, count), (cell, _)| (sum + u32::from(*cell), count + 1));
        let Some(mean) = sum.checked_div(count) else { return false };
        let Grid { width, height, .. } = self.grid;
        let Some(cells) = Frame::new(self.cells, width as u8, height as u8, width) else { return false };
        2 * mean.abs_diff(u32::from(median(cells.border()))) < u32::from(seen.peak)
    }

    /// A drawing that fills the area up to its border, as one that was cut out along its edges does. It has nearly the
    /// contrast of `peak`, or more, and may be dark or light.
    #[inline(never)] // It is called from two places.
    fn filling(&mut self, peak: u8) -> Option<View> {
        for _ in 0..2 {
            let seen = self.view(Ways::Fill);
            if seen.fills && 8 * u16::from(seen.peak) >= 7 * u16::from(peak) && !self.is_paper(&seen) {
                return Some(seen.view);
            }
            self.swap();
        }
        None
    }

    /// Swaps dark and light.
    fn swap(&mut self) {
        invert(self.cells);
        self.light = !self.light;
    }

    #[inline(never)] // Its buffers are on the stack only while it runs.
    fn view(&mut self, ways: Ways) -> Seen {
        let Self { grid, light, least, grain, cells, contrast, labels } = self;
        let (grid, light) = (*grid, *light);
        let mut seen = Seen {
            view: View { grid, light, groups: Groups::default(), level: 0 },
            peak: 0,
            good: false,
            fills: false,
            crowded: false,
            page: None,
        };
        copy(contrast, cells);
        let (reach, beyond) = match ways {
            // Its strokes are thin for its size. Those of a patch of light between shadows are not.
            Ways::Fill => (grid.reach() * 3 / 4, Beyond::Paper),
            _ => (grid.reach(), Beyond::Nothing),
        };
        closing::close(contrast, grid.width, reach, beyond);
        copy(labels, contrast);
        let mut peak = depth(cells, contrast, grid.width, matches!(ways, Ways::Local | Ways::Out));
        let mut least_cell = grain.saturating_mul(3).max(LEAST_CONTRAST / 2);
        for (contrast, cell) in
            contrast.iter().zip(cells.iter()).filter(|(contrast, _)| **contrast >= least_cell.max(peak / 4))
        {
            seen.view.level = seen.view.level.max(cell.saturating_add(*contrast));
        }
        if ways == Ways::Local {
            subtract(labels, cells);
            let highest = robust_peak(labels);
            least_cell = least_cell.max(peak / 4);
            let strong = (highest / 2).max(1);
            for (contrast, closed) in contrast.iter_mut().zip(labels.iter()) {
                // A component of such cells alone, such as the dashes of a faint line, is none: see `strong`.
                let hollow = *contrast >= least_cell;
                *contrast = match hollow && 2 * u16::from(*contrast) >= u16::from(*closed) {
                    true => *closed,
                    false if hollow || *closed > strong / 2 => (*closed).min(strong - 1),
                    false => 0,
                };
            }
            peak = highest;
        }
        seen.peak = peak;
        if peak < *least {
            return seen;
        }
        let threshold = if ways == Ways::Local { least_cell } else { least_cell.max(peak / 4) };
        let components = Components::find(&grid, contrast, labels, threshold, (peak / 2).max(1));
        seen.page = select::enclosure(&grid, labels, &components).and_then(|page| inside(&grid, &page));
        let filling = (ways == Ways::Fill).then(|| select::filling(&grid, labels, &components)).flatten();
        seen.fills = filling.is_some();
        let (groups, crowded) = select::drawings(&grid, &components, ways == Ways::Local, filling);
        seen.view.groups = groups;
        seen.crowded = crowded;
        seen.good = 6 * groups.longest() >= grid.width.min(grid.height);
        seen
    }
}

/// The area within a page or frame: its rectangle without the thickness of its edge.
fn inside(grid: &Grid, page: &Component) -> Option<Area> {
    let extent = page.extent;
    let inset = extent.longer() / 16 + 1;
    let left = grid.left + (usize::from(extent.left) + inset) * grid.cell;
    let top = grid.top + (usize::from(extent.top) + inset) * grid.cell;
    let width = extent.width().checked_sub(2 * inset)? * grid.cell;
    let height = extent.height().checked_sub(2 * inset)? * grid.cell;
    if width < 8 || height < 8 {
        return None;
    }
    Some(Area { left: left as u8, top: top as u8, width: width as u8, height: height as u8 })
}
