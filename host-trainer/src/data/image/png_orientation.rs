//! The orientation of a photo saved as PNG, from its eXIf chunk. The `image` crate reads it only in the versions that
//! have colour management; for JPEG it reads it in all.

use image::metadata::Orientation;

/// What every PNG file starts with.
const SIGNATURE: usize = 8;

/// The Exif tag of the orientation.
const ORIENTATION: u16 = 0x0112;
/// The Exif type of a 16-bit number.
const SHORT: u16 = 3;

/// The orientation that a PNG file says it has. `None` if it says nothing, or nothing that makes sense.
pub(super) fn png_orientation(file: &[u8]) -> Option<Orientation> {
    let mut rest = file.get(SIGNATURE..)?;
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (kind, after) = after.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        match kind {
            b"eXIf" => return exif_orientation(after.get(..length)?),
            b"IEND" => return None,
            // A CRC of 4 bytes follows the content.
            _ => rest = after.get(length.checked_add(4)?..)?,
        }
    }
}

/// Finds the orientation in the first directory of Exif data, which has the form of a TIFF file.
fn exif_orientation(exif: &[u8]) -> Option<Orientation> {
    let big_endian = match exif.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = *exif.get(at..)?.first_chunk()?;
        Some(if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let directory = *exif.get(4..)?.first_chunk()?;
    let directory = if big_endian { u32::from_be_bytes(directory) } else { u32::from_le_bytes(directory) } as usize;
    // Entries of 12 bytes: tag, type, count, and the value itself where it fits into 4 bytes.
    let entry = (0..usize::from(short(directory)?))
        .map(|index| directory + 2 + 12 * index)
        .find(|entry| short(*entry) == Some(ORIENTATION) && short(*entry + 2) == Some(SHORT))?;
    Orientation::from_exif(u8::try_from(short(entry + 8)?).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BIG: &[u8] = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    const LITTLE: &[u8] =
        b"II*\0\x08\0\0\0\x02\0\0\x01\x03\0\x01\0\0\0\x05\0\0\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0\0\0\0\0";

    #[test]
    fn both_byte_orders_are_read() {
        assert_eq!(exif_orientation(BIG), Some(Orientation::Rotate90));
        assert_eq!(exif_orientation(LITTLE), Some(Orientation::Rotate180));
    }

    #[test]
    fn damaged_data_has_no_orientation() {
        for exif in [BIG, LITTLE] {
            for length in 0..exif.len() - 6 {
                assert_eq!(exif_orientation(&exif[..length]), None, "{length} bytes");
            }
        }
        assert_eq!(exif_orientation(b"MM\0*\xff\xff\xff\xff"), None);
        for file in [
            &b""[..],
            b"\x89PNG\r\n\x1a\n",
            b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffeXIfMM",
            b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT",
        ] {
            assert_eq!(png_orientation(file), None);
        }
    }
}
