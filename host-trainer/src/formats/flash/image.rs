//! A range of flash and the bytes in it.

use lenet_core::Model;

use crate::formats::ModelFile;

/// Bytes at consecutive flash addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlashImage {
    /// The address of the first byte.
    pub base: u32,
    /// The bytes. The last one is at 2^32 - 1 or below.
    pub bytes: Vec<u8>,
    /// The board family of a UF2 file, 0 if the file does not name one. `None` for Intel HEX.
    pub family: Option<u32>,
}

impl FlashImage {
    /// The name of the file's format.
    pub fn format(&self) -> &'static str {
        if self.family.is_some() { "UF2" } else { "Intel HEX" }
    }

    /// The model that starts at the base, without the padding in the last block of a UF2 file.
    ///
    /// # Errors
    /// Those of [`Model::from_prefix`].
    pub fn model(&self) -> Result<ModelFile, lenet_core::Error> {
        let padded = ModelFile::new(&self.bytes);
        let (_, length) = Model::from_prefix(padded.bytes())?;
        Ok(ModelFile::new(&self.bytes[..length]))
    }
}

/// Checks that `length` bytes fit at `base`, and that `base` is a multiple of `alignment`.
///
/// # Errors
/// What is wrong with the address, and what to choose instead.
pub(super) fn check_range(base: u32, length: usize, alignment: u32) -> Result<(), String> {
    if !base.is_multiple_of(alignment) {
        return Err(format!("{base:#010x} is not a multiple of {alignment}; choose {:#010x}", base - base % alignment));
    }
    if u64::from(base) + length as u64 > 1 << 32 {
        return Err(format!("{length} bytes at {base:#010x} go beyond 0xffffffff; choose a lower address"));
    }
    Ok(())
}

/// Joins the pieces of a file. Each must start where the one before it ended.
#[derive(Default)]
pub(super) struct Assembly(Option<FlashImage>);

impl Assembly {
    pub(super) fn add(&mut self, address: u32, bytes: &[u8]) -> Result<(), String> {
        let image = self.0.get_or_insert(FlashImage { base: address, bytes: Vec::new(), family: None });
        let end = u64::from(image.base) + image.bytes.len() as u64;
        if end != u64::from(address) {
            return Err(format!("the data continues at {address:#010x} instead of {end:#010x}; a model has no gaps"));
        }
        check_range(address, bytes.len(), 1)?;
        image.bytes.extend(bytes);
        Ok(())
    }

    pub(super) fn finish(self) -> Result<FlashImage, String> {
        self.0.ok_or_else(|| "it contains no data".into())
    }
}
