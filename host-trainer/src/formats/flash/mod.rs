//! Files for flashing tools, with the model's bytes and their flash address: Intel HEX and UF2.

mod hex;
mod image;
mod uf2;

pub use hex::{decode_hex, encode_hex};
pub use image::FlashImage;
pub use uf2::{FAMILIES, PAYLOAD_BYTES, decode_uf2, encode_uf2};

impl FlashImage {
    /// Reads an Intel HEX or UF2 file. `None` when the bytes do not start like either.
    ///
    /// # Errors
    /// A message that says what is wrong with the file, and where.
    pub fn decode(file: &[u8]) -> Option<Result<Self, String>> {
        if uf2::is_uf2(file) {
            Some(decode_uf2(file))
        } else if file.starts_with(b":") {
            Some(decode_hex(file))
        } else {
            None
        }
    }
}
