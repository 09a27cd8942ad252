//! Figures of the network in a file, for people and scripts.

mod float;
mod histogram;
mod int8;
mod json;
mod span;

pub use float::{ArraySummary, FloatSummary};
pub use histogram::{BINS, Bars, Histogram};
pub use int8::{Description, Int8Summary, LayerSummary, TensorSummary, real_multiplier, weight_shape};
pub use json::encode_json;
pub use span::Span;
