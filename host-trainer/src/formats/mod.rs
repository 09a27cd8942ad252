//! Files that networks are kept in.

mod lenet;
mod safetensors;
mod tflite;

use std::path::Path;

use crate::error::{Error, Result};

pub use lenet::ModelFile;
pub use safetensors::{FloatFile, decode_safetensors, encode_safetensors};
pub use tflite::{decode_tflite, encode_tflite};

/// A network of either kind, read from a file.
#[derive(Clone, Debug)]
pub enum NetworkFile {
    /// From a `.safetensors` file.
    Float(Box<FloatFile>),
    /// From a `.lenet` file.
    Int8(ModelFile),
}

impl NetworkFile {
    /// Reads a file and tells its kind from its content.
    ///
    /// # Errors
    /// When it cannot be read, or is no valid network of the kind it seems to be.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::read(path))?;
        if bytes.starts_with(&lenet_core::format::MAGIC) {
            let file = ModelFile::new(&bytes);
            file.model().map_err(|source| Error::Model { path: path.to_owned(), source })?;
            return Ok(Self::Int8(file));
        }
        decode_float(path, &bytes).map(|file| Self::Float(Box::new(file)))
    }
}

/// Reads the float network of a file.
///
/// # Errors
/// When it cannot be read, or a tensor is missing, misshapen or not f32; the text says which.
pub fn read_float(path: &Path) -> Result<FloatFile> {
    let bytes = std::fs::read(path).map_err(Error::read(path))?;
    if bytes.starts_with(&lenet_core::format::MAGIC) {
        let problem = "this is a quantized .lenet model; the float .safetensors it came from is needed".into();
        return Err(Error::Weights { path: path.to_owned(), problem });
    }
    decode_float(path, &bytes)
}

fn decode_float(path: &Path, bytes: &[u8]) -> Result<FloatFile> {
    decode_safetensors(bytes).map_err(|problem| Error::Weights { path: path.to_owned(), problem })
}
