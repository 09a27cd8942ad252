/// A data set that can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manifest<'a> {
    /// Its name on the command line.
    pub name: &'a str,
    /// Its files.
    pub files: &'a [RemoteFile<'a>],
    /// URLs that file names are appended to, in the order in which they are tried.
    pub mirrors: &'a [&'a str],
    /// If there are any, the only one of `files` is a zip archive. These files are extracted from it, whatever folders
    /// of the archive they are in, and it is removed.
    pub members: &'a [&'a str],
    /// The labels of its classes, to be written to `labels.txt`; empty if its files tell them.
    pub labels: &'a [&'a str],
}

/// One file of a [`Manifest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteFile<'a> {
    /// Its name.
    pub name: &'a str,
    /// The length of what the digest is of.
    pub bytes: u64,
    /// What its content must be.
    pub digest: Digest<'a>,
}

/// The digest that a file must have, in lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest<'a> {
    /// SHA-256 of the unpacked content of a file that is gzipped or not. The gzipped form may differ between mirrors.
    UnpackedSha256(&'a str),
    /// SHA-256 of the file as it is sent.
    Sha256(&'a str),
    /// MD5 of the file as it is sent, where nothing better is published. It finds damage, but does
    /// not protect from forgery.
    Md5(&'a str),
}

/// The most bytes of a file whose digest the user gives. The largest published one, EMNIST's archive, has 561,753,746.
const MAX_BYTES: u64 = 1 << 30;

impl<'a> Manifest<'a> {
    /// The same data set from other mirrors. If `mirrors` is empty, the manifest's own stay.
    #[must_use]
    pub fn with_mirrors(self, mirrors: &'a [&'a str]) -> Self {
        if mirrors.is_empty() { self } else { Self { mirrors, ..self } }
    }

    /// Whether some of its files are checked by nothing better than MD5.
    pub fn relies_on_md5(&self) -> bool {
        self.files.iter().any(|file| matches!(file.digest, Digest::Md5(_)))
    }
}

impl<'a> RemoteFile<'a> {
    /// The same file with this SHA-256 of what the server sends. Its length is then unknown, so only the largest allowed
    /// one is checked.
    #[must_use]
    pub fn with_sha256(self, sha256: &'a str) -> Self {
        Self { bytes: MAX_BYTES, digest: Digest::Sha256(sha256), ..self }
    }
}
