//! Decides which components are drawings, and which of them belong together.

use super::components::{Component, Components, Extent};
use super::grid::Grid;

/// Drawings that one frame can hold, at most; more are ignored.
pub const MOST_DRAWINGS: usize = 16;

/// A drawing that fills the grid meets its border in at most this many places.
const MOST_PLACES: usize = 6;

/// Components that make up one drawing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    /// A bit for the label of each component.
    pub(super) labels: u32,
    pub(super) extent: Extent,
}

impl Group {
    pub(super) fn has(&self, label: u8) -> bool {
        self.labels >> (label & 31) & 1 == 1
    }

    fn add(&mut self, component: &Component) {
        self.extent = if self.labels == 0 { component.extent } else { self.extent.union(component.extent) };
        self.labels |= 1 << (component.label & 31);
    }
}

/// The drawings, from left to right.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Groups {
    list: [Group; MOST_DRAWINGS],
    count: usize,
}

impl Groups {
    pub(super) fn all(&self) -> &[Group] {
        self.list.get(..self.count).unwrap_or_default()
    }

    /// Makes one group of all.
    pub(super) fn join(&mut self) {
        let whole = self.all().iter().copied().reduce(|whole, group| Group {
            labels: whole.labels | group.labels,
            extent: whole.extent.union(group.extent),
        });
        *self = Self::default();
        if let Some(whole) = whole {
            push(self, whole);
        }
    }

    /// The longest side of a drawing, cells.
    pub(super) fn longest(&self) -> usize {
        self.all().iter().map(|group| group.extent.longer()).max().unwrap_or(0)
    }
}

/// The component that surrounds everything else: a frame, a form cell, or a page in the picture. It covers both sides of
/// the grid to at least two fifths and touches nearly all of its own rectangle's outline.
pub(super) fn enclosure(grid: &Grid, labels: &[u8], components: &Components) -> Option<Component> {
    let is_page = |component: &&Component| {
        let Extent { left, top, right, bottom } = component.extent;
        let (width, height) = (component.extent.width(), component.extent.height());
        if width < 8 || height < 8 {
            return false;
        }
        let depth = width.max(height) / 10 + 1;
        let has = |column: usize, row: usize| labels.get(row * grid.width + column) == Some(&component.label);
        let [left, top, right, bottom] = [left, top, right, bottom].map(usize::from);
        let columns = |inside: &dyn Fn(usize) -> usize| {
            (left..=right).filter(|column| (0..depth).any(|d| has(*column, inside(d)))).count()
        };
        let rows = |inside: &dyn Fn(usize) -> usize| {
            (top..=bottom).filter(|row| (0..depth).any(|d| has(inside(d), *row))).count()
        };
        let covered = |length: usize, touched: usize| 8 * touched >= 7 * length;
        covered(width, columns(&|d| top + d))
            && covered(width, columns(&|d| bottom.saturating_sub(d)))
            && covered(height, rows(&|d| left + d))
            && covered(height, rows(&|d| right.saturating_sub(d)))
    };
    components.all().iter().filter(is_page).max_by_key(|component| component.extent.longer()).copied()
}

/// Whether a component is part of the surroundings because of how it meets the border: it runs along most of a side, or
/// from one side to the opposite one.
fn is_cut_off(grid: &Grid, component: &Component) -> bool {
    let [left, top, right, bottom] = component.contact.map(usize::from);
    let (width, height) = (component.extent.width(), component.extent.height());
    let along = |contact: usize, side: usize| 6 * contact >= 5 * side;
    let corner = (left + right > 0 && top + bottom > 0) && 2 * (left + right + top + bottom) >= width + height;
    along(left.max(right), grid.height)
        || along(top.max(bottom), grid.width)
        || (left > 0 && right > 0)
        || (top > 0 && bottom > 0)
        || corner
}

/// The component that fills the grid: it reaches from one side to the opposite one, as a line, a strip of light or a grid
/// does too, but is bent, runs along one side at most, meets the border in few places, and has nearly all ink.
pub(super) fn filling(grid: &Grid, labels: &[u8], components: &Components) -> Option<Component> {
    let all: u32 = components.all().iter().map(|component| component.mass).sum();
    let component = components.all().iter().max_by_key(|component| component.mass)?;
    let [left, top, right, bottom] = component.contact.map(usize::from);
    let spans = (left > 0 && right > 0) || (top > 0 && bottom > 0);
    let sides = [(left, grid.height), (top, grid.width), (right, grid.height), (bottom, grid.width)];
    let along = sides.into_iter().filter(|(contact, side)| 6 * contact >= 5 * side).count();
    let (width, height) = (grid.width, grid.height);
    let row = |row: usize| pieces(labels, component.label, row * width, 1, width);
    let column = |column: usize| pieces(labels, component.label, column, width, height);
    let places = row(0) + row(height.saturating_sub(1)) + column(0) + column(width.saturating_sub(1));
    // Rows and columns that cross it twice or more.
    let bends = (0..height).filter(|y| row(*y) > 1).count() + (0..width).filter(|x| column(*x) > 1).count();
    let bent = 6 * bends >= width + height;
    (spans && bent && along <= 1 && places <= MOST_PLACES && 8 * component.mass >= 7 * all).then_some(*component)
}

/// How many pieces of a component a row or a column of cells has.
#[inline(never)] // It is called from several places.
fn pieces(labels: &[u8], label: u8, start: usize, step: usize, length: usize) -> usize {
    let mut inside = false;
    let starts = (0..length).filter(|place| {
        let before = inside;
        inside = labels.get(start + place * step) == Some(&label);
        inside && !before
    });
    starts.count()
}

/// Whether it is a straight line along an axis that is longer than anything drawn beside it.
fn is_rule(grid: &Grid, component: &Component, components: &Components) -> bool {
    let (width, height) = (component.extent.width(), component.extent.height());
    let thin = |length: usize, thickness: usize, side: usize| thickness <= 2 + length / 12 && 3 * length >= side;
    let others = || components.all().iter().filter(|other| other.label != component.label && !is_cut_off(grid, other));
    if thin(width, height, grid.width) && height < width {
        return others().any(|other| 5 * other.extent.height() >= width && 2 * other.extent.height() > 3 * height);
    }
    // A 1 is such a line too, so it needs to be much taller than its neighbours.
    thin(height, width, grid.height)
        && others().any(|other| {
            let (tall, wide) = (other.extent.height(), other.extent.width());
            4 * tall >= height && 3 * tall <= 2 * height && 2 * wide >= tall
        })
}

/// The drawings that the components form, and whether anything as heavy reaches the border. Without any, there is
/// nothing but clutter. If `apart` says so, what reaches the border is none, unless it is `filling` the grid.
pub(super) fn drawings(
    grid: &Grid,
    components: &Components,
    apart: bool,
    filling: Option<Component>,
) -> (Groups, bool) {
    let reaches = |component: &Component| component.contact.iter().any(|contact| *contact > 0);
    let candidate = |component: &&Component| {
        let fills = filling.is_some_and(|filling| filling.label == component.label);
        fills || !(is_cut_off(grid, component) || is_rule(grid, component, components) || apart && reaches(component))
    };
    let candidates = || components.all().iter().filter(candidate);
    let heaviest = candidates().map(|component| component.mass).max().unwrap_or(0);
    let solid = || candidates().filter(|component| 12 * component.mass >= heaviest);
    let longest = solid().map(|component| component.extent.longer()).max().unwrap_or(0);
    let mut groups = Groups::default();
    if longest < 4.max(grid.width.max(grid.height) / 20) {
        return (groups, false);
    }
    let crowded = components.all().iter().any(|component| reaches(component) && 2 * component.mass >= heaviest);
    let is_major = |component: &&Component| 2 * component.extent.longer() >= longest && 12 * component.mass >= heaviest;
    for major in candidates().filter(is_major) {
        merge(&mut groups, major, longest);
    }
    // Joining can bring others together.
    for _ in 0..2 {
        let before = groups;
        groups = Groups::default();
        for group in before.all() {
            let parts = || components.all().iter().filter(|component| group.has(component.label));
            let whole = groups.all().iter().position(|other| together(other.extent, group.extent, longest));
            match whole.and_then(|place| groups.list.get_mut(place)) {
                Some(other) => parts().for_each(|part| other.add(part)),
                None => push(&mut groups, *group),
            }
        }
    }
    for minor in candidates().filter(|component| !is_major(component)) {
        let near = |group: &&mut Group| {
            let [x, y] = group.extent.gaps(minor.extent);
            let size = group.extent.longer();
            4 * x.max(y) <= size && 8 * minor.extent.longer() >= size && 64 * minor.mass >= heaviest
                || 16 * x.max(y) <= size
        };
        let count = groups.count;
        if let Some(group) = groups.list.iter_mut().take(count).find(near) {
            group.add(minor);
        }
    }
    sort(&mut groups);
    (groups, crowded)
}

fn push(groups: &mut Groups, group: Group) {
    if let Some(entry) = groups.list.get_mut(groups.count) {
        *entry = group;
        groups.count += 1;
    }
}

fn merge(groups: &mut Groups, component: &Component, longest: usize) {
    let count = groups.count;
    let own = groups.list.iter_mut().take(count).find(|group| together(group.extent, component.extent, longest));
    match own {
        Some(group) => group.add(component),
        None => {
            let mut group = Group::default();
            group.add(component);
            push(groups, group);
        }
    }
}

/// Whether two large pieces are parts of the same drawing: one above the other and close, or beside each other, very
/// close, and not both as tall as a digit.
fn together(a: Extent, b: Extent, longest: usize) -> bool {
    let [x, y] = a.gaps(b);
    let narrower = a.width().min(b.width());
    let shared = usize::from(a.right.min(b.right) + 1).saturating_sub(usize::from(a.left.max(b.left)));
    let tall = |extent: Extent| 3 * extent.height() >= 2 * longest;
    let both = tall(a) && tall(b);
    let stacked = 3 * shared >= narrower && (if both { 5 } else { 3 }) * y <= longest;
    let beside = y == 0 && 10 * x <= longest && !both;
    stacked || beside
}

/// Sorts by the left edge. There are few groups, and a library's sort is a lot of code for a board.
fn sort(groups: &mut Groups) {
    let mut rest = groups.list.get_mut(..groups.count).unwrap_or_default();
    while let Some((first, others)) = rest.split_first_mut() {
        for other in others.iter_mut() {
            if (other.extent.left, other.extent.top) < (first.extent.left, first.extent.top) {
                core::mem::swap(first, other);
            }
        }
        rest = others;
    }
}
