//! Intel HEX with 32-bit addresses: data records at 16-bit offsets, and records that set the upper half of the address.

use ihex::{Reader, Record, create_object_file_representation};

use super::image::{Assembly, FlashImage, check_range};
use crate::formats::ModelFile;

/// Data bytes per record, the number most programs write.
const LINE_BYTES: usize = 16;
/// The model's address must be a multiple of this.
const ALIGNMENT: u32 = lenet_core::format::ALIGNMENT as u32;

/// An Intel HEX file that places the model at `base`, which must be a multiple of 4.
///
/// # Errors
/// A message that says why the model cannot be placed there, and what to choose instead.
pub fn encode_hex(file: &ModelFile, base: u32) -> Result<String, String> {
    let bytes = file.bytes();
    check_range(base, bytes.len(), ALIGNMENT)?;
    let mut records = Vec::new();
    let (mut address, mut rest) = (base, bytes);
    while !rest.is_empty() {
        let offset = address as u16;
        if records.is_empty() || offset == 0 {
            records.push(Record::ExtendedLinearAddress((address >> 16) as u16));
        }
        // A record must not cross a 64 KiB boundary: its offset does not carry into the upper half of the address.
        let (line, after) = rest.split_at(LINE_BYTES.min(rest.len()).min((1 << 16) - usize::from(offset)));
        records.push(Record::Data { offset, value: line.to_vec() });
        // After the last record this may wrap to 0; it is not used any more.
        address = address.wrapping_add(line.len() as u32);
        rest = after;
    }
    records.push(Record::EndOfFile);
    Ok(create_object_file_representation(&records).expect("records are short, and the last one ends the file"))
}

/// Reads an Intel HEX file with contiguous data.
///
/// # Errors
/// A message that says what is wrong, and in which record if it is a damaged one.
pub fn decode_hex(file: &[u8]) -> Result<FlashImage, String> {
    let text = str::from_utf8(file).map_err(|_| "not an Intel HEX file: it is not plain text")?;
    let mut assembly = Assembly::default();
    let (mut upper, mut ended) = (0, false);
    for (index, record) in Reader::new(text).enumerate() {
        match record.map_err(|error| format!("record {} is damaged: {error}; export the file again", index + 1))? {
            Record::Data { offset, value } => assembly.add(upper + u32::from(offset), &value)?,
            Record::ExtendedLinearAddress(address) => upper = u32::from(address) << 16,
            Record::ExtendedSegmentAddress(segment) => upper = u32::from(segment) << 4,
            Record::StartLinearAddress(_) | Record::StartSegmentAddress { .. } => (),
            Record::EndOfFile => ended = true,
        }
    }
    if !ended {
        return Err("cut short: the end-of-file record is missing; export the file again".into());
    }
    assembly.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_match_the_format() {
        let text = encode_hex(&ModelFile::new(b"0123456789abcdefXY"), 0x0801_fff8).unwrap();
        // The checksums were added up by hand: all bytes of a record sum to 0 modulo 256.
        let lines = [
            ":020000040801F1",
            ":08FFF800303132333435363765",
            ":020000040802F0",
            ":0A000000383961626364656658597F",
            ":00000001FF",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), lines);
    }

    #[test]
    fn any_base_is_read_back() {
        let bytes: Vec<u8> = (0..200_000u32).map(|i| (i * 7) as u8).collect();
        for base in [0, 4, 0xfffc, 0x0003_2000, 0x1000_0004, u32::MAX - 200_000 - 3 + 4] {
            let base = base - base % 4;
            let text = encode_hex(&ModelFile::new(&bytes), base).unwrap();
            let image = decode_hex(text.as_bytes()).unwrap();
            assert!(image.base == base && image.bytes == bytes, "{base:#x}");
        }
    }

    #[test]
    fn bad_addresses_are_refused() {
        let file = ModelFile::new(&[0; 100]);
        assert!(encode_hex(&file, 0x1002).unwrap_err().contains("not a multiple of 4; choose 0x00001000"));
        assert!(encode_hex(&file, 0xffff_ff9c).is_ok());
        assert!(encode_hex(&file, 0xffff_ffa0).unwrap_err().contains("beyond 0xffffffff"));
    }

    #[test]
    fn damage_is_named() {
        for (text, expected) in [
            (":020000040801F1\n", "cut short"),
            (":00000001FF\n", "no data"),
            (":0100000001FD\n:00000001FF\n", "record 1 is damaged: invalid checksum"),
            (":0100000001FE\n:0100050001F9\n:00000001FF\n", "continues at 0x00000005 instead of 0x00000001"),
            (":02000004FFFFFC\n:02FFFF000102FD\n:00000001FF\n", "beyond 0xffffffff"),
            (":zz", "damaged"),
        ] {
            assert!(decode_hex(text.as_bytes()).unwrap_err().contains(expected), "{text}");
        }
        assert!(decode_hex(b":\xff").is_err());
    }
}
