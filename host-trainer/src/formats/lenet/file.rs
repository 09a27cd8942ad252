//! A model file in memory.

use lenet_core::{Error, Model};

/// The bytes of a `.lenet` file, aligned as the reader requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// Words instead of bytes, to get their alignment.
    words: Vec<u32>,
    length: usize,
}

impl ModelFile {
    /// Copies the bytes. They do not have to be a valid model.
    pub fn new(bytes: &[u8]) -> Self {
        let mut words = vec![0u32; bytes.len().div_ceil(size_of::<u32>())];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Self { words, length: bytes.len() }
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }

    /// The CRC-32 in the last four bytes of the file; 0 when the file is shorter.
    pub fn crc32(&self) -> u32 {
        self.bytes().last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    /// The model's [identity](Model::identity) as eight hex digits.
    ///
    /// # Errors
    /// Those of [`Model::from_bytes`].
    pub fn identity(&self) -> Result<String, Error> {
        self.model().map(|model| format!("{:08x}", model.identity()))
    }

    /// Checks the bytes and returns the model in them.
    ///
    /// # Errors
    /// Those of [`Model::from_bytes`].
    pub fn model(&self) -> Result<Model<'_>, Error> {
        Model::from_bytes(self.bytes())
    }
}
