//! Output files that are written completely or not at all.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// Prefix for the name of an output file while it is being written.
const TEMPORARY_PREFIX: &str = ".lenet-";

/// What to do when an output file exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it alone and fail.
    Keep,
    /// Replace it.
    Overwrite,
}

/// Writes `bytes` to `path`: to a temporary file in the same folder, which is synced, then renamed.
///
/// # Errors
/// When the folder cannot be written to, or the file exists and must be kept. `path` is then left as it was.
pub fn write_whole(path: &Path, bytes: &[u8], existing: Existing) -> Result<()> {
    let mut file = temporary_in(&folder_of(path), TEMPORARY_PREFIX).map_err(Error::write(path))?;
    file.write_all(bytes).map_err(Error::write(path))?;
    file.as_file().sync_all().map_err(Error::write(path))?;
    match existing {
        Existing::Overwrite => file.persist(path).map_err(|error| Error::write(path)(error.error))?,
        Existing::Keep => file.persist_noclobber(path).map_err(|error| match error.error.kind() {
            std::io::ErrorKind::AlreadyExists => Error::Exists { path: path.to_owned() },
            _ => Error::write(path)(error.error),
        })?,
    };
    Ok(())
}

/// Fails now if `path` cannot be written, rather than after hours of work on its content.
///
/// # Errors
/// As [`write_whole`].
pub fn check_writable(path: &Path, existing: Existing) -> Result<()> {
    if path.exists() && existing == Existing::Keep {
        return Err(Error::Exists { path: path.to_owned() });
    }
    temporary_in(&folder_of(path), TEMPORARY_PREFIX).map_err(Error::write(path))?;
    Ok(())
}

/// Creates a folder and its parents if they do not exist.
///
/// # Errors
/// When it cannot be created or is not a folder.
pub fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(Error::write(path))
}

/// Removes the temporary files of killed writers. No other process may be writing to the folder.
///
/// # Errors
/// When the folder cannot be read, or a file in it cannot be removed.
pub fn remove_temporaries(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::read(folder))? {
        let name = entry.map_err(Error::read(folder))?.file_name();
        if name.as_encoded_bytes().starts_with(TEMPORARY_PREFIX.as_bytes()) {
            let path = folder.join(name);
            fs::remove_file(&path).map_err(Error::write(&path))?;
        }
    }
    Ok(())
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A temporary file in `folder` with a name that starts with `prefix`. It is removed unless it is persisted.
pub(crate) fn temporary_in(folder: &Path, prefix: &str) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    // The default mode is private to the owner. An output is an ordinary file, so the umask decides.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_or_overwrites_as_told_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        write_whole(&path, b"first", Existing::Keep).unwrap();
        assert!(matches!(write_whole(&path, b"second", Existing::Keep), Err(Error::Exists { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"first");
        write_whole(&path, b"second", Existing::Overwrite).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_writer_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (_, left) = temporary_in(folder.path(), TEMPORARY_PREFIX).unwrap().keep().unwrap();
        fs::write(folder.path().join("kept"), "").unwrap();
        remove_temporaries(folder.path()).unwrap();
        assert!(!left.exists() && folder.path().join("kept").exists());
    }

    #[test]
    fn unwritable_place_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let below = file.join("below");
        let message = write_whole(&below, b"x", Existing::Keep).unwrap_err().to_string();
        assert!(message.contains(&below.display().to_string()), "{message}");
        assert!(check_writable(&below, Existing::Keep).is_err());
        assert!(create_folder(&below).is_err());
    }
}
