use std::io::{self, Read};
use std::time::Duration;

use ureq::http::Uri;
use ureq::http::uri::Scheme;
use ureq::{Agent, BodyReader};

use super::{Failure, FetchError, RemoteFile};

const LOOKUP_TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);
/// A file may take the time that it takes at this rate, or [`MIN_BODY_TIMEOUT`] if it is small: a limit for a server
/// that sends a byte now and then.
const MIN_BYTES_PER_SECOND: u64 = 20_000;
const MIN_BODY_TIMEOUT: Duration = Duration::from_secs(30 * 60);
const MAX_REDIRECTS: u32 = 5;
/// How many bytes a gzip file may be longer than its content: one that cannot be compressed grows by a header and by
/// 5 bytes per 16 KiB.
const PACKING_BYTES: u64 = 64 * 1024;
const CHUNK_BYTES: usize = 64 * 1024;

/// A URL that file names are appended to.
pub(super) struct Mirror<'a> {
    address: &'a str,
    uri: Uri,
}

impl<'a> Mirror<'a> {
    pub(super) fn parse(address: &'a str) -> Result<Self, FetchError> {
        match address.parse::<Uri>() {
            Ok(uri) if is_web(&uri) => Ok(Self { address, uri }),
            _ => Err(FetchError::Mirror { address: address.to_owned() }),
        }
    }

    pub(super) fn address(&self) -> &'a str {
        self.address
    }

    pub(super) fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    fn address_of(&self, file: &str) -> String {
        format!("{}/{file}", self.address.trim_end_matches('/'))
    }

    fn agent(&self, bytes: u64) -> Agent {
        let body_timeout = MIN_BODY_TIMEOUT.max(Duration::from_secs(bytes / MIN_BYTES_PER_SECOND));
        let config = Agent::config_builder()
            .user_agent(concat!("lenet/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            // Applies to redirects too. A user may give an http mirror, because the digests are checked either way.
            .https_only(self.uri.scheme() == Some(&Scheme::HTTPS))
            .max_redirects(MAX_REDIRECTS)
            .timeout_resolve(Some(LOOKUP_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(ANSWER_TIMEOUT))
            .timeout_per_read(Some(SILENCE_TIMEOUT))
            .timeout_recv_body(Some(body_timeout));
        // A proxy cannot reach servers on this machine.
        let config = if is_loopback(self.host()) { config.proxy(None) } else { config };
        config.build().new_agent()
    }
}

fn is_web(uri: &Uri) -> bool {
    [Some(&Scheme::HTTPS), Some(&Scheme::HTTP)].contains(&uri.scheme()) && uri.query().is_none()
}

fn is_loopback(host: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

/// A download in progress.
pub(super) struct Download {
    body: BodyReader<'static>,
    chunk: Vec<u8>,
    received: u64,
    total: Option<u64>,
    limit: u64,
}

impl Download {
    pub(super) fn start(mirror: &Mirror<'_>, file: &RemoteFile<'_>) -> Result<Self, Failure> {
        let response = mirror.agent(file.bytes).get(mirror.address_of(file.name)).call()?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(Failure::Status(status));
        }
        let body = response.into_body();
        let total = body.content_length();
        let limit = file.bytes.saturating_add(PACKING_BYTES);
        if total.is_some_and(|total| total > limit) {
            return Err(Failure::TooLarge { limit });
        }
        Ok(Self { body: body.into_reader(), chunk: vec![0; CHUNK_BYTES], received: 0, total, limit })
    }

    /// The next bytes; `None` at the end.
    pub(super) fn next_chunk(&mut self) -> Result<Option<&[u8]>, Failure> {
        let count = loop {
            match self.body.read(&mut self.chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        let count = count.map_err(|error| self.failure(error))?;
        self.received += count as u64;
        if self.received > self.limit {
            return Err(Failure::TooLarge { limit: self.limit });
        }
        Ok(if count == 0 { None } else { Some(&self.chunk[..count]) })
    }

    pub(super) fn received(&self) -> u64 {
        self.received
    }

    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    fn failure(&self, error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Failure::Cut { received: self.received, announced: self.total };
        }
        ureq::Error::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_are_folders_on_web_servers() {
        for address in ["https://host/a/b", "https://host/a/b/"] {
            assert_eq!(Mirror::parse(address).unwrap().address_of("file.gz"), "https://host/a/b/file.gz");
        }
        assert_eq!(Mirror::parse("http://127.0.0.1:80").unwrap().address_of("f"), "http://127.0.0.1:80/f");
        for address in ["", "host", "/a/b", "ftp://host/", "file:///a", "https://", "https://host/?a=b", "a b"] {
            let message = Mirror::parse(address).err().unwrap().to_string();
            assert!(message.contains("is not a mirror"), "{message}");
        }
    }

    #[test]
    fn https_is_never_given_up() {
        assert!(Mirror::parse("HTTPS://host/").unwrap().agent(1).config().https_only());
        assert!(!Mirror::parse("http://host/").unwrap().agent(1).config().https_only());
    }
}
