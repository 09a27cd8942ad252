//! UF2, the format for bootloaders that appear as a USB drive (<https://github.com/microsoft/uf2>). A file consists of
//! 512-byte blocks, each with its own address, so that they can arrive in any order.

use super::image::{Assembly, FlashImage, check_range};
use crate::formats::ModelFile;

const BLOCK_BYTES: usize = 512;
/// Data bytes per block. The format allows other sizes, but all bootloaders accept this one, at addresses that are a
/// multiple of it.
pub const PAYLOAD_BYTES: usize = 256;
const MAGIC: [u32; 2] = [0x0a32_4655, 0x9e5d_5157];
const END_MAGIC: u32 = 0x0ab1_6f30;
const NOT_MAIN_FLASH: u32 = 0x0000_0001;
const FAMILY_PRESENT: u32 = 0x0000_2000;
/// What erased flash reads as; the last block is padded with it.
const ERASED: u8 = 0xff;

/// Board families by name, from `utils/uf2families.json` in the format's repository, in lower case.
pub const FAMILIES: [(&str, u32); 15] = [
    ("esp32s2", 0xbfdd_4eee),
    ("esp32s3", 0xc47e_5767),
    ("mimxrt10xx", 0x4fb2_d5bd),
    ("nrf52833", 0x621e_937a),
    ("nrf52840", 0xada5_2840),
    ("rp2040", 0xe48b_ff56),
    ("saml21", 0x1851_780a),
    ("samd21", 0x68ed_2b88),
    ("samd51", 0x5511_4460),
    ("stm32f1", 0x5ee2_1072),
    ("stm32f4", 0x5775_5a57),
    ("stm32f7", 0x53b8_0f00),
    ("stm32h7", 0x6db6_6082),
    ("stm32l4", 0x00ff_6919),
    ("stm32wb", 0x70d1_6653),
];

/// A UF2 file for a family of boards that places the model at `base`, which must be a multiple of 256.
///
/// # Errors
/// A message that says why the model cannot be placed there, and what to choose instead.
pub fn encode_uf2(file: &ModelFile, base: u32, family: u32) -> Result<Vec<u8>, String> {
    let blocks = file.bytes().chunks(PAYLOAD_BYTES);
    let count = blocks.len() as u32;
    check_range(base, blocks.len() * PAYLOAD_BYTES, PAYLOAD_BYTES as u32)?;
    let mut output = Vec::with_capacity(blocks.len() * BLOCK_BYTES);
    for (index, payload) in (0..).zip(blocks) {
        let address = base + index * PAYLOAD_BYTES as u32;
        let header = [MAGIC[0], MAGIC[1], FAMILY_PRESENT, address, PAYLOAD_BYTES as u32, index, count, family];
        let end = output.len() + BLOCK_BYTES - size_of_val(&END_MAGIC);
        output.extend(header.iter().flat_map(|word| word.to_le_bytes()));
        output.extend(payload);
        output.extend(std::iter::repeat_n(ERASED, PAYLOAD_BYTES - payload.len()));
        output.resize(end, 0);
        output.extend(END_MAGIC.to_le_bytes());
    }
    Ok(output)
}

pub(super) fn is_uf2(file: &[u8]) -> bool {
    file.starts_with(&MAGIC[0].to_le_bytes())
}

/// Reads a UF2 file for one board family, with contiguous data and its blocks in order.
///
/// # Errors
/// A message that says what is wrong, and in which block.
pub fn decode_uf2(file: &[u8]) -> Result<FlashImage, String> {
    let (blocks, rest) = file.as_chunks::<BLOCK_BYTES>();
    if !rest.is_empty() {
        return Err(format!("cut short: {} bytes is not a whole number of 512-byte blocks; copy it again", file.len()));
    }
    let mut assembly = Assembly::default();
    let mut family = None;
    for (index, block) in blocks.iter().enumerate() {
        let (words, _) = block.as_chunks::<4>();
        let word = |index: usize| u32::from_le_bytes(words[index]);
        if [word(0), word(1)] != MAGIC || word(BLOCK_BYTES / 4 - 1) != END_MAGIC {
            return Err(format!("block {index} is damaged: a magic number is wrong; export the file again"));
        }
        let (flags, address, length) = (word(2), word(3), word(4) as usize);
        if flags & NOT_MAIN_FLASH != 0 {
            continue;
        }
        let payload = block[32..BLOCK_BYTES - 4].get(..length);
        let payload = payload.ok_or_else(|| format!("block {index} claims {length} bytes of data; at most 476 fit"))?;
        if word(5) as usize != index || word(6) as usize != blocks.len() {
            let (number, count) = (word(5), word(6));
            return Err(format!("block {index} of {} is numbered {number} of {count}; copy it again", blocks.len()));
        }
        let of_block = if flags & FAMILY_PRESENT == 0 { 0 } else { word(7) };
        if *family.get_or_insert(of_block) != of_block {
            return Err(format!("block {index} is for a different board family than the block before it"));
        }
        assembly.add(address, payload)?;
    }
    Ok(FlashImage { family, ..assembly.finish()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u32 = 0x1010_0000;

    fn bytes() -> Vec<u8> {
        (0..1000u32).map(|i| (i * 7) as u8).collect()
    }

    #[test]
    fn blocks_match_the_format() {
        let file = encode_uf2(&ModelFile::new(&bytes()), BASE, 0xe48b_ff56).unwrap();
        assert_eq!(file.len(), 4 * 512);
        let last = &file[3 * 512..];
        // As the format's page specifies them.
        assert_eq!(&last[..8], b"UF2\n\x57\x51\x5d\x9e");
        assert_eq!(&last[8..32], b"\0\x20\0\0\0\x03\x10\x10\0\x01\0\0\x03\0\0\0\x04\0\0\0\x56\xff\x8b\xe4");
        assert_eq!(last[32..32 + 232], bytes()[768..]);
        assert!(last[32 + 232..32 + 256].iter().all(|byte| *byte == 0xff));
        assert_eq!(&last[508..], b"\x30\x6f\xb1\x0a");
    }

    #[test]
    fn is_read_back_with_its_padding() {
        let image = decode_uf2(&encode_uf2(&ModelFile::new(&bytes()), BASE, 7).unwrap()).unwrap();
        assert_eq!((image.base, image.family, image.bytes.len()), (BASE, Some(7), 1024));
        assert_eq!(image.bytes[..1000], bytes());
    }

    #[test]
    fn bad_addresses_are_refused() {
        let file = ModelFile::new(&bytes());
        assert!(encode_uf2(&file, BASE + 4, 7).unwrap_err().contains("not a multiple of 256; choose 0x10100000"));
        assert!(encode_uf2(&file, 0xffff_fc00, 7).is_ok());
        assert!(encode_uf2(&file, 0xffff_fd00, 7).unwrap_err().contains("beyond 0xffffffff"));
    }

    #[test]
    fn damage_is_named() {
        let file = encode_uf2(&ModelFile::new(&bytes()), BASE, 7).unwrap();
        let cases: [(usize, u8, &str); 6] = [
            (512 + 4, 0, "block 1 is damaged"),
            (1024 + 508, 0, "block 2 is damaged"),
            (512 + 17, 2, "block 1 claims 512 bytes"),
            (512 + 20, 9, "block 1 of 4 is numbered 9 of 4"),
            (512 + 28, 8, "block 1 is for a different board family"),
            (512 + 13, 9, "continues at 0x10100900 instead of 0x10100100"),
        ];
        for (place, value, expected) in cases {
            let mut damaged = file.clone();
            damaged[place] = value;
            let message = decode_uf2(&damaged).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
        assert!(decode_uf2(&file[..700]).unwrap_err().contains("cut short"));
        assert!(decode_uf2(&file[..512]).unwrap_err().contains("block 0 of 1 is numbered 0 of 4"));
    }
}
