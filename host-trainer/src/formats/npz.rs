use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime};

use super::archive::Archive;
use super::float_file::{FloatFile, with_stated_pools};
use super::named::{Announced, parameters, short};
use super::npy::{Header, float32_header};
use super::strided::Strided;
use crate::network::{NAMES, Network};

/// How the name of an array's entry ends.
pub(super) const EXTENSION: &str = ".npy";

/// The bytes of an archive that `numpy.load` opens: the ten arrays with the PyTorch model's names, in
/// float32. Pool kinds and `metadata` are in the zip archive's comment, as a JSON object, where NumPy
/// does not look, so that the arrays are the ten and no others.
///
/// # Errors
/// When the metadata is too long for a comment.
///
/// # Panics
/// Never: memory is all it writes to.
pub fn encode_npz(network: &Network, metadata: &[(&str, String)]) -> Result<Vec<u8>, String> {
    // serde_json's objects are sorted maps, and a fixed time: the same network gives the same bytes.
    let comment = serde_json::json!(with_stated_pools(metadata, network.pools)).to_string();
    if comment.len() > usize::from(u16::MAX) {
        return Err(format!("{} bytes of metadata do not fit in a zip comment of 65,535", comment.len()));
    }
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in NAMES.iter().zip(network.parameters.arrays()) {
        zip.start_file(format!("{name}{EXTENSION}"), options).expect("the names are different");
        zip.write_all(&float32_header(array.shape())).expect("memory takes it");
        let values: Vec<u8> = array.iter().flat_map(|value| value.to_le_bytes()).collect();
        zip.write_all(&values).expect("memory takes it");
    }
    zip.set_comment(comment);
    Ok(zip.finish().expect("memory takes it").into_inner())
}

/// Reads a network from what `numpy.savez` or `savez_compressed` wrote.
///
/// # Errors
/// A text that lists the arrays that are missing, superfluous, misshapen or of another type.
pub(super) fn decode(archive: &mut Archive<'_>) -> Result<FloatFile, String> {
    let mut names: Vec<String> = archive.names().map(str::to_owned).collect();
    names.sort_unstable();
    let mut arrays = Vec::new();
    for entry in &names {
        let start = archive.read_at_most(entry, Header::MAX_BYTES as u64)?;
        let (header, _) =
            Header::parse(&start).map_err(|problem| format!("its entry {} {problem}", short(entry, 60)))?;
        let name = entry.strip_suffix(EXTENSION).unwrap_or(entry);
        let element = header.element.clone().map(|(element, _)| element);
        arrays.push(Announced { name, shape: header.shape.clone(), element, place: entry });
    }
    let parameters = parameters(&arrays, |entry, element| {
        let bytes = archive.read(entry)?;
        let (header, start) = Header::parse(&bytes)?;
        let (_, order) = header.element?;
        Ok(Strided { bytes: bytes[start..].to_vec().into(), element, order, layout: header.layout })
    })?;
    FloatFile::new(parameters, archive.metadata()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::decode_float;
    use crate::formats::float_file::untrained;

    #[test]
    fn round_trips_with_pools_and_metadata() {
        let bytes = encode_npz(&untrained(), &[("seed", "5".into())]).unwrap();
        let read = decode_float(&bytes).unwrap();
        assert_eq!((read.seed(), read.network), (Some(5), untrained()));
    }

    #[test]
    fn the_same_network_gives_the_same_bytes() {
        let metadata = ["a", "b", "c", "d", "e"].map(|key| (key, key.repeat(3)));
        let first = encode_npz(&untrained(), &metadata).unwrap();
        assert!((0..20).all(|_| encode_npz(&untrained(), &metadata).unwrap() == first));
    }

    #[test]
    fn metadata_beyond_a_comment_is_refused() {
        let message = encode_npz(&untrained(), &[("note", "x".repeat(70_000))]).unwrap_err();
        assert!(message.contains("zip comment"), "{message}");
    }

    #[test]
    fn damaged_metadata_is_no_default() {
        let mut bytes = encode_npz(&untrained(), &[]).unwrap();
        let length = bytes.len();
        bytes[length - 1] = b' ';
        assert!(decode_float(&bytes).unwrap_err().contains("zip comment is damaged"));
    }
}
