//! `host_trainer::fetch` with servers on this machine that answer correctly, wrongly or not at all.

mod server;

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use host_trainer::fetch::{
    Digest, Downloaded, FASHION_MNIST, Failure, FetchError, MNIST, Manifest, Mismatch, PUBLISHED, RemoteFile, Summary,
    TEMPORARY_PREFIX, fetch, lines,
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

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

#[test]
fn published_data_sets_are_well_formed() {
    for manifest in PUBLISHED {
        assert_eq!(Manifest::named(manifest.name), Some(manifest));
        assert_eq!(manifest.with_mirrors(&[]), manifest);
        assert_eq!(manifest.with_mirrors(&["https://host/"]).mirrors, ["https://host/"]);
        assert!(manifest.mirrors.len() > 1);
        assert!(manifest.mirrors.iter().all(|mirror| mirror.ends_with('/')));
        // Without encryption only as a last resort, from a server that is first asked with it.
        for mirror in manifest.mirrors {
            let encrypted = mirror.replace("http://", "https://");
            assert!(manifest.mirrors.contains(&encrypted.as_str()), "{mirror}");
        }
        assert!(manifest.mirrors[0].starts_with("https://"));
        assert_eq!(manifest.relies_on_md5(), manifest.name == "kuzushiji-49");
        assert!(manifest.members.is_empty() || manifest.files.len() == 1);
        for file in manifest.files {
            assert!(["-ubyte.gz", ".npz", ".zip"].iter().any(|ending| file.name.ends_with(ending)));
            let (digest, digits) = match file.digest {
                Digest::UnpackedSha256(digest) | Digest::Sha256(digest) => (digest, 64),
                Digest::Md5(digest) => (digest, 32),
            };
            assert!(digest.len() == digits && digest.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')));
        }
    }
    assert_eq!(Manifest::named("cifar10"), None);
}

/// A zip archive with these files, all in the folder `gzip`.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(format!("gzip/{name}"), SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const MEMBERS: [&str; 2] = ["emnist-test-images-idx3-ubyte.gz", "emnist-mapping.txt"];

/// Fetches [`MEMBERS`] from an archive, expected to have this content.
fn fetch_members(archive: &[u8], mirrors: &[&str], folder: &Path) -> Result<Summary, FetchError> {
    let digest = sha256(archive);
    let files = [RemoteFile { name: "all.zip", bytes: archive.len() as u64, digest: Digest::Sha256(&digest) }];
    let manifest = Manifest { members: &MEMBERS, ..manifest(&files, mirrors) };
    fetch(&manifest, folder, &mut |_| {})
}

#[test]
fn members_are_extracted_from_an_archive_once() {
    let archive = zip(&[(MEMBERS[0], b"images"), ("other", b"not wanted"), (MEMBERS[1], b"0 48\n")]);
    let server = Server::start(3, serving(archive.clone()));
    let mirror = server.mirror();
    let folder = folder();
    let summary = fetch_members(&archive, &[&mirror], folder.path()).unwrap();
    assert_eq!(summary.downloaded[0].file, "all.zip");
    assert_eq!(summary.written, [MEMBERS[0], MEMBERS[1], "test.sha256"]);
    assert_eq!(names_in(folder.path()), [MEMBERS[1], MEMBERS[0], "test.sha256"]);
    assert_eq!(fs::read(folder.path().join(MEMBERS[0])).unwrap(), b"images");
    let record = fs::read_to_string(folder.path().join("test.sha256")).unwrap();
    assert_eq!(record.lines().next(), Some(format!("{}  {}", sha256(b"images"), MEMBERS[0]).as_str()));

    // The recorded digests make another download unnecessary.
    assert_eq!(server.asked().len(), 1);
    let summary = fetch_members(&archive, &[&mirror], folder.path()).unwrap();
    assert_eq!((summary.kept, server.asked().len()), (MEMBERS.map(str::to_owned).to_vec(), 0));

    // A lost member is extracted again, from an archive in the folder if there is one.
    fs::remove_file(folder.path().join(MEMBERS[1])).unwrap();
    fs::write(folder.path().join("all.zip"), &archive).unwrap();
    let summary = fetch_members(&archive, &[&mirror], folder.path()).unwrap();
    assert_eq!((summary.kept, summary.written), (vec!["all.zip".into(), MEMBERS[0].into()], vec![MEMBERS[1].into()]));
    assert!(folder.path().join("all.zip").exists() && server.asked().is_empty());

    // A member with other content is left alone.
    fs::write(folder.path().join(MEMBERS[0]), "mine").unwrap();
    let error = fetch_members(&archive, &[&mirror], folder.path()).unwrap_err();
    assert!(matches!(error, FetchError::WrongFile { .. }));
    assert_in(&error.to_string(), &[MEMBERS[0], &sha256(b"mine"), &sha256(b"images"), "remove it"]);
    assert_eq!(fs::read(folder.path().join(MEMBERS[0])).unwrap(), b"mine");
}

#[test]
fn an_archive_that_cannot_be_used_is_refused() {
    for (archive, expected) in [
        (zip(&[(MEMBERS[0], b"images")]), "all.zip: it does not hold emnist-mapping.txt"),
        (b"no archive".to_vec(), "all.zip: "),
    ] {
        let server = Server::start(1, serving(archive.clone()));
        let error = fetch_members(&archive, &[&server.mirror()], folder().path()).unwrap_err();
        assert!(matches!(error, FetchError::Archive { .. }));
        assert_in(&error.to_string(), &[expected, "--sha256"]);
    }
    // One with another digest is not opened.
    let (good, bad) = (zip(&[(MEMBERS[0], b"a"), (MEMBERS[1], b"b")]), zip(&[(MEMBERS[0], b"c"), (MEMBERS[1], b"d")]));
    let server = Server::start(1, serving(bad));
    let folder = folder();
    let failure = only_failure(fetch_members(&good, &[&server.mirror()], folder.path()).unwrap_err());
    assert!(matches!(failure, Failure::Content(Mismatch::Digest { .. })), "{failure}");
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn labels_are_written_unless_they_are_there() {
    let content = labels(20);
    let digest = sha256(&content);
    let server = Server::start(2, serving(content.clone()));
    let mirror = server.mirror();
    let mirrors = [mirror.as_str()];
    let files = [RemoteFile { name: "labels", bytes: 28, digest: Digest::Sha256(&digest) }];
    let manifest = Manifest { labels: &["お", "two words"], ..manifest(&files, &mirrors) };
    let folder = folder();
    assert_eq!(fetch(&manifest, folder.path(), &mut |_| {}).unwrap().written, ["labels.txt"]);
    let path = folder.path().join("labels.txt");
    assert_eq!(fs::read_to_string(&path).unwrap(), "お\ntwo words\n");
    fs::write(&path, "mine\nyours\n").unwrap();
    assert!(fetch(&manifest, folder.path(), &mut |_| {}).unwrap().written.is_empty());
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine\nyours\n");
}

#[test]
fn a_digest_of_the_file_as_sent_may_be_given() {
    let body = gzip(&labels(20));
    let digest = sha256(&body);
    let published = RemoteFile { name: NAME, bytes: 3, digest: Digest::Md5("00000000000000000000000000000000") };
    for (given, expected) in [(digest.as_str(), true), ("other", false)] {
        let server = Server::start(1, serving(body.clone()));
        let mirror = server.mirror();
        let folder = folder();
        let fetched = fetch(&manifest(&[published.with_sha256(given)], &[&mirror]), folder.path(), &mut |_| {});
        assert_eq!(fetched.is_ok(), expected);
    }
}

/// The embedded digits as files to fetch. The digests are what `sha256sum` prints for the unpacked files.
const DIGITS_10K: Manifest<'static> = Manifest {
    name: "digits-10k",
    files: &[
        RemoteFile {
            name: "train-images-idx3-ubyte.gz",
            bytes: 7_056_016,
            digest: Digest::UnpackedSha256("67342c49a8710d19d3d16ba0ba4d38f55aa2af72c0534b20f02961e0c1fb910a"),
        },
        RemoteFile {
            name: "train-labels-idx1-ubyte.gz",
            bytes: 9_008,
            digest: Digest::UnpackedSha256("28926bfa4d2f2e22af208587e1cdb69e4a6e9c66de57f0c1e5516f53c59417c8"),
        },
        RemoteFile {
            name: "t10k-images-idx3-ubyte.gz",
            bytes: 784_016,
            digest: Digest::UnpackedSha256("cc841a5b517b70cefd96dd6c111e7d6c0e589dabe9f638433ed8533e78d468ea"),
        },
        RemoteFile {
            name: "t10k-labels-idx1-ubyte.gz",
            bytes: 1_008,
            digest: Digest::UnpackedSha256("9cd574be38c6c968d44ffe25ff9e6ffe7dbdee8fdc0e4df6a293b3c6eb6a395e"),
        },
    ],
    mirrors: &[],
    members: &[],
    labels: &[],
};

/// Asserts that the folder holds every file of the manifest: without a mirror, `fetch` fails if one is missing.
fn assert_complete(manifest: Manifest<'_>, folder: &Path) {
    let summary = fetch(&Manifest { mirrors: &[], labels: &[], ..manifest }, folder, &mut |_| {}).unwrap();
    assert_eq!(summary.kept.len(), 4);
}

/// The digests of MNIST need its files; those of the embedded digits are tested everywhere.
#[test]
fn real_data_sets_match_their_digests() {
    assert_complete(DIGITS_10K, &Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/digits-10k"));
    if let Some(folder) = std::env::var_os("LENET_MNIST").filter(|folder| !folder.is_empty()) {
        assert_complete(MNIST, Path::new(&folder));
    }
}

#[test]
fn fashion_mnist_matches_its_digests() {
    // Where Debian's package dataset-fashion-mnist puts it.
    let folder = Path::new("/usr/share/datasets/fashion-mnist");
    if folder.exists() {
        assert_complete(FASHION_MNIST, folder);
    } else {
        println!("skipped: {} does not exist", folder.display());
    }
}
