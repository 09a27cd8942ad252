//! The int8 network as a `.tflite` file, and back.
//!
//! The graph is `CONV_2D`, pool, `CONV_2D`, pool, `RESHAPE` and three times `FULLY_CONNECTED`, with fused ReLUs. A pool
//! is `AVERAGE_POOL_2D` or `MAX_POOL_2D`. Activations and weights are int8 with the scales and zero points of the
//! `.lenet` file, weights with one scale per output channel. TFLite stores no multipliers: both sides compute `s_in *
//! s_w[c] / s_out` from the same scales.
//!
//! The bytes are FlatBuffers. `schema.fbs` in this folder is the part of TFLite's schema that is used.

mod chain;
mod graph;
mod read;
mod write;

// flatc generates this file, and its accessors are unsafe code. The exemptions apply to this file only.
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
/// The metadata entry with the description from the `.lenet` file: the fields `data_set` to `tool`, encoded as in
/// `lenet-core/FORMAT.md`.
const DESCRIPTION: &str = "lenet.description";
/// The metadata entry with the labels: UTF-8, one per line.
const LABELS: &str = "lenet.labels";
/// The metadata entry with the class that stands for anything else, one byte.
const NONE_OF_THESE: &str = "lenet.none_of_these";
/// The metadata entry with the preparation of inputs, one byte as in the `.lenet` file. Absent: images are taken as they
/// are.
const PREPARATION: &str = "lenet.preparation";

/// The scale of biases for an input scale and a weight scale, computed as LiteRT does.
fn bias_scale(input: f32, weight: f32) -> f32 {
    input * weight
}

#[cfg(test)]
mod tests;
