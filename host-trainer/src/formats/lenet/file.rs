//! A model file in memory.

use lenet_core::{Error, Model};

/// The bytes of a `.lenet` file, at an address the reader accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// Words rather than bytes, for their alignment.
    words: Vec<u32>,
    length: usize,
}

impl ModelFile {
    /// Copies bytes, which need not be a valid model.
    pub fn new(bytes: &[u8]) -> Self {
        let mut words = vec![0u32; bytes.len().div_ceil(size_of::<u32>())];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Self { words, length: bytes.len() }
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }

    /// The CRC-32 that ends the file; 0 when there is none.
    pub fn crc32(&self) -> u32 {
        self.bytes().last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    /// The model, checked.
    ///
    /// # Errors
    /// Those of [`Model::from_bytes`].
    pub fn model(&self) -> Result<Model<'_>, Error> {
        Model::from_bytes(self.bytes())
    }
}
