use std::collections::HashMap;
use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::named::short;

/// What a zip archive that holds something begins with.
pub(super) const MAGIC: [u8; 4] = *b"PK\x03\x04";

/// More than any entry needs: all parameters in double precision are 355,408 bytes. What an entry's
/// header announces says nothing about what it unpacks to.
const MAX_ENTRY_BYTES: u64 = 1 << 20;

/// A zip archive in memory.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let damaged = |error| format!("it is a damaged zip archive ({error}); save it again");
        ZipArchive::new(Cursor::new(bytes)).map(|zip| Self { zip }).map_err(damaged)
    }

    /// The names of the entries.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.zip.file_names()
    }

    /// Whether there is an entry of that name.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    /// The metadata that [`encode_npz`](super::encode_npz) leaves in the archive's comment; none if the
    /// comment is something else.
    pub(super) fn metadata(&self) -> Result<HashMap<String, String>, String> {
        let comment = self.zip.comment();
        if !comment.starts_with(b"{") {
            return Ok(HashMap::new());
        }
        let damaged = |error| format!("the metadata in its zip comment is damaged ({error}); save it again");
        serde_json::from_slice(comment).map_err(damaged)
    }

    /// The content of an entry, checked against its CRC-32.
    pub(super) fn read(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let bytes = self.read_at_most(name, MAX_ENTRY_BYTES + 1)?;
        if bytes.len() as u64 > MAX_ENTRY_BYTES {
            return Err(format!(
                "its entry {} is larger than {MAX_ENTRY_BYTES} bytes, which no tensor of LeNet-5 needs; save the \
                 weights alone, each by itself",
                short(name, 60)
            ));
        }
        Ok(bytes)
    }

    /// The first `limit` bytes of an entry, all if it is shorter.
    pub(super) fn read_at_most(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, String> {
        let damaged = |problem: String| format!("its entry {} is damaged ({problem}); save it again", short(name, 60));
        let entry = self.zip.by_name(name).map_err(|error| damaged(error.to_string()))?;
        let mut bytes = Vec::new();
        entry.take(limit).read_to_end(&mut bytes).map_err(|error| damaged(error.to_string()))?;
        Ok(bytes)
    }
}
