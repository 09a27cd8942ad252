//! The boards, and tests of their firmware. Such tests have a harness of their own, because the emulator
//! or the toolchain may be missing: they then count as ignored, and a line says what to install.
//! `LENET_REQUIRE_EMULATOR=1` makes them fail instead.

use std::collections::HashMap;
use std::fs;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use libtest_mimic::{Failed, Trial};

use crate::root;

/// A line of the table `lenet-mcu/boards.txt`.
#[derive(Clone, Debug)]
pub struct Board {
    /// What `emulate` calls it.
    pub name: String,
    /// The target it is built for; boards may share one.
    pub target: String,
    /// The bytes its model slot has.
    pub slot_bytes: usize,
    /// Whether tests on it count as ignored.
    ignored: bool,
    /// Held by the one test that builds and runs for the board's target: tests share what cargo builds.
    lock: Arc<Mutex<()>>,
}

/// Every board of the table. Says so when one cannot be tested here.
///
/// # Panics
/// When the table cannot be read.
pub fn boards() -> Vec<Board> {
    let required = std::env::var_os("LENET_REQUIRE_EMULATOR").is_some_and(|value| value == "1");
    let mut locks: HashMap<&str, Arc<Mutex<()>>> = HashMap::new();
    let table = fs::read_to_string(root().join("lenet-mcu/boards.txt")).expect("the table of boards is there");
    let mut boards = Vec::new();
    for line in table.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let mut board = Board {
            name: columns[0].to_owned(),
            target: columns[1].to_owned(),
            slot_bytes: 1024 * columns[7].parse::<usize>().expect("the size of the model slot is a number of KiB"),
            ignored: false,
            lock: Arc::clone(locks.entry(columns[1]).or_default()),
        };
        if let Err(reason) = board.check(None) {
            // Not on the standard output, where `--list` puts what other programs read.
            let name = &board.name;
            eprintln!("The firmware tests on {name} need the emulator and a Rust that builds for it: {reason}");
            eprintln!("`tests/run` installs what is missing, or says what to install.");
            board.ignored = !required;
        }
        boards.push(board);
    }
    boards
}

impl Board {
    /// Whether the firmware can be built and run here with this toolchain.
    ///
    /// # Errors
    /// What is missing.
    pub fn check(&self, toolchain: Option<&str>) -> Result<(), String> {
        let output = emulate(toolchain, &["--check", &self.name]);
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        }
    }

    /// A test of this board for the harness.
    pub fn trial(&self, name: &str, test: fn(&Self) -> Result<(), Failed>) -> Trial {
        let board = self.clone();
        let trial = Trial::test(format!("{}::{name}", self.name), move || {
            let _one_at_a_time = board.lock.lock();
            test(&board)
        });
        trial.with_ignored_flag(self.ignored)
    }

    /// Builds a binary and returns its ELF.
    ///
    /// # Errors
    /// What the build says.
    pub fn build(&self, binary: &str) -> Result<Vec<u8>, Failed> {
        let printed = succeed(emulate(None, &["--build", &self.name, binary]))?;
        let path = printed.lines().last().ok_or("the build names no ELF")?;
        Ok(fs::read(path)?)
    }
}

/// Runs `lenet-mcu/emulate`, whose help explains it, with the committed model.
///
/// # Panics
/// When there is no bash.
pub fn emulate(toolchain: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new(root().join("lenet-mcu/emulate"));
    // What cargo sets for a test is not meant for another cargo.
    command.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN");
    // The tests know the committed model only.
    command.env_remove("LENET_MODEL");
    if let Some(toolchain) = toolchain {
        command.env("LENET_TOOLCHAIN", toolchain);
    }
    command.args(arguments).stdin(Stdio::null()).output().expect("bash runs the script")
}

/// What a program printed that succeeded.
///
/// # Errors
/// What it said if it did not.
pub fn succeed(output: Output) -> Result<String, Failed> {
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
