use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::{Failure, Mismatch};
use crate::error::Error;

/// Why a data set was not fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The address of a mirror is not an http or https URL.
    #[error("{address:?} is not a mirror; give the https:// URL of a folder")]
    Mirror {
        /// The address that was given.
        address: String,
    },
    /// The folder cannot be created or written to.
    #[error("cannot write to the folder {}: {source}; choose another one with --to DIR", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file could not be stored.
    #[error("cannot write {}: {source}; fix that and retry", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file of that name exists with different content. It is left as it is.
    #[error(
        "{} is not the published file: {mismatch}; remove it, or choose another folder with --to DIR, and retry",
        path.display()
    )]
    WrongFile {
        /// The file.
        path: PathBuf,
        /// How it differs.
        mismatch: Mismatch,
    },
    /// An archive with the correct digest cannot be unpacked, or lacks a file.
    #[error("{file}: {problem}; check the digest given with --sha256, or put the files into the folder yourself")]
    Archive {
        /// The archive.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No mirror served a file complete and correct.
    #[error(
        "cannot download {file} from any mirror:{}\ntry again later, give another mirror with --mirror URL, \
         or put the file into the folder {} yourself and use that with --data",
        list(attempts),
        folder.display()
    )]
    NoMirror {
        /// The file.
        file: String,
        /// The folder it should go to.
        folder: PathBuf,
        /// The failed attempts, in order.
        attempts: Vec<Attempt>,
    },
}

/// A download that failed.
#[derive(Debug)]
pub struct Attempt {
    /// URL of the mirror.
    pub mirror: String,
    /// What went wrong there.
    pub failure: Failure,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.mirror, self.failure)
    }
}

impl From<FetchError> for Error {
    fn from(error: FetchError) -> Self {
        Self::Fetch(Box::new(error))
    }
}

impl FetchError {
    pub(super) fn folder(folder: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Folder { folder: folder.to_owned(), source }
    }

    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write { path: path.to_owned(), source }
    }
}

fn list(attempts: &[Attempt]) -> String {
    attempts.iter().map(|attempt| format!("\n  {attempt}")).collect()
}
