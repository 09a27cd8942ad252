//! From a picture to the 28 x 28 pixels of the network.
mod closing;
mod components;
mod contrast;
mod drain;
mod drawings;
mod finished;
mod fit;
mod frame;
mod grid;
mod look;
mod paper;
mod polarity;
mod reason;
mod rule;
mod select;
mod strokes;

use self::finished::is_finished;
use crate::architecture::{IMAGE_BYTES, Pixels};

pub use drawings::Drawings;
pub use frame::{Area, Frame};
pub use grid::scratch_bytes;
pub use reason::Reason;
pub use rule::Preparation;
pub use select::MOST_DRAWINGS;
pub use strokes::{Point, from_strokes};

/// The image of the only drawing in a frame.
///
/// # Errors
/// The [`Reason`] why there is none.
pub fn prepare(frame: &Frame<'_>, scratch: &mut [u8]) -> Result<Pixels, Reason> {
    let mut pixels = [0; IMAGE_BYTES];
    if is_finished(frame) {
        frame.copy_to(&mut pixels);
        return Ok(pixels);
    }
    let drawings = Drawings::find(frame, scratch)?;
    match drawings.len() {
        1 => drawings.draw(0, &mut pixels).map(|()| pixels).ok_or(Reason::Blank),
        count => Err(Reason::Several(count)),
    }
}

#[cfg(test)]
mod tests;
