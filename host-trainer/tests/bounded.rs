//! Inputs without end and inputs that unpack to a thousand times their size are refused in little memory.
#![cfg(unix)]

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Memory that the command may map, in KB: it needs a tenth of that.
const LIMIT: u32 = 1_500_000;

fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/digits-10k/digits-10k.lenet")
}

/// The message of a command that must be refused, and not die for want of memory.
fn refusal(folder: &Path, arguments: &str) -> String {
    let command = format!("ulimit -v {LIMIT} && exec \"$0\" {arguments}");
    let output = Command::new("sh")
        .args(["-c", &command, env!("CARGO_BIN_EXE_lenet")])
        .current_dir(folder)
        .env("MODEL", model())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments}: {:?} {message}", output.status);
    message
}

/// Gzipped zeros after a start.
fn bomb(start: &[u8], length: u64) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(start).unwrap();
    std::io::copy(&mut std::io::repeat(0).take(length), &mut packed).unwrap();
    packed.finish().unwrap()
}

#[test]
fn devices_are_refused_in_every_place() {
    let folder = TempDir::new().unwrap();
    for arguments in [
        "eval /dev/zero",
        "inspect /dev/zero",
        "quantize /dev/zero -o out.lenet",
        "export /dev/zero --format npz -o out.npz",
        "import-tflite /dev/zero -o out.lenet",
        "predict \"$MODEL\" /dev/zero",
        "predict \"$MODEL\" - < /dev/zero",
        "eval \"$MODEL\" --data /dev/zero",
    ] {
        let message = refusal(folder.path(), arguments);
        assert!(message.starts_with("error: ") && message.contains("it "), "{arguments}: {message}");
    }
}

#[test]
fn files_that_unpack_to_gigabytes_are_refused() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let labels = [0, 0, 8, 1, 0, 0, 0, 2, 5, 9];
    let images = [[0u8, 0, 8, 3].as_slice(), &[0, 0, 0, 2], &[0, 0, 0, 28], &[0, 0, 0, 28]].concat();
    for (images, expected) in [
        (bomb(&[], 3 << 30), "type is 0x00"),
        (bomb(&images, 3 << 30), "more follow"),
        // A header that is true, but not of these two labels.
        (bomb(&[0, 0, 8, 3, 0, 0x0f, 0, 0, 0, 0, 0, 28, 0, 0, 0, 28], 1 << 30), "2 labels for 983040 images"),
    ] {
        write("t10k-images-idx3-ubyte.gz", &images);
        write("t10k-labels-idx1-ubyte", &labels);
        let message = refusal(folder.path(), "eval \"$MODEL\" --data .");
        assert!(message.contains(expected), "{message}");
    }

    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("x/data.pkl", SimpleFileOptions::default()).unwrap();
    std::io::copy(&mut std::io::repeat(b'N').take(3 << 30), &mut zip).unwrap();
    write("bomb.pt", &zip.finish().unwrap().into_inner());
    let message = refusal(folder.path(), "eval bomb.pt");
    assert!(message.contains("data.pkl is larger than 16 MB"), "{message}");
}
