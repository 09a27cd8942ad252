//! Explains a network's predictions: its outputs for an image, the training images most similar to it, the pixels that
//! mattered, and what is unusual about the strokes.
//!
//! Everything here works for float and int8 networks ([`Subject`]), as [`network::lanes`](crate::network::lanes)
//! computes both.

mod misread;
mod neighbours;
mod occlusion;
mod outputs;
mod strokes;
mod verdict;

pub use misread::{Analyst, Confusion, Misread, Misreads};
pub use neighbours::Neighbour;
pub use occlusion::{Occlusion, PATCH};
pub use outputs::{FEATURES, Outputs, Subject};
pub use strokes::{OUTLYING_MAX, Standing, Statistic, Strokes};
pub use verdict::{BOTH_MIN, NEIGHBOURS, Verdict};

/// The float network in the repository.
#[cfg(test)]
fn trained() -> crate::network::Network {
    crate::formats::decode_safetensors(include_bytes!("../../../data/digits-10k/digits-10k.safetensors"))
        .unwrap()
        .network
}
