//! Why a network said what it said: what an image is to it, which training images it finds alike, what it looked at,
//! and what is unusual about the strokes.
//!
//! Everything here works on a float network and on an int8 one alike ([`Subject`]), through the lanes of
//! [`network::lanes`](crate::network::lanes), which compute both.

mod outputs;

pub use outputs::{FEATURES, Outputs, Subject};
