//! Reads the parameter block and the sections.

use super::error::Error;
use super::layout::ALIGNMENT;

/// The part of a block that has not been read yet.
#[derive(Clone, Copy)]
pub(crate) struct BlockReader<'a>(&'a [u8]);

impl<'a> BlockReader<'a> {
    /// A block after `padding`, which must be what brings it to a multiple of 4.
    pub(crate) fn new(padding: &[u8], block: &'a [u8]) -> Result<Self, Error> {
        if padding.len() >= ALIGNMENT
            || padding.iter().any(|byte| *byte != 0)
            || block.as_ptr().align_offset(ALIGNMENT) != 0
        {
            return Err(Error::Padding);
        }
        Ok(Self(block))
    }

    /// Bytes that have not been read yet.
    pub(crate) fn remaining(&self) -> usize {
        self.0.len()
    }

    /// Reads the tag and the length in bytes of the next section. The length is a multiple of 4.
    pub(crate) fn header(&mut self) -> Result<([u8; 4], usize), Error> {
        let [tag, length] = *self.array::<u32, 2>().map_err(|_| Error::Sections)?;
        let length = usize::try_from(length).map_err(|_| Error::Sections)?;
        if !length.is_multiple_of(ALIGNMENT) {
            return Err(Error::Sections);
        }
        Ok((tag.to_le_bytes(), length))
    }

    /// Takes the next bytes out of this block.
    pub(crate) fn part(&mut self, count: usize) -> Result<Self, Error> {
        self.bytes(count).map(Self).map_err(|_| Error::Sections)
    }

    /// Borrows the next bytes.
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(Error::Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// Borrows the next `count` values.
    pub(crate) fn slice<T: bytemuck::Pod>(&mut self, count: usize) -> Result<&'a [T], Error> {
        // The counts are small constants, or numbers of classes.
        bytemuck::try_cast_slice(self.bytes(count * size_of::<T>())?).map_err(|_| Error::Misaligned)
    }

    /// Borrows the next array and skips its padding, which must be zero.
    pub(crate) fn array<T: bytemuck::Pod, const N: usize>(&mut self) -> Result<&'a [T; N], Error> {
        let bytes = self.bytes(size_of::<[T; N]>())?;
        let padding = size_of::<[T; N]>().next_multiple_of(ALIGNMENT) - size_of::<[T; N]>();
        if self.bytes(padding)?.iter().any(|byte| *byte != 0) {
            return Err(Error::Padding);
        }
        bytemuck::try_from_bytes(bytes).map_err(|_| Error::Misaligned)
    }
}
