//! Runs the command `lenet` in a folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn lenet(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lenet")).args(arguments).current_dir(folder).output().unwrap()
}

/// The standard output of a run that must succeed.
pub(crate) fn stdout(folder: &Path, arguments: &[&str]) -> String {
    let output = lenet(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The error message of a run that must exit with `code` and must not panic.
pub(crate) fn refusal(folder: &Path, code: i32, arguments: &[&str]) -> String {
    let output = lenet(folder, arguments);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    assert!(!message.contains("panicked"), "{message}");
    message
}

/// The path of a file in `data/digits-10k`.
pub(crate) fn digits(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/digits-10k").join(name)
}
