use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::{Failure, Mismatch};
use crate::error::Error;

/// Why a data set was not fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A mirror is not the address of an HTTP server.
    #[error("{address:?} is not a mirror; give the https:// address of a folder on a server")]
    Mirror {
        /// What was given.
        address: String,
    },
    /// The folder cannot be created or written to.
    #[error("cannot write to the folder {}: {source}; name another one with --to DIR", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file could not be stored.
    #[error("cannot write {}: {source}; put that right and run the command again", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file of that name is there, with another content. It is left alone.
    #[error(
        "{} is not the published file: {mismatch}; remove it, or name another folder with --to DIR, and run the command again",
        path.display()
    )]
    WrongFile {
        /// The file.
        path: PathBuf,
        /// How it differs.
        mismatch: Mismatch,
    },
    /// No mirror served a file whole and right.
    #[error(
        "no mirror served {file}:{}\ntry again later, name another mirror with --mirror URL, \
         or put the file into {} by hand and use that with --data",
        list(attempts),
        folder.display()
    )]
    NoMirror {
        /// The file.
        file: String,
        /// The folder it belongs in.
        folder: PathBuf,
        /// All that was tried, in order.
        attempts: Vec<Attempt>,
    },
}

/// A download that failed.
#[derive(Debug)]
pub struct Attempt {
    /// The mirror's address.
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
