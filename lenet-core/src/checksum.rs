//! CRC-32/ISO-HDLC, the same as zlib's. Every model file ends with one. A CRC-32 over all logits in order shows whether
//! two machines computed the same bits.

use crc::{CRC_32_ISO_HDLC, Crc, Digest, Table};

use crate::logits::Logits;

// One table of 1 KB. The faster variant with slicing tables would take 16 KB of flash.
static CRC32: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// The CRC-32 of `bytes`.
pub fn crc32(bytes: &[u8]) -> u32 {
    CRC32.checksum(bytes)
}

/// A CRC-32 that is computed piece by piece, for example over the logits of one image after the other.
#[derive(Clone)]
pub struct Crc32(Digest<'static, u32, Table<1>>);

impl Crc32 {
    /// A CRC-32 over no bytes yet.
    pub fn new() -> Self {
        Self(CRC32.digest())
    }

    /// Appends bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Appends the logits of one image, one byte each.
    pub fn update_logits(&mut self, logits: &Logits) {
        self.update(bytemuck::must_cast_slice(logits.values()));
    }

    /// The CRC-32 of everything appended so far.
    pub fn finish(self) -> u32 {
        self.0.finalize()
    }
}

impl Default for Crc32 {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_published_check_value() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn pieces_equal_the_whole() {
        let mut crc = Crc32::new();
        crc.update(b"1234");
        crc.update(b"56789");
        assert_eq!(crc.finish(), 0xCBF4_3926);
    }
}
