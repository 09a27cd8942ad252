use image::{GrayImage, imageops};
use lenet_core::Pixels;
use lenet_core::architecture::{IMAGE_BYTES, IMAGE_SIDE};
use lenet_core::preparation::{Area, Drawings, Frame, Reason, scratch_bytes};
use serde::Serialize;

use super::border::{border, median};
use super::shrink::shrink;

const SIDE: u32 = IMAGE_SIDE as u32;
/// The longest side of a frame.
const FRAME_SIDE: u32 = 255;
/// A drawing with a longer side than this is large enough in its frame.
const LARGE: u32 = 80;

/// A decoded picture: upright, grey, of at least one pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture(GrayImage);

/// A drawing in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// Scaled and centred.
    pub pixels: Pixels,
    /// Where it is.
    pub place: Place,
}

/// A rectangle in a picture, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The leftmost column.
    pub left: u32,
    /// The topmost row.
    pub top: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Picture {
    /// A picture of at least one pixel.
    pub(super) fn new(image: GrayImage) -> Self {
        Self(image)
    }

    /// Its width and height in pixels.
    pub fn dimensions(&self) -> (u32, u32) {
        self.0.dimensions()
    }

    /// A picture of 28 x 28 pixels as it is, or inverted if the median of its border is above 127: MNIST and
    /// Fashion-MNIST are often stored inverted, and the rule is wrong for only 2 of their 140,000 images. `None` for
    /// pictures of any other size.
    pub fn as_it_is(&self) -> Option<Pixels> {
        if self.0.dimensions() != (SIDE, SIDE) {
            return None;
        }
        let mut image = self.0.clone();
        if median(border(SIDE, SIDE).map(|(x, y)| image.get_pixel(x, y).0[0])) > 127 {
            imageops::invert(&mut image);
        }
        image.as_raw().as_slice().try_into().ok()
    }

    /// The only drawing.
    ///
    /// # Errors
    /// The reason why there is none.
    pub fn drawing(&self) -> Result<Drawing, Reason> {
        match self.drawings()?.as_slice() {
            [drawing] => Ok(*drawing),
            drawings => Err(Reason::Several(drawings.len())),
        }
    }

    /// The drawings, from left to right; at least one. A picture larger than a frame is shrunk; if its only drawing is
    /// small then, the part of the picture around it is looked at again.
    ///
    /// # Errors
    /// The reason why there is none.
    pub fn drawings(&self) -> Result<Vec<Drawing>, Reason> {
        let (width, height) = self.0.dimensions();
        let found = self.look([0, 0, width, height], false)?;
        let [(drawing, seen)] = found.as_slice() else {
            return Ok(found.into_iter().map(|(drawing, _)| drawing).collect());
        };
        let longer = u32::from(seen.width.max(seen.height));
        if width.max(height) > FRAME_SIDE && longer < LARGE {
            let near = self.around(drawing.place);
            if let Ok(closer) = self.look(near, false)
                && let [(closer, _)] = closer.as_slice()
                && closer.place.overlaps(drawing.place)
            {
                return Ok(vec![*closer]);
            }
        }
        Ok(vec![*drawing])
    }

    /// Everything that is drawn, as one drawing: for pictures that are known to hold one thing of whatever parts. All 0
    /// if nothing is drawn.
    pub fn whole(&self) -> Pixels {
        let (width, height) = self.0.dimensions();
        match self.look([0, 0, width, height], true).as_deref() {
            Ok([(drawing, _), ..]) => drawing.pixels,
            _ => [0; IMAGE_BYTES],
        }
    }

    /// A rectangle twice as large as a place, as far as the picture goes.
    fn around(&self, place: Place) -> [u32; 4] {
        let (width, height) = self.0.dimensions();
        let margin = place.width.max(place.height) / 2 + 1;
        let (left, top) = (place.left.saturating_sub(margin), place.top.saturating_sub(margin));
        let right = (place.left + place.width + margin).min(width);
        let bottom = (place.top + place.height + margin).min(height);
        [left, top, right - left, bottom - top]
    }

    /// The drawings in a part of the picture, each with its area in the frame.
    fn look(&self, part: [u32; 4], join: bool) -> Result<Vec<(Drawing, Area)>, Reason> {
        let small = shrink(&self.0, part, FRAME_SIDE);
        let sides = [small.width(), small.height()].map(|side| side.min(FRAME_SIDE) as u8);
        let [width, height] = sides;
        let frame = Frame::new(small.as_raw(), width, height, small.width() as usize).ok_or(Reason::Blank)?;
        let mut scratch = vec![0; scratch_bytes(width, height)];
        let mut drawings = Drawings::find(&frame, &mut scratch)?;
        if join {
            drawings.join();
        }
        let each = (0..drawings.len()).filter_map(|index| {
            let area = drawings.area(index)?;
            let pixels = drawings.pixels(index)?;
            Some((Drawing { pixels, place: Place::of(area, part, sides) }, area))
        });
        let found: Vec<_> = each.collect();
        if found.is_empty() { Err(Reason::Blank) } else { Ok(found) }
    }
}

impl Place {
    /// The place of an area of a frame that a part of a picture was shrunk to.
    fn of(area: Area, [left, top, width, height]: [u32; 4], frame: [u8; 2]) -> Self {
        let [across, down] = frame.map(u32::from);
        let edge = |place: u8, length: u32, frame: u32| u32::from(place) * length / frame;
        let end = |place: u8, length: u8, whole: u32, frame: u32| {
            ((u32::from(place) + u32::from(length)) * whole).div_ceil(frame)
        };
        let (x, y) = (edge(area.left, width, across), edge(area.top, height, down));
        Self {
            left: left + x,
            top: top + y,
            width: end(area.left, area.width, width, across) - x,
            height: end(area.top, area.height, height, down) - y,
        }
    }

    fn overlaps(self, other: Self) -> bool {
        let meet = |a: u32, a_length: u32, b: u32, b_length: u32| a < b + b_length && b < a + a_length;
        meet(self.left, self.width, other.left, other.width) && meet(self.top, self.height, other.top, other.height)
    }
}
