//! Connected components of ink: the pieces that a drawing may consist of.

use super::grid::Grid;

/// Components that are looked at, at most. With more, the faintest ones give way.
const MOST_COMPONENTS: usize = 24;

/// The label of cells whose component was too faint or too small to be looked at.
pub(super) const CLUTTER: u8 = 0x80;

/// Cells that touch each other, also at a corner.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Component {
    /// Its label in the map, at least 1.
    pub(super) label: u8,
    /// The leftmost, topmost, rightmost and bottommost cell.
    pub(super) extent: Extent,
    /// The number of its cells.
    pub(super) cells: u16,
    /// The sum of its contrast.
    pub(super) mass: u32,
    /// The largest contrast.
    pub(super) peak: u8,
    /// How many of its cells lie on the left, top, right and bottom border.
    pub(super) contact: [u8; 4],
}

/// A rectangle of cells or pixels, its last column and row included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) left: u8,
    pub(super) top: u8,
    pub(super) right: u8,
    pub(super) bottom: u8,
}

impl Extent {
    /// A single place.
    pub(super) fn of(column: usize, row: usize) -> Self {
        let (column, row) = (column as u8, row as u8);
        Self { left: column, top: row, right: column, bottom: row }
    }

    /// Its columns.
    pub(super) fn width(self) -> usize {
        usize::from(self.right - self.left.min(self.right)) + 1
    }

    /// Its rows.
    pub(super) fn height(self) -> usize {
        usize::from(self.bottom - self.top.min(self.bottom)) + 1
    }

    /// The longer of its sides.
    pub(super) fn longer(self) -> usize {
        self.width().max(self.height())
    }

    /// The smallest extent that covers both.
    pub(super) fn union(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// Empty columns and empty rows between both; 0 where they overlap.
    pub(super) fn gaps(self, other: Self) -> [usize; 2] {
        let gap = |a: (u8, u8), b: (u8, u8)| usize::from(a.0.max(b.0).saturating_sub(a.1.min(b.1)).saturating_sub(1));
        [
            gap((self.left, self.right), (other.left, other.right)),
            gap((self.top, self.bottom), (other.top, other.bottom)),
        ]
    }
}

/// The components found, at most [`MOST_COMPONENTS`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Components {
    list: [Component; MOST_COMPONENTS],
    count: usize,
}

impl Components {
    /// The components.
    pub(super) fn all(&self) -> &[Component] {
        self.list.get(..self.count).unwrap_or_default()
    }

    /// Labels the components of the cells whose contrast is at least `threshold`, if one of their cells reaches
    /// `strong`. `labels` gets the label of each cell, 0 for paper.
    #[inline(never)] // Its buffers are on the stack only while it runs.
    pub(super) fn find(grid: &Grid, contrast: &[u8], labels: &mut [u8], threshold: u8, strong: u8) -> Self {
        let mut found = Self { list: Default::default(), count: 0 };
        labels.fill(0);
        for seed in 0..contrast.len().min(labels.len()) {
            let is_ink = |place: usize| contrast.get(place).is_some_and(|contrast| *contrast >= threshold);
            if !is_ink(seed) || labels.get(seed) != Some(&0) {
                continue;
            }
            let (label, replaced) = found.free_label();
            let component = grow(grid, contrast, labels, seed, label, threshold);
            let faintest = replaced.map_or(0, |place| found.list.get(place).map_or(0, |old| old.mass));
            if component.peak < strong || component.cells < 2 || component.mass <= faintest {
                relabel(grid, labels, component.extent, label, CLUTTER);
                continue;
            }
            let place = replaced.unwrap_or(found.count);
            if let Some(entry) = found.list.get_mut(place) {
                if replaced.is_some() {
                    let old = *entry;
                    relabel(grid, labels, old.extent, old.label, CLUTTER);
                } else {
                    found.count += 1;
                }
                *entry = component;
            }
        }
        found
    }

    /// A label that is not in use, and the place of the component that has to give way for the next one, if any.
    fn free_label(&self) -> (u8, Option<usize>) {
        let label = (1..=MOST_COMPONENTS as u8 + 1).find(|label| self.all().iter().all(|other| other.label != *label));
        let faintest = self.all().iter().enumerate().min_by_key(|(_, component)| component.mass);
        let full = self.count == MOST_COMPONENTS;
        (label.unwrap_or(MOST_COMPONENTS as u8 + 1), faintest.filter(|_| full).map(|(place, _)| place))
    }
}

/// Replaces a label within an extent.
fn relabel(grid: &Grid, labels: &mut [u8], extent: Extent, from: u8, to: u8) {
    for row in labels.chunks_mut(grid.width.max(1)).take(usize::from(extent.bottom) + 1).skip(extent.top.into()) {
        for label in row.iter_mut().take(usize::from(extent.right) + 1).skip(extent.left.into()) {
            if *label == from {
                *label = to;
            }
        }
    }
}

/// Labels the component that a cell belongs to: sweeps down and up over its extent until nothing is added.
fn grow(grid: &Grid, contrast: &[u8], labels: &mut [u8], seed: usize, label: u8, threshold: u8) -> Component {
    let width = grid.width.max(1);
    let rows = contrast.len() / width;
    let extent = Extent::of(seed % width, seed / width);
    let mut component = Component { label, extent, ..Component::default() };
    if let Some(seed) = labels.get_mut(seed) {
        *seed = label;
    }
    let mut down = true;
    // Sweeps in a row that added nothing: the last one of either direction has to be among them.
    let mut idle = 0;
    while idle < 2 {
        let extent = component.extent;
        let (left, right) = (usize::from(extent.left).saturating_sub(1), (usize::from(extent.right) + 2).min(width));
        let (top, bottom) = (usize::from(extent.top).saturating_sub(1), (usize::from(extent.bottom) + 2).min(rows));
        idle += 1;
        for step in 0..bottom - top {
            let row = if down { top + step } else { bottom - 1 - step };
            for step in 0..right.saturating_sub(left) {
                let column = if down { left + step } else { right - 1 - step };
                let here = row * width + column;
                let is_new = labels.get(here) == Some(&0)
                    && contrast.get(here).is_some_and(|contrast| *contrast >= threshold)
                    && touches(labels, width, column, here, label);
                if is_new && let Some(cell) = labels.get_mut(here) {
                    *cell = label;
                    component.extent = component.extent.union(Extent::of(column, row));
                    idle = 0;
                }
            }
        }
        down = !down;
    }
    measure(&mut component, contrast, labels, width, rows);
    component
}

/// Whether one of the eight neighbours has the label.
fn touches(labels: &[u8], width: usize, column: usize, here: usize, label: u8) -> bool {
    let row = |middle: Option<usize>| {
        let Some(middle) = middle else { return false };
        let is = |place: Option<usize>| place.is_some_and(|place| labels.get(place) == Some(&label));
        is(Some(middle)) || (column > 0 && is(middle.checked_sub(1))) || (column + 1 < width && is(Some(middle + 1)))
    };
    row(here.checked_sub(width)) || row(Some(here)) || row(Some(here + width))
}

/// Adds up what is known about a labelled component.
fn measure(component: &mut Component, contrast: &[u8], labels: &[u8], width: usize, rows: usize) {
    let Extent { left, top, right, bottom } = component.extent;
    for row in usize::from(top)..=usize::from(bottom) {
        for column in usize::from(left)..=usize::from(right) {
            let here = row * width + column;
            if labels.get(here) != Some(&component.label) {
                continue;
            }
            let contrast = contrast.get(here).copied().unwrap_or(0);
            component.cells += 1;
            component.mass += u32::from(contrast);
            component.peak = component.peak.max(contrast);
            let borders = [column == 0, row == 0, column + 1 == width, row + 1 == rows];
            for (contact, border) in component.contact.iter_mut().zip(borders) {
                *contact += u8::from(border);
            }
        }
    }
}
