//! Reads the parameter block.

use super::error::Error;
use super::layout::ALIGNMENT;

/// The part of a parameter block that has not been read yet.
pub(crate) struct BlockReader<'a>(&'a [u8]);

impl<'a> BlockReader<'a> {
    pub(crate) const fn new(block: &'a [u8]) -> Self {
        Self(block)
    }

    /// Borrows the next array and skips its padding, which must be zero.
    pub(crate) fn array<T: bytemuck::Pod, const N: usize>(&mut self) -> Result<&'a [T; N], Error> {
        let (array, rest) = self.0.split_at_checked(size_of::<[T; N]>()).ok_or(Error::Malformed)?;
        let padding = size_of::<[T; N]>().next_multiple_of(ALIGNMENT) - size_of::<[T; N]>();
        let (padding, rest) = rest.split_at_checked(padding).ok_or(Error::Malformed)?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(Error::Padding);
        }
        self.0 = rest;
        bytemuck::try_from_bytes(array).map_err(|_| Error::Misaligned)
    }
}
