use std::collections::HashMap;
use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::named::short;

/// The first bytes of every zip archive that is not empty.
pub(super) const MAGIC: [u8; 4] = *b"PK\x03\x04";

/// Larger than any entry needs to be: all parameters of a network with 64 classes take 392,128 bytes in double precision.
/// The limit applies to the unpacked bytes, because the size in an entry's header cannot be trusted.
const MAX_ENTRY_BYTES: u64 = 1 << 20;

/// A zip archive in memory.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let damaged = |error| format!("damaged zip archive ({error}); save the file again");
        ZipArchive::new(Cursor::new(bytes)).map(|zip| Self { zip }).map_err(damaged)
    }

    /// The names of the entries.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.zip.file_names()
    }

    /// Whether the archive has an entry with this name.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    /// The metadata that [`encode_npz`](super::encode_npz) stores in the archive's comment; empty if the comment is
    /// something else.
    pub(super) fn metadata(&self) -> Result<HashMap<String, String>, String> {
        let comment = self.zip.comment();
        if !comment.starts_with(b"{") {
            return Ok(HashMap::new());
        }
        let damaged = |error| format!("the metadata in the zip comment is damaged ({error}); save the file again");
        serde_json::from_slice(comment).map_err(damaged)
    }

    /// The content of an entry, checked against its CRC-32.
    pub(super) fn read(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let bytes = self.read_at_most(name, MAX_ENTRY_BYTES + 1)?;
        if bytes.len() as u64 > MAX_ENTRY_BYTES {
            return Err(format!(
                "entry {} is larger than {MAX_ENTRY_BYTES} bytes, more than any tensor of LeNet-5 needs; save only the \
                 weights, each copied into its own array",
                short(name, 60)
            ));
        }
        Ok(bytes)
    }

    /// The first `limit` bytes of an entry, or all of it if it is shorter.
    pub(super) fn read_at_most(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, String> {
        let damaged =
            |problem: String| format!("entry {} is damaged ({problem}); save the file again", short(name, 60));
        let entry = self.zip.by_name(name).map_err(|error| damaged(error.to_string()))?;
        let mut bytes = Vec::new();
        entry.take(limit).read_to_end(&mut bytes).map_err(|error| damaged(error.to_string()))?;
        Ok(bytes)
    }
}
