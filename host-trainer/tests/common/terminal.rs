//! Runs the command `lenet` on several kinds of terminal and compares what it prints with recorded output.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A kind of terminal, as described by environment variables.
#[derive(Clone, Copy)]
pub(crate) struct Terminal {
    pub(crate) name: &'static str,
    pub(crate) environment: &'static [(&'static str, &'static str)],
}

/// The three kinds. The output of a test is not a terminal, so colours have to be forced.
pub(crate) const TERMINALS: [Terminal; 3] = [
    Terminal { name: "plain", environment: &[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")] },
    Terminal { name: "256", environment: &[("CLICOLOR_FORCE", "1"), ("TERM", "xterm-256color")] },
    Terminal { name: "truecolour", environment: &[("CLICOLOR_FORCE", "1"), ("COLORTERM", "truecolor")] },
];

/// Runs the command in `folder` with these environment variables and no others that describe a terminal.
pub(crate) fn lenet_on(environment: &[(&str, &str)], folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lenet"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "TERM", "COLUMNS"] {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied()).args(arguments).current_dir(folder).output().unwrap()
}

/// The standard output of a run that must succeed.
pub(crate) fn stdout_on(environment: &[(&str, &str)], folder: &Path, arguments: &[&str]) -> String {
    let output = lenet_on(environment, folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Compares a text with the file of that name in `tests/golden`, byte for byte. If `LENET_UPDATE_GOLDEN` is set, writes
/// the file instead:
///
/// ```text
/// LENET_UPDATE_GOLDEN=1 cargo test -p host-trainer --test show --test predict
/// git diff host-trainer/tests/golden      (review what changed)
/// ```
pub(crate) fn assert_golden(name: &str, text: &str) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", name].iter().collect();
    if std::env::var_os("LENET_UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let same = expected.lines().zip(text.lines()).take_while(|(expected, found)| expected == found).count();
    assert!(
        expected == text,
        "{name} differs from line {} on; to accept the new output, set LENET_UPDATE_GOLDEN=1\nexpected {:?}\nfound    {:?}",
        same + 1,
        expected.lines().nth(same),
        text.lines().nth(same)
    );
}
