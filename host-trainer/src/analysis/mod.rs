//! Why a network said what it said: what an image is to it, which training images it finds alike, what it looked at,
//! and what is unusual about the strokes.
//!
//! Everything here works on a float network and on an int8 one alike ([`Subject`]), through the lanes of
//! [`network::lanes`](crate::network::lanes), which compute both.

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

/// The committed float network.
#[cfg(test)]
fn trained() -> crate::network::Network {
    crate::formats::decode_safetensors(include_bytes!("../../../data/digits-10k/digits-10k.safetensors"))
        .unwrap()
        .network
}
