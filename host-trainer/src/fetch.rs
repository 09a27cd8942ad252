//! Downloads a published data set, file by file, from the first mirror that serves it complete.
//!
//! Nothing that a server sends is trusted. A file gets its final name only after its digest has been verified, and a
//! download that exceeds the file's known size is stopped.

mod content;
mod download;
mod error;
mod failure;
mod manifest;
mod members;
mod progress;
mod published;

use std::fs;
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use tempfile::NamedTempFile;

use crate::data::LABEL_FILE;
use crate::files::temporary_in;
use download::{Download, Mirror};

pub use content::Mismatch;
pub use error::{Attempt, FetchError};
pub use failure::Failure;
pub use manifest::{Digest, Manifest, RemoteFile};
pub use progress::{Event, bar, for_stderr, lines};
pub use published::{
    EMNIST_BALANCED, EMNIST_DIGITS, EMNIST_LETTERS, FASHION_MNIST, KMNIST, KUZUSHIJI_49, MNIST, PUBLISHED,
};

/// Prefix for the names of unfinished downloads. It hides them, and the next run removes the files that have it.
pub const TEMPORARY_PREFIX: &str = ".lenet-fetch-";

/// What [`fetch`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Files that already existed with the correct content.
    pub kept: Vec<String>,
    /// Files that were downloaded.
    pub downloaded: Vec<Downloaded>,
    /// Files that were made from these or from the manifest: members of an archive and their digests, and labels.
    pub written: Vec<String>,
}

/// A file that [`fetch`] downloaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Downloaded {
    /// Its name in the folder.
    pub file: String,
    /// Number of bytes received.
    pub bytes: u64,
    /// URL of the mirror.
    pub mirror: String,
}

/// Downloads the files of a data set to `folder`, which is created if it does not exist, and writes its labels to
/// [`LABEL_FILE`], unless there is a file of that name.
///
/// Files that already exist with the correct content are kept. A mirror that failed is moved to the end of the list for
/// the next file. Members of an archive are recognized by the digests that an earlier run recorded in `NAME.sha256`; an
/// archive that is in the folder is used and stays there. `on_event` receives the progress; [`for_stderr`], [`lines`]
/// and [`bar`] show it to a person.
///
/// # Errors
/// When a file in the folder has different content, the folder cannot be written to, no mirror serves a file complete
/// and correct, or an archive lacks a member. Files that were finished by then are kept, unfinished ones are removed.
pub fn fetch(
    manifest: &Manifest<'_>,
    folder: &Path,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Summary, FetchError> {
    let mut mirrors = manifest.mirrors.iter().map(|address| Mirror::parse(address)).collect::<Result<Vec<_>, _>>()?;
    fs::create_dir_all(folder).map_err(FetchError::folder(folder))?;
    remove_temporaries(folder);
    let mut summary = Summary::default();
    if !manifest.members.is_empty() && members::are_recorded(manifest, folder) {
        for name in manifest.members {
            keep(name, &mut summary, on_event);
        }
    } else {
        // Check all existing files before the first download, so that a wrong one is reported at once.
        let present = manifest.files.iter().map(|file| find(folder, file)).collect::<Result<Vec<_>, _>>()?;
        for (file, present) in manifest.files.iter().zip(present) {
            if let Some(name) = present {
                keep(name, &mut summary, on_event);
                if !manifest.members.is_empty() {
                    let archive = fs::File::open(folder.join(name)).map_err(FetchError::folder(folder))?;
                    members::extract(manifest, archive, folder, &mut summary, on_event)?;
                }
                continue;
            }
            let (downloaded, temporary) = from_any(&mut mirrors, file, folder, on_event)?;
            summary.downloaded.push(downloaded);
            if manifest.members.is_empty() {
                persist(temporary, &folder.join(file.name))?;
            } else {
                members::extract(manifest, temporary.into_file(), folder, &mut summary, on_event)?;
            }
        }
    }
    if !manifest.labels.is_empty() && !folder.join(LABEL_FILE).exists() {
        write(&folder.join(LABEL_FILE), format!("{}\n", manifest.labels.join("\n")).as_bytes())?;
        note_written(LABEL_FILE, &mut summary, on_event);
    }
    Ok(summary)
}

fn keep(file: &str, summary: &mut Summary, on_event: &mut dyn FnMut(Event<'_>)) {
    on_event(Event::Kept { file });
    summary.kept.push(file.to_owned());
}

fn note_written(file: &str, summary: &mut Summary, on_event: &mut dyn FnMut(Event<'_>)) {
    on_event(Event::Written { file });
    summary.written.push(file.to_owned());
}

/// Writes a file that must not exist.
fn write(path: &Path, bytes: &[u8]) -> Result<(), FetchError> {
    let folder = path.parent().expect("the path is in a folder");
    let mut temporary = temporary_in(folder, TEMPORARY_PREFIX).map_err(FetchError::folder(folder))?;
    temporary.write_all(bytes).map_err(FetchError::write(path))?;
    persist(temporary, path)
}

/// Gives a complete file its name.
fn persist(temporary: NamedTempFile, path: &Path) -> Result<(), FetchError> {
    temporary.as_file().sync_all().map_err(FetchError::write(path))?;
    temporary.persist_noclobber(path).map_err(|error| FetchError::write(path)(error.error))?;
    Ok(())
}

/// The name under which a file exists with the correct content, gzipped or not; `None` if it does not exist.
///
/// The names are tried in the data loader's order, so the file that is checked is the one that will be read.
fn find<'a>(folder: &Path, file: &RemoteFile<'a>) -> Result<Option<&'a str>, FetchError> {
    let unpacked = file.name.strip_suffix(".gz").filter(|_| matches!(file.digest, Digest::UnpackedSha256(_)));
    let names = [Some(file.name), unpacked];
    let Some(name) = names.into_iter().flatten().find(|name| folder.join(name).exists()) else {
        return Ok(None);
    };
    let path = folder.join(name);
    match content::check(&path, file) {
        Ok(()) => Ok(Some(name)),
        Err(mismatch) => Err(FetchError::WrongFile { path, mismatch }),
    }
}

/// Downloads a file, verified but not yet named, from the first mirror that serves it.
fn from_any(
    mirrors: &mut [Mirror<'_>],
    file: &RemoteFile<'_>,
    folder: &Path,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<(Downloaded, NamedTempFile), FetchError> {
    let mut attempts = Vec::new();
    for (index, mirror) in mirrors.iter().enumerate() {
        on_event(Event::Started { file: file.name, host: mirror.host() });
        match from_one(mirror, file, folder, on_event) {
            Ok((bytes, temporary)) => {
                on_event(Event::Finished { file: file.name, bytes, host: mirror.host() });
                let mirror = mirror.address().to_owned();
                // So that a dead mirror costs its timeout once, not once per file.
                mirrors.rotate_left(index);
                return Ok((Downloaded { file: file.name.to_owned(), bytes, mirror }, temporary));
            }
            Err(Stop::Mirror(failure)) => {
                on_event(Event::Failed { file: file.name, host: mirror.host(), failure: &failure });
                attempts.push(Attempt { mirror: mirror.address().to_owned(), failure });
            }
            Err(Stop::Here(error)) => return Err(error),
        }
    }
    Err(FetchError::NoMirror { file: file.name.to_owned(), folder: folder.to_owned(), attempts })
}

/// Why an attempt failed. Only after a failure of the mirror is it worth trying another one.
enum Stop {
    Mirror(Failure),
    Here(FetchError),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Mirror(failure)
    }
}

impl From<FetchError> for Stop {
    fn from(error: FetchError) -> Self {
        Self::Here(error)
    }
}

fn from_one(
    mirror: &Mirror<'_>,
    file: &RemoteFile<'_>,
    folder: &Path,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<(u64, NamedTempFile), Stop> {
    let path = folder.join(file.name);
    let mut temporary = temporary_in(folder, TEMPORARY_PREFIX).map_err(FetchError::folder(folder))?;
    let mut download = Download::start(mirror, file)?;
    while let Some(chunk) = download.next_chunk()? {
        temporary.write_all(chunk).map_err(FetchError::write(&path))?;
        on_event(Event::Received { bytes: download.received(), total: download.total() });
    }
    content::check(temporary.path(), file).map_err(Failure::Content)?;
    Ok((download.received(), temporary))
}

/// Removes the unfinished files of an interrupted run.
///
/// This may also remove the file of another run in progress, which then tries its next mirror. Errors are ignored,
/// because leftover files do no harm.
fn remove_temporaries(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
