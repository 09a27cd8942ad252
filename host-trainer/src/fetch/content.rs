use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::manifest::{Digest, RemoteFile};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The name of a digest, for messages.
pub(super) const SHA256: &str = "SHA-256";
const BUFFER_BYTES: usize = 64 * 1024;

/// Why a file is not the published one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// It cannot be read, or it is gzipped and damaged or cut short.
    #[error("its content cannot be read: {0}")]
    Unreadable(io::Error),
    /// Its content is longer than it should be.
    #[error("its content is longer than {expected} bytes")]
    TooLong {
        /// The length it should have.
        expected: u64,
    },
    /// Its content differs.
    #[error("the {kind} of its content is {found}, not {expected}")]
    Digest {
        /// SHA-256 or MD5.
        kind: &'static str,
        /// The digest in the manifest.
        expected: String,
        /// The digest of the file's content.
        found: String,
    },
}

/// Compares a file with the published one.
pub(super) fn check(path: &Path, published: &RemoteFile<'_>) -> Result<(), Mismatch> {
    let file = File::open(path).map_err(Mismatch::Unreadable)?;
    compare(BufReader::with_capacity(BUFFER_BYTES, file), published)
}

/// SHA-256 of a file as it is.
pub(super) fn sha256(path: &Path) -> io::Result<String> {
    read(File::open(path)?, Sha256::new()).map(|(_, digest)| digest)
}

fn compare(mut file: impl BufRead, published: &RemoteFile<'_>) -> Result<(), Mismatch> {
    let gzipped = file.fill_buf().map_err(Mismatch::Unreadable)?.starts_with(&GZIP_MAGIC);
    // Reading one byte more than expected is enough to notice longer content, even if a small file would unpack to
    // gigabytes.
    let limit = published.bytes.saturating_add(1);
    let (kind, expected, found) = match published.digest {
        Digest::UnpackedSha256(expected) if gzipped => {
            (SHA256, expected, read(MultiGzDecoder::new(file).take(limit), Sha256::new()))
        }
        Digest::UnpackedSha256(expected) | Digest::Sha256(expected) => {
            (SHA256, expected, read(file.take(limit), Sha256::new()))
        }
        Digest::Md5(expected) => ("MD5", expected, read(file.take(limit), Md5::new())),
    };
    let (length, found) = found.map_err(Mismatch::Unreadable)?;
    if length > published.bytes {
        return Err(Mismatch::TooLong { expected: published.bytes });
    }
    if found != expected {
        return Err(Mismatch::Digest { kind, expected: expected.to_owned(), found });
    }
    Ok(())
}

/// Length and digest.
fn read(mut content: impl Read, mut hasher: impl sha2::Digest) -> io::Result<(u64, String)> {
    let mut length = 0;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok((length, hex(&hasher.finalize()))),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                length += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const HELLO: RemoteFile<'static> = RemoteFile {
        name: "hello.gz",
        bytes: 5,
        digest: Digest::UnpackedSha256("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"),
    };

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn accepts_the_content_in_any_packing() {
        compare(&b"hello"[..], &HELLO).unwrap();
        compare(gzip(b"hello").as_slice(), &HELLO).unwrap();
        compare([gzip(b"he"), gzip(b"llo")].concat().as_slice(), &HELLO).unwrap();
    }

    #[test]
    fn digests_of_the_file_as_sent_are_not_of_its_content() {
        let md5 = RemoteFile { digest: Digest::Md5("5d41402abc4b2a76b9719d911017c592"), ..HELLO };
        compare(&b"hello"[..], &md5).unwrap();
        let message = compare(&b"hallo"[..], &md5).unwrap_err().to_string();
        assert!(message.contains("the MD5 of its content is"), "{message}");
        let Digest::UnpackedSha256(sha256) = HELLO.digest else { panic!("the test file is unpacked") };
        compare(&b"hello"[..], &HELLO.with_sha256(sha256)).unwrap();
        assert!(compare(gzip(b"hello").as_slice(), &HELLO.with_sha256(sha256)).is_err());
        assert!(compare(gzip(b"hello").as_slice(), &md5).is_err());
    }

    #[test]
    fn refuses_anything_else() {
        let packed = gzip(b"hello");
        let cases = [
            (b"".to_vec(), "SHA-256"),
            (b"hallo".to_vec(), "SHA-256"),
            (b"hello!".to_vec(), "longer than 5"),
            (gzip(b"hell"), "SHA-256"),
            (gzip(&[0; 100_000]), "longer than 5"),
            (packed[..packed.len() - 1].to_vec(), "cannot be read"),
            ([packed.as_slice(), b"garbage"].concat(), "cannot be read"),
        ];
        for (file, reason) in cases {
            let message = compare(file.as_slice(), &HELLO).unwrap_err().to_string();
            assert!(message.contains(reason), "{message}");
        }
    }
}
