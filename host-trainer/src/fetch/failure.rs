//! What can go wrong at a mirror.

use std::io;

use super::Mismatch;

/// Why a mirror did not serve a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The connection could not be made, or broke.
    #[error("the connection failed: {0}")]
    Connection(io::Error),
    /// There was no answer, or an invalid one.
    #[error("{0}")]
    Transport(Box<ureq::Error>),
    /// The answer has a status other than 200.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// An https server redirects to an unencrypted address.
    #[error("it redirects to {0}, which is not https")]
    Unencrypted(String),
    /// The connection ended before the file did.
    #[error("the connection was cut after {received} of {} bytes", count(*announced))]
    Cut {
        /// Bytes that arrived.
        received: u64,
        /// Bytes that the server had announced, if it did.
        announced: Option<u64>,
    },
    /// The server sends more bytes than the file can have.
    #[error("it sends more than {limit} bytes, which is too much for this file")]
    TooLarge {
        /// The most bytes that are accepted.
        limit: u64,
    },
    /// The file arrived, but it is not the published one.
    #[error("it sent a different file: {0}")]
    Content(Mismatch),
}

impl From<ureq::Error> for Failure {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::RequireHttpsOnly(address) => Self::Unencrypted(address),
            ureq::Error::Io(error) => Self::Connection(error),
            other => Self::Transport(Box::new(other)),
        }
    }
}

fn count(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "an unknown number of".to_owned(), |bytes| bytes.to_string())
}
