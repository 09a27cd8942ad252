//! The bytes of a model file. The page `FORMAT.md` in the crate's folder describes the same layout for readers
//! written in other languages.
//!
//! A file is two postcard messages, [`Network`] and [`Extras`], then the CRC-32 of both, little-endian. All the numbers
//! that kernels use are in [`Network::parameters`] and [`Extras::sections`], which start at a multiple of 4 bytes.

mod block;
mod error;
mod layout;
mod message;
mod words;

pub(crate) use block::BlockReader;
pub use error::Error;
pub use layout::{
    ALIGNMENT, CHECKSUM_BYTES, MAGIC, SMLAL, SMLAL_BYTES, VERSION, dense_inputs, has_magic, layer_bytes,
    parameter_bytes,
};
pub use message::{Description, Extras, Network, Prefix};
pub use words::{
    CONV2_GROUP, ConvWeights, ConvWords, DenseWord, FIELD_BITS, PACKED_EXPONENT_MAX, Record, WEIGHT_SUM_MAX,
};
pub(crate) use words::{halfwords, split_halfword};
