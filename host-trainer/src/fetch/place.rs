//! Files in the folder that a data set is downloaded to.

use std::fs;
use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

use super::FetchError;
use crate::files::temporary_in;

/// Prefix for the names of unfinished downloads. It hides them, and the next run removes the files that have it.
pub const TEMPORARY_PREFIX: &str = ".lenet-fetch-";

/// A file that is not complete yet.
pub(super) fn temporary(folder: &Path) -> Result<NamedTempFile, FetchError> {
    temporary_in(folder, TEMPORARY_PREFIX).map_err(FetchError::folder(folder))
}

/// Writes a file that must not exist.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), FetchError> {
    let folder = path.parent().expect("the path is in a folder");
    let mut temporary = temporary(folder)?;
    temporary.write_all(bytes).map_err(FetchError::write(path))?;
    persist(temporary, path)
}

/// Gives a complete file its name.
pub(super) fn persist(temporary: NamedTempFile, path: &Path) -> Result<(), FetchError> {
    temporary.as_file().sync_all().map_err(FetchError::write(path))?;
    temporary.persist_noclobber(path).map_err(|error| FetchError::write(path)(error.error))?;
    Ok(())
}

/// Removes the unfinished files of an interrupted run.
///
/// This may also remove the file of another run in progress, which then tries its next mirror. Errors are ignored,
/// because leftover files do no harm.
pub(super) fn remove_temporaries(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
