use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime};

use super::archive::Archive;
use super::float_file::{FloatFile, with_facts};
use super::named::{Declared, parameters, short};
use super::npy::{Header, float32_header};
use super::strided::Strided;
use crate::network::{NAMES, Network};

/// The extension of an entry that holds an array.
pub(super) const EXTENSION: &str = ".npy";

/// The bytes of an archive that `numpy.load` opens: ten float32 arrays with the PyTorch model's names. Pool kinds, labels
/// and `metadata` are a JSON object in the zip archive's comment. NumPy does not read the comment, so it sees exactly these
/// ten arrays.
///
/// # Errors
/// When the metadata is too long for a zip comment.
///
/// # Panics
/// Never: it writes to memory only.
pub fn encode_npz(network: &Network, metadata: &[(&str, String)]) -> Result<Vec<u8>, String> {
    // serde_json sorts the keys and the time stamps are fixed, so that the same network always gives the same bytes.
    let comment = serde_json::json!(with_facts(metadata, network)).to_string();
    if comment.len() > usize::from(u16::MAX) {
        return Err(format!("{} bytes of metadata do not fit in a zip comment, which holds 65,535", comment.len()));
    }
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in NAMES.iter().zip(network.parameters.arrays()) {
        zip.start_file(format!("{name}{EXTENSION}"), options).expect("names are unique");
        zip.write_all(&float32_header(array.shape())).expect("writing to memory succeeds");
        let values: Vec<u8> = array.iter().flat_map(|value| value.to_le_bytes()).collect();
        zip.write_all(&values).expect("writing to memory succeeds");
    }
    zip.set_comment(comment);
    Ok(zip.finish().expect("writing to memory succeeds").into_inner())
}

/// Reads a network from an archive that `numpy.savez` or `savez_compressed` wrote.
///
/// # Errors
/// A message that lists the arrays that are missing, unexpected or of the wrong shape or type.
pub(super) fn decode(archive: &mut Archive<'_>) -> Result<FloatFile, String> {
    let mut names: Vec<String> = archive.names().map(str::to_owned).collect();
    names.sort_unstable();
    let mut arrays = Vec::new();
    for entry in &names {
        let start = archive.read_at_most(entry, Header::MAX_BYTES as u64)?;
        let (header, _) = Header::parse(&start).map_err(|problem| format!("entry {} {problem}", short(entry, 60)))?;
        let name = entry.strip_suffix(EXTENSION).unwrap_or(entry);
        let element = header.element.clone().map(|(element, _)| element);
        arrays.push(Declared { name, shape: header.shape.clone(), element, place: entry });
    }
    let (parameters, note) = parameters(&arrays, |entry, element| {
        let bytes = archive.read(entry)?;
        let (header, start) = Header::parse(&bytes)?;
        let (_, order) = header.element?;
        Ok(Strided { bytes: bytes[start..].to_vec().into(), element, order, layout: header.layout })
    })?;
    FloatFile::new(parameters, archive.metadata()?, note)
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
    fn damaged_metadata_is_not_replaced_by_defaults() {
        let mut bytes = encode_npz(&untrained(), &[]).unwrap();
        let length = bytes.len();
        bytes[length - 1] = b' ';
        assert!(decode_float(&bytes).unwrap_err().contains("zip comment is damaged"));
    }
}
