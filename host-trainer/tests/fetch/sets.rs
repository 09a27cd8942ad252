//! What is particular to a data set: the published ones, files in an archive, labels, and digests that the user gives.

use host_trainer::fetch::{FASHION_MNIST, MNIST, PUBLISHED};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

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
