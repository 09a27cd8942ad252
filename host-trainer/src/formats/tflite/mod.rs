//! The int8 network as a `.tflite` file, and back.
//!
//! The graph is `CONV_2D`, `AVERAGE_POOL_2D`, `CONV_2D`, `MAX_POOL_2D`, `RESHAPE` and three times `FULLY_CONNECTED`, with the
//! other pool operator where the network has the other kind, and the ReLUs fused. All of its tensors are int8 with the
//! scales and zero points of the `.lenet` file, weights with a scale for each output channel. TFLite stores no multipliers:
//! both sides compute `s_in * s_w[c] / s_out` of the same scales.
//!
//! The bytes are FlatBuffers. `schema.fbs` beside this file is the part of TFLite's schema that is used.

mod graph;
mod read;
mod write;

// Made by flatc, with the unsafe code of its accessors; nothing outside of that file is exempt.
#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    dead_code,
    clippy::all,
    reason = "generated code"
)]
#[rustfmt::skip]
mod schema_generated;

pub use read::decode_tflite;
pub(super) use read::is_tflite;
pub use write::encode_tflite;

/// The version of TFLite's schema.
const SCHEMA_VERSION: u32 = 3;
/// The file's metadata entry with the description of the `.lenet` file: its fields as `lenet-core/FORMAT.md` has them,
/// `data_set` to `tool`.
const DESCRIPTION: &str = "lenet.description";

/// The step of biases at input scale `input` and weight scale `weight`, as LiteRT computes it.
fn bias_scale(input: f32, weight: f32) -> f32 {
    input * weight
}

#[cfg(test)]
mod tests;
