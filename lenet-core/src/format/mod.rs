//! The bytes of a model file. The page `FORMAT.md` in the crate's folder describes the same layout for readers
//! written in other languages.
//!
//! A file is one postcard [`Message`], then the CRC-32 of that message, little-endian. All the numbers that kernels
//! use are in [`Message::parameters`], which starts at a multiple of 4 bytes.

mod block;
mod error;
mod layout;
mod message;
mod words;

pub(crate) use block::BlockReader;
pub use error::Error;
pub use layout::{ALIGNMENT, CHECKSUM_BYTES, MAGIC, PARAMETER_BYTES, VERSION, dense_inputs, has_magic, layer_bytes};
pub use message::{Description, Message, Prefix};
pub use words::{CONV2_GROUP, ConvWords, DenseWords, FIELD_BITS, WEIGHT_SUM_MAX};
pub(crate) use words::{halfwords, low_field, split_halfword};
