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
mod place;
mod progress;
mod published;
mod summary;

use std::fs;
use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::data::LABEL_FILE;
use download::{Download, Mirror};
use place::{persist, remove_temporaries, temporary, write};

pub use content::Mismatch;
pub use error::{Attempt, FetchError};
pub use failure::Failure;
pub use manifest::{Digest, Manifest, RemoteFile};
pub use place::TEMPORARY_PREFIX;
pub use progress::{Event, bar, for_stderr, lines};
pub use published::{
    EMNIST_BALANCED, EMNIST_DIGITS, EMNIST_LETTERS, FASHION_MNIST, KMNIST, KUZUSHIJI_49, MNIST, PUBLISHED,
};
pub use summary::{Downloaded, Summary};

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
            summary.keep(name, on_event);
        }
    } else {
        // Check all existing files before the first download, so that a wrong one is reported at once.
        let present = manifest.files.iter().map(|file| find(folder, file)).collect::<Result<Vec<_>, _>>()?;
        for (file, present) in manifest.files.iter().zip(present) {
            if let Some(name) = present {
                summary.keep(name, on_event);
                if !manifest.members.is_empty() {
                    let archive = fs::File::open(folder.join(name)).map_err(FetchError::folder(folder))?;
                    members::extract(manifest, archive, folder, &mut summary, on_event)?;
                }
                continue;
            }
            let (downloaded, complete) = from_any(&mut mirrors, file, folder, on_event)?;
            summary.downloaded.push(downloaded);
            if manifest.members.is_empty() {
                persist(complete, &folder.join(file.name))?;
            } else {
                members::extract(manifest, complete.into_file(), folder, &mut summary, on_event)?;
            }
        }
    }
    if !manifest.labels.is_empty() && !folder.join(LABEL_FILE).exists() {
        write(&folder.join(LABEL_FILE), format!("{}\n", manifest.labels.join("\n")).as_bytes())?;
        summary.note_written(LABEL_FILE, on_event);
    }
    Ok(summary)
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
    let mut temporary = temporary(folder)?;
    let mut download = Download::start(mirror, file)?;
    while let Some(chunk) = download.next_chunk()? {
        temporary.write_all(chunk).map_err(FetchError::write(&path))?;
        on_event(Event::Received { bytes: download.received(), total: download.total() });
    }
    content::check(temporary.path(), file).map_err(Failure::Content)?;
    Ok((download.received(), temporary))
}
