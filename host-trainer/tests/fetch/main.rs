//! `host_trainer::fetch` with servers on this machine that answer correctly, wrongly or not at all.

mod server;
mod sets;

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use host_trainer::fetch::{
    Digest, Downloaded, Failure, FetchError, Manifest, Mismatch, RemoteFile, Summary, TEMPORARY_PREFIX, fetch, lines,
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use server::{DEAD_MIRROR, Handler, Server, cutting, length, missing, send, serving};

const NAME: &str = "t10k-labels-idx1-ubyte.gz";
const PLAIN_NAME: &str = "t10k-labels-idx1-ubyte";
const IMAGES: &str = "t10k-images-idx3-ubyte.gz";

fn labels(count: u8) -> Vec<u8> {
    let mut content = vec![0, 0, 8, 1, 0, 0, 0, count];
    content.extend((0..count).map(|index| index % 10));
    content
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Fetches one file, expected to have this content, from the mirrors.
fn fetch_one(content: &[u8], mirrors: &[String], folder: &Path) -> Result<Summary, FetchError> {
    let sha256 = sha256(content);
    let files = [RemoteFile { name: NAME, bytes: content.len() as u64, digest: Digest::UnpackedSha256(&sha256) }];
    let mirrors: Vec<&str> = mirrors.iter().map(String::as_str).collect();
    fetch(&manifest(&files, &mirrors), folder, &mut |_| {})
}

/// A data set of plain files.
fn manifest<'a>(files: &'a [RemoteFile<'a>], mirrors: &'a [&'a str]) -> Manifest<'a> {
    Manifest { name: "test", files, mirrors, members: &[], labels: &[] }
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn assert_holds_only(folder: &Path, file: &[u8]) {
    assert_eq!(names_in(folder), [NAME]);
    assert_eq!(fs::read(folder.join(NAME)).unwrap(), file);
}

fn assert_in(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing in: {message}");
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The failure of a fetch from a single mirror.
fn only_failure(error: FetchError) -> Failure {
    match error {
        FetchError::NoMirror { mut attempts, .. } if attempts.len() == 1 => attempts.remove(0).failure,
        other => panic!("one mirror should have failed: {other}"),
    }
}

#[test]
fn files_arrive_as_they_were_sent() {
    let contents = [(IMAGES, vec![7; 50_000]), (NAME, labels(20))];
    let digests = contents.clone().map(|(_, content)| sha256(&content));
    let bodies = contents.clone().map(|(_, content)| gzip(&content));
    let served = bodies.clone();
    let server = Server::start(
        2,
        Box::new(move |path, stream| {
            let body = &served[usize::from(path.ends_with(NAME))];
            send(stream, "200 OK", &length(body.len()), body);
        }),
    );
    let mirror = server.mirror();
    let files: Vec<_> = contents
        .iter()
        .zip(&digests)
        .map(|((name, content), sha256)| RemoteFile {
            name,
            bytes: content.len() as u64,
            digest: Digest::UnpackedSha256(sha256),
        })
        .collect();
    let folder = folder();
    let target = folder.path().join("missing/so far");
    let mut report = Vec::new();
    let mirrors = [mirror.as_str()];
    let summary = fetch(&manifest(&files, &mirrors), &target, &mut lines(&mut report)).unwrap();

    assert_eq!(names_in(&target), [IMAGES, NAME]);
    for ((name, _), body) in contents.iter().zip(&bodies) {
        assert_eq!(&fs::read(target.join(name)).unwrap(), body);
    }
    let downloaded = |index: usize| Downloaded {
        file: contents[index].0.to_owned(),
        bytes: bodies[index].len() as u64,
        mirror: mirror.clone(),
    };
    assert_eq!(summary, Summary { kept: vec![], downloaded: vec![downloaded(0), downloaded(1)], written: vec![] });
    assert_eq!(server.asked(), [format!("/data/{IMAGES}"), format!("/data/{NAME}")]);
    let expected = format!("{IMAGES}: {} bytes from 127.0.0.1\n", bodies[0].len());
    assert_in(&String::from_utf8(report).unwrap(), &[&expected]);
}

#[cfg(unix)]
#[test]
fn files_are_readable_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let content = labels(5);
    let server = Server::start(1, serving(gzip(&content)));
    let folder = folder();
    fetch_one(&content, &[server.mirror()], folder.path()).unwrap();
    let ordinary = folder.path().join("ordinary");
    fs::write(&ordinary, "").unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(folder.path().join(NAME)), mode(ordinary));
}

#[test]
fn wrong_content_is_refused() {
    let (published, other) = (labels(20), labels(19));
    let server = Server::start(1, serving(gzip(&other)));
    let folder = folder();
    let error = fetch_one(&published, &[server.mirror()], folder.path()).unwrap_err();
    assert_in(&error.to_string(), &[NAME, &sha256(&published), &sha256(&other), &server.mirror(), "--mirror"]);
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn damaged_gzip_is_refused() {
    let content = labels(20);
    let body = gzip(&content);
    for damaged in [body[..body.len() - 4].to_vec(), [&body[..20], &body[21..]].concat()] {
        let server = Server::start(1, serving(damaged));
        let folder = folder();
        let failure = only_failure(fetch_one(&content, &[server.mirror()], folder.path()).unwrap_err());
        assert!(matches!(failure, Failure::Content(Mismatch::Unreadable(_))), "{failure}");
        assert!(names_in(folder.path()).is_empty());
    }
}

#[test]
fn after_a_failure_the_next_mirror_starts_from_the_beginning() {
    let content = labels(200);
    let body = gzip(&content);
    let failing: [fn(Vec<u8>) -> Handler; 3] = [cutting, |_| missing(), |_| serving(gzip(b"something else"))];
    for answer in failing {
        let bad = Server::start(1, answer(body.clone()));
        let good = Server::start(1, serving(body.clone()));
        let folder = folder();
        let summary = fetch_one(&content, &[bad.mirror(), good.mirror()], folder.path()).unwrap();
        assert_eq!(summary.downloaded[0].mirror, good.mirror());
        assert_eq!(bad.asked().len(), 1);
        assert_holds_only(folder.path(), &body);
    }
}

#[test]
fn a_dead_mirror_is_skipped() {
    let content = labels(20);
    let server = Server::start(1, serving(gzip(&content)));
    let folder = folder();
    fetch_one(&content, &[DEAD_MIRROR.to_owned(), server.mirror()], folder.path()).unwrap();
    assert_holds_only(folder.path(), &gzip(&content));
}

#[test]
fn a_mirror_that_failed_is_asked_last_for_the_next_file() {
    let content = labels(20);
    let digest = sha256(&content);
    let files = [IMAGES, NAME].map(|name| RemoteFile {
        name,
        bytes: content.len() as u64,
        digest: Digest::UnpackedSha256(&digest),
    });
    let bad = Server::start(2, missing());
    let good = Server::start(2, serving(gzip(&content)));
    let folder = folder();
    let mirrors = [bad.mirror(), good.mirror()];
    let mirrors = [mirrors[0].as_str(), mirrors[1].as_str()];
    fetch(&manifest(&files, &mirrors), folder.path(), &mut |_| {}).unwrap();
    assert_eq!((bad.asked().len(), good.asked().len()), (1, 2));
}

#[test]
fn the_error_lists_every_mirror_and_the_remedy() {
    let content = labels(200);
    let body = gzip(&content);
    let servers = [Server::start(1, missing()), Server::start(1, cutting(body.clone()))];
    let mirrors = [servers[0].mirror(), DEAD_MIRROR.to_owned(), servers[1].mirror()];
    let folder = folder();
    let message = fetch_one(&content, &mirrors, folder.path()).unwrap_err().to_string();
    assert_in(&message, &[NAME, &folder.path().display().to_string(), "try again", "--mirror URL", "--data"]);
    assert_in(&message, &[&mirrors[0], &mirrors[1], &mirrors[2]]);
    let cut = format!("cut after {} of {} bytes", body.len() / 2, body.len());
    assert_in(&message, &["status 404", "refused", &cut]);
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn redirects_are_followed_up_to_a_limit() {
    let content = labels(20);
    let body = gzip(&content);
    let target = Server::start(1, serving(body.clone()));
    let elsewhere = format!("Location: {}{NAME}\r\nContent-Length: 0\r\n", target.mirror());
    let server = Server::start(1, Box::new(move |_, stream| send(stream, "302 Found", &elsewhere, b"")));
    let folder_one = folder();
    fetch_one(&content, &[server.mirror()], folder_one.path()).unwrap();
    assert_holds_only(folder_one.path(), &body);

    let ring = Box::new(|path: &str, stream: &mut TcpStream| {
        send(stream, "302 Found", &format!("Location: {path}\r\nContent-Length: 0\r\n"), b"");
    });
    let server = Server::start(50, ring);
    let folder_two = folder();
    let error = fetch_one(&content, &[server.mirror()], folder_two.path()).unwrap_err();
    assert_in(&error.to_string(), &[NAME, "too many redirects"]);
    assert!(server.asked().len() < 20);
    assert!(names_in(folder_two.path()).is_empty());
}

#[test]
fn a_download_stops_when_it_is_longer_than_the_file_can_be() {
    let announced: Handler = Box::new(|_, stream| send(stream, "200 OK", &length(1 << 30), &[0; 1000]));
    // Without a length the body ends with the connection, and this one never ends.
    let endless: Handler = Box::new(|_, stream| {
        send(stream, "200 OK", "", b"");
        let _ = stream.set_write_timeout(Some(Duration::from_secs(10)));
        while stream.write_all(&[0; 4096]).is_ok() {}
    });
    for answer in [announced, endless] {
        let server = Server::start(1, answer);
        let folder = folder();
        let failure = only_failure(fetch_one(&labels(20), &[server.mirror()], folder.path()).unwrap_err());
        assert!(matches!(failure, Failure::TooLarge { .. }), "{failure}");
        assert!(names_in(folder.path()).is_empty());
    }
}

#[test]
fn unpacking_stops_when_the_content_is_too_long() {
    let server = Server::start(1, serving(gzip(&vec![0; 50_000_000])));
    let folder = folder();
    let failure = only_failure(fetch_one(&labels(20), &[server.mirror()], folder.path()).unwrap_err());
    assert!(matches!(failure, Failure::Content(Mismatch::TooLong { expected: 28 })), "{failure}");
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn a_correct_file_is_kept_and_not_requested() {
    let content = labels(20);
    for (name, file) in [(NAME, gzip(&content)), (PLAIN_NAME, content.clone())] {
        let server = Server::start(1, serving(gzip(&content)));
        let folder = folder();
        fs::write(folder.path().join(name), &file).unwrap();
        let summary = fetch_one(&content, &[server.mirror()], folder.path()).unwrap();
        assert_eq!(summary, Summary { kept: vec![name.to_owned()], ..Summary::default() });
        assert_eq!(names_in(folder.path()), [name]);
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), file);
        assert!(server.asked().is_empty());
    }
}

#[test]
fn a_wrong_file_is_an_error_and_is_not_touched() {
    let content = labels(20);
    for (name, file) in [(NAME, gzip(&labels(19))), (NAME, b"\x1f\x8bdamaged".to_vec()), (PLAIN_NAME, labels(19))] {
        let server = Server::start(1, serving(gzip(&content)));
        let folder = folder();
        let path = folder.path().join(name);
        fs::write(&path, &file).unwrap();
        let error = fetch_one(&content, &[server.mirror()], folder.path()).unwrap_err();
        assert!(matches!(error, FetchError::WrongFile { .. }));
        assert_in(&error.to_string(), &[&path.display().to_string(), "remove it"]);
        assert_eq!(names_in(folder.path()), [name]);
        assert_eq!(fs::read(path).unwrap(), file);
        assert!(server.asked().is_empty());
    }
}

#[test]
fn a_file_that_appears_during_the_download_is_not_touched() {
    let content = labels(20);
    let folder = folder();
    let path = folder.path().join(NAME);
    let (appearing, body) = (path.clone(), gzip(&content));
    let answer: Handler = Box::new(move |_, stream| {
        fs::write(&appearing, "somebody's").unwrap();
        send(stream, "200 OK", &length(body.len()), &body);
    });
    let server = Server::start(1, answer);
    let error = fetch_one(&content, &[server.mirror()], folder.path()).unwrap_err();
    assert!(matches!(error, FetchError::Write { .. }));
    assert_in(&error.to_string(), &[&path.display().to_string()]);
    assert_holds_only(folder.path(), b"somebody's");
}

#[test]
fn a_folder_that_cannot_be_created_is_named() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for target in [file.clone(), file.join("below")] {
        let error = fetch_one(&labels(20), &[DEAD_MIRROR.to_owned()], &target).unwrap_err();
        assert!(matches!(error, FetchError::Folder { .. }));
        assert_in(&error.to_string(), &[&target.display().to_string(), "--to"]);
    }
}

#[test]
fn leftovers_of_an_interrupted_run_are_removed() {
    let content = labels(20);
    let server = Server::start(1, serving(gzip(&content)));
    let folder = folder();
    fs::write(folder.path().join(format!("{TEMPORARY_PREFIX}abc")), "half").unwrap();
    fetch_one(&content, &[server.mirror()], folder.path()).unwrap();
    assert_holds_only(folder.path(), &gzip(&content));
}

#[test]
fn a_bad_mirror_address_is_refused_first() {
    let folder = folder();
    let target = folder.path().join("new");
    let error = fetch_one(&labels(20), &["mirror.example/mnist".to_owned()], &target).unwrap_err();
    assert_in(&error.to_string(), &["\"mirror.example/mnist\"", "https://"]);
    assert!(!target.exists());
}
