use lenet_core::Pixels;
use lenet_core::architecture::IMAGE_BYTES;
use lenet_core::preparation::{Preparation, Reason};

use crate::data::image::{Drawing, Picture, Place};

/// What a network is to classify: a picture or one of the drawings in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// The network's input. If it is refused: everything in the picture as one drawing, or all 0.
    pub pixels: Pixels,
    /// Why the picture has no class, if preparation says so.
    pub refused: Option<Reason>,
    /// Where the drawing is in the picture, if it was looked for.
    pub place: Option<Place>,
}

/// The inputs that a picture stands for: one, or with `several` one for each drawing, from left to right. Pictures of
/// 28x28 pixels are prepared only if `preparation` says so; the others always.
pub fn inputs(picture: &Picture, preparation: Preparation, several: bool) -> Vec<Input> {
    let of = |drawing: &Drawing| Input { pixels: drawing.pixels, refused: None, place: Some(drawing.place) };
    if preparation == Preparation::AsTheyAre
        && let Some(pixels) = picture.as_it_is()
    {
        return vec![Input { pixels, refused: None, place: None }];
    }
    match picture.drawings() {
        Ok(drawings) if several || drawings.len() == 1 => drawings.iter().map(of).collect(),
        Ok(drawings) => {
            vec![Input { pixels: picture.whole(), refused: Some(Reason::Several(drawings.len())), place: None }]
        }
        Err(reason) => vec![Input { pixels: [0; IMAGE_BYTES], refused: Some(reason), place: None }],
    }
}
