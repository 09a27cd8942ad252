//! Files that come in one zip archive.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::content::{SHA256, sha256};
use super::place::{persist, temporary, write};
use super::{Event, FetchError, Manifest, Mismatch, Summary};
use crate::input::{self, Limit};

/// The most bytes of a member. The largest in use, the training images of EMNIST's digits, has a quarter of that.
const MAX_BYTES: u64 = 1 << 28;

/// Whether all members are in the folder with the digests that an earlier run recorded.
pub(super) fn are_recorded(manifest: &Manifest<'_>, folder: &Path) -> bool {
    let record = input::read_text(&record_path(manifest, folder), Limit::RECORD).unwrap_or_default();
    let digests: HashMap<&str, &str> =
        record.lines().filter_map(|line| line.split_once("  ")).map(|(digest, name)| (name, digest)).collect();
    manifest.members.iter().all(|name| {
        digests.get(name).is_some_and(|digest| sha256(&folder.join(name)).is_ok_and(|found| found == **digest))
    })
}

/// The file that records the members' digests, in the format of `sha256sum`.
fn record_path(manifest: &Manifest<'_>, folder: &Path) -> PathBuf {
    folder.join(format!("{}.sha256", manifest.name))
}

/// Extracts the members of a verified archive to a folder, and records their digests. Members that are there with the
/// same content are kept.
///
/// # Errors
/// When the archive is damaged or lacks a member, the folder has a different file of a member's name, or it cannot be
/// written to.
pub(super) fn extract(
    manifest: &Manifest<'_>,
    archive: File,
    folder: &Path,
    summary: &mut Summary,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<(), FetchError> {
    let file = manifest.files.first().map_or("", |file| file.name);
    let refused = |problem: String| FetchError::Archive { file: file.to_owned(), problem };
    let mut archive = ZipArchive::new(archive).map_err(|error| refused(error.to_string()))?;
    let mut record = String::new();
    for name in manifest.members {
        let is_member = |entry: &&str| entry.rsplit('/').next() == Some(name);
        let entry = archive.file_names().find(is_member).map(str::to_owned);
        let entry = entry.ok_or_else(|| refused(format!("it does not hold {name}")))?;
        let mut content = archive.by_name(&entry).map_err(|error| refused(error.to_string()))?.take(MAX_BYTES + 1);
        let path = folder.join(name);
        let mut temporary = temporary(folder)?;
        let bytes = io::copy(&mut content, &mut temporary).map_err(FetchError::write(&path))?;
        if bytes > MAX_BYTES {
            return Err(refused(format!("{name} in it has more than {MAX_BYTES} bytes")));
        }
        let extracted = sha256(temporary.path()).map_err(FetchError::folder(folder))?;
        if path.exists() {
            let found = sha256(&path).map_err(FetchError::folder(folder))?;
            if found != extracted {
                let mismatch = Mismatch::Digest { kind: SHA256, expected: extracted, found };
                return Err(FetchError::WrongFile { path, mismatch });
            }
            summary.keep(name, on_event);
        } else {
            persist(temporary, &path)?;
            summary.note_written(name, on_event);
        }
        record += &format!("{extracted}  {name}\n");
    }
    let path = record_path(manifest, folder);
    if input::read_text(&path, Limit::RECORD).is_ok_and(|old| old == record) {
        return Ok(());
    }
    if path.exists() {
        // It was written by an earlier run, and no longer describes the files.
        fs::remove_file(&path).map_err(FetchError::write(&path))?;
    }
    write(&path, record.as_bytes())?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    summary.note_written(&name, on_event);
    Ok(())
}
