//! From a picture or from strokes to the 28 x 28 pixels of the network. `PREPARATION.md` explains the method.

mod closing;
mod components;
mod contrast;
mod drain;
mod drawings;
mod enlarge;
mod finished;
mod fit;
mod frame;
mod grid;
mod look;
mod paper;
mod polarity;
mod reason;
mod rule;
mod scratch;
mod select;
mod strokes;

use crate::architecture::Pixels;

pub use drawings::Drawings;
pub use frame::{Area, Frame};
pub use reason::Reason;
pub use rule::Preparation;
pub use scratch::scratch_bytes;
pub use select::MOST_DRAWINGS;
pub use strokes::{Point, from_strokes};

/// The image of the only drawing in a frame.
///
/// # Errors
/// The [`Reason`] why there is none.
pub fn prepare(frame: &Frame<'_>, scratch: &mut [u8]) -> Result<Pixels, Reason> {
    let drawings = Drawings::find(frame, scratch)?;
    match drawings.len() {
        1 => drawings.pixels(0).ok_or(Reason::Blank),
        count => Err(Reason::Several(count)),
    }
}

#[cfg(test)]
mod tests;
