//! The grey frame that a drawing is looked for in, and rectangles of its pixels.

use crate::architecture::{IMAGE_SIDE, Pixels};

/// A grey picture of 1 x 1 to 255 x 255 pixels, row by row from the top; 0 is black.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    pixels: &'a [u8],
    width: u8,
    height: u8,
    stride: usize,
}

impl<'a> Frame<'a> {
    /// A frame in a buffer whose rows start `stride` bytes apart. The bytes between two rows are ignored.
    ///
    /// `None` if a side is 0, if the stride is less than the width, or if the buffer is too short.
    pub fn new(pixels: &'a [u8], width: u8, height: u8, stride: usize) -> Option<Self> {
        let last = stride.checked_mul(usize::from(height.checked_sub(1)?))?;
        let needed = last.checked_add(usize::from(width))?;
        let valid = width > 0 && stride >= usize::from(width) && pixels.len() >= needed;
        valid.then_some(Self { pixels, width, height, stride })
    }

    /// Its width in pixels.
    pub fn width(&self) -> u8 {
        self.width
    }

    /// Its height in pixels.
    pub fn height(&self) -> u8 {
        self.height
    }

    /// The pixels of one row from column `left` on, at most `width` of them.
    pub(super) fn row(&self, y: usize, left: usize, width: usize) -> &'a [u8] {
        let start = (y * self.stride).saturating_add(left);
        let rest = self.pixels.get(start..).unwrap_or_default();
        rest.get(..width).unwrap_or(rest)
    }

    /// The pixels on its border.
    pub(super) fn border(&self) -> impl Iterator<Item = u8> + use<'a> {
        let (frame, width, height) = (*self, usize::from(self.width), usize::from(self.height));
        (0..height).flat_map(move |y| {
            let edge = y == 0 || y + 1 == height;
            let line = frame.row(y, 0, width).iter().enumerate();
            line.filter(move |(x, _)| edge || *x == 0 || *x + 1 == width).map(|(_, level)| *level)
        })
    }

    /// Copies its pixels to an image as large.
    pub(super) fn copy_to(&self, pixels: &mut Pixels) {
        for (y, copy) in pixels.chunks_mut(IMAGE_SIDE).enumerate() {
            for (copy, level) in copy.iter_mut().zip(self.row(y, 0, IMAGE_SIDE)) {
                *copy = *level;
            }
        }
    }

    /// All of it.
    pub(super) fn area(&self) -> Area {
        Area { left: 0, top: 0, width: self.width, height: self.height }
    }
}

/// A rectangle of pixels of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// Its leftmost column.
    pub left: u8,
    /// Its topmost row.
    pub top: u8,
    /// Columns, at least 1.
    pub width: u8,
    /// Rows, at least 1.
    pub height: u8,
}

impl Area {
    /// Its width and height.
    pub(super) fn sides(self) -> [usize; 2] {
        [usize::from(self.width), usize::from(self.height)]
    }
}
