//! Downloads a published data set, file by file, from the first mirror that serves it complete.
//!
//! Nothing that a server sends is trusted. A file gets its final name only after its content's SHA-256 has been
//! verified, and a download that exceeds the file's known size is stopped.

mod content;
mod download;
mod error;
mod failure;
mod manifest;
mod progress;

use std::fs;
use std::io::Write;
use std::path::Path;

use serde::Serialize;

use crate::files::temporary_in;
use download::{Download, Mirror};

pub use content::Mismatch;
pub use error::{Attempt, FetchError};
pub use failure::Failure;
pub use manifest::{FASHION_MNIST, MNIST, Manifest, PUBLISHED, RemoteFile};
pub use progress::{Event, bar, for_stderr, lines};

/// Prefix for the names of unfinished downloads. It hides them, and the next run removes the files that have it.
pub const TEMPORARY_PREFIX: &str = ".lenet-fetch-";

/// What [`fetch`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Files that already existed with the correct content.
    pub kept: Vec<String>,
    /// Files that were downloaded.
    pub downloaded: Vec<Downloaded>,
}

/// A file that [`fetch`] downloaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Downloaded {
    /// Its name in the folder.
    pub file: String,
    /// Number of bytes received, which is its gzipped size.
    pub bytes: u64,
    /// URL of the mirror.
    pub mirror: String,
}

/// Downloads the files of a data set to `folder`, which is created if it does not exist.
///
/// Files that already exist with the correct content are kept. A mirror that failed is moved to the end of the list for
/// the next file. `on_event` receives the progress; [`for_stderr`], [`lines`] and [`bar`] show it to a person.
///
/// # Errors
/// When a file in the folder has different content, the folder cannot be written to, or no mirror serves a file
/// complete and correct. Files that were finished by then are kept, unfinished ones are removed.
pub fn fetch(
    manifest: &Manifest<'_>,
    folder: &Path,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Summary, FetchError> {
    let mut mirrors = manifest.mirrors.iter().map(|address| Mirror::parse(address)).collect::<Result<Vec<_>, _>>()?;
    fs::create_dir_all(folder).map_err(FetchError::folder(folder))?;
    remove_temporaries(folder);
    // Check all existing files before the first download, so that a wrong one is reported at once.
    let present = manifest.files.iter().map(|file| find(folder, file)).collect::<Result<Vec<_>, _>>()?;

    let mut summary = Summary::default();
    for (file, present) in manifest.files.iter().zip(present) {
        if let Some(name) = present {
            on_event(Event::Kept { file: name });
            summary.kept.push(name.to_owned());
        } else {
            summary.downloaded.push(from_any(&mut mirrors, file, folder, on_event)?);
        }
    }
    Ok(summary)
}

/// The name under which a file exists with the correct content, gzipped or not; `None` if it does not exist.
///
/// The names are tried in the data loader's order, so the file that is checked is the one that will be read.
fn find<'a>(folder: &Path, file: &RemoteFile<'a>) -> Result<Option<&'a str>, FetchError> {
    let unpacked = file.name.strip_suffix(".gz").unwrap_or(file.name);
    let Some(name) = [file.name, unpacked].into_iter().find(|name| folder.join(name).exists()) else {
        return Ok(None);
    };
    let path = folder.join(name);
    match content::check(&path, file) {
        Ok(()) => Ok(Some(name)),
        Err(mismatch) => Err(FetchError::WrongFile { path, mismatch }),
    }
}

fn from_any(
    mirrors: &mut [Mirror<'_>],
    file: &RemoteFile<'_>,
    folder: &Path,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Downloaded, FetchError> {
    let mut attempts = Vec::new();
    for (index, mirror) in mirrors.iter().enumerate() {
        on_event(Event::Started { file: file.name, host: mirror.host() });
        match from_one(mirror, file, folder, on_event) {
            Ok(bytes) => {
                on_event(Event::Finished { file: file.name, bytes, host: mirror.host() });
                let mirror = mirror.address().to_owned();
                // So that a dead mirror costs its timeout once, not once per file.
                mirrors.rotate_left(index);
                return Ok(Downloaded { file: file.name.to_owned(), bytes, mirror });
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
) -> Result<u64, Stop> {
    let path = folder.join(file.name);
    let mut temporary = temporary_in(folder, TEMPORARY_PREFIX).map_err(FetchError::folder(folder))?;
    let mut download = Download::start(mirror, file)?;
    while let Some(chunk) = download.next_chunk()? {
        temporary.write_all(chunk).map_err(FetchError::write(&path))?;
        on_event(Event::Received { bytes: download.received(), total: download.total() });
    }
    content::check(temporary.path(), file).map_err(Failure::Content)?;
    temporary.as_file().sync_all().map_err(FetchError::write(&path))?;
    temporary.persist_noclobber(&path).map_err(|error| FetchError::write(&path)(error.error))?;
    Ok(download.received())
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
