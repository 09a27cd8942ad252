//! Bytes at an address of the flash.

use lenet_core::Model;

use crate::formats::ModelFile;

/// Bytes for consecutive addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlashImage {
    /// The address of the first byte.
    pub base: u32,
    /// The bytes; they end at 2^32 or before.
    pub bytes: Vec<u8>,
    /// The family a UF2 file is for.
    pub family: Option<u32>,
}

impl FlashImage {
    /// What the format of the file is called.
    pub fn format(&self) -> &'static str {
        if self.family.is_some() { "UF2" } else { "Intel HEX" }
    }

    /// The model that starts at the base; what a UF2 file is filled up with is left out.
    ///
    /// # Errors
    /// Those of [`Model::from_prefix`].
    pub fn model(&self) -> Result<ModelFile, lenet_core::Error> {
        let padded = ModelFile::new(&self.bytes);
        let (_, length) = Model::from_prefix(padded.bytes())?;
        Ok(ModelFile::new(&self.bytes[..length]))
    }
}

/// Why `length` bytes cannot start at `base`, which must be a multiple of `alignment`.
///
/// # Errors
/// The reason, and what to choose instead.
pub(super) fn check_range(base: u32, length: usize, alignment: u32) -> Result<(), String> {
    if !base.is_multiple_of(alignment) {
        return Err(format!("{base:#010x} is no multiple of {alignment}; choose {:#010x}", base - base % alignment));
    }
    if u64::from(base) + length as u64 > 1 << 32 {
        return Err(format!("{length} bytes from {base:#010x} on go beyond 0xffffffff; choose a lower address"));
    }
    Ok(())
}

/// Pieces of a file put together, which must follow each other without a gap.
#[derive(Default)]
pub(super) struct Assembly(Option<FlashImage>);

impl Assembly {
    pub(super) fn add(&mut self, address: u32, bytes: &[u8]) -> Result<(), String> {
        let image = self.0.get_or_insert(FlashImage { base: address, bytes: Vec::new(), family: None });
        let end = u64::from(image.base) + image.bytes.len() as u64;
        if end != u64::from(address) {
            return Err(format!("its data goes on at {address:#010x} after {end:#010x}; a model lies in one piece"));
        }
        check_range(address, bytes.len(), 1)?;
        image.bytes.extend(bytes);
        Ok(())
    }

    pub(super) fn finish(self) -> Result<FlashImage, String> {
        self.0.ok_or_else(|| "it holds no data".into())
    }
}
