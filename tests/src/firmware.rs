//! The boards, and what tests of their firmware share.
//!
//! Tests of firmware have a harness of their own, because the emulator or the toolchain may be missing. The tests then
//! count as ignored, and a line says what to install. With `LENET_REQUIRE_EMULATOR=1` they fail instead.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Failed, Trial};

use crate::root;

/// A line of the table `lenet-mcu/boards.txt`. Clones share the firmware they build.
#[derive(Clone, Debug)]
pub struct Board {
    /// Its name, as `emulate` takes it.
    pub name: String,
    /// The size of its model slot, in bytes.
    pub slot_bytes: usize,
    /// Whether tests on it count as ignored.
    ignored: bool,
    /// Its RAM, KiB.
    pub ram_kib: usize,
    /// The ELFs built so far, by the name of the binary.
    built: Arc<Mutex<HashMap<String, PathBuf>>>,
    /// Held while a test runs on any board with this board's target, because such boards share a build folder.
    target_lock: Arc<Mutex<()>>,
}

/// Every board in the table. Prints the reason if one cannot be tested here.
///
/// # Panics
/// When the table cannot be read.
pub fn boards() -> Vec<Board> {
    let required = std::env::var_os("LENET_REQUIRE_EMULATOR").is_some_and(|value| value == "1");
    let mut locks: HashMap<&str, Arc<Mutex<()>>> = HashMap::new();
    let table = fs::read_to_string(root().join("lenet-mcu/boards.txt")).expect("boards.txt is part of the repository");
    let mut boards = Vec::new();
    for line in table.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let mut board = Board {
            name: columns[0].to_owned(),
            slot_bytes: 1024 * columns[7].parse::<usize>().expect("the size of the model slot is a number of KiB"),
            ram_kib: columns[6].parse().expect("the RAM is a number of KiB"),
            ignored: false,
            built: Arc::default(),
            target_lock: Arc::clone(locks.entry(columns[1]).or_default()),
        };
        if let Err(reason) = board.check(None) {
            // On the standard error: other programs read what `--list` prints on the standard output.
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
    /// Whether this toolchain (`LENET_TOOLCHAIN`; by default any) can build the firmware here, and the emulator run it.
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

    /// Whether its RAM holds a frame and what its preparation needs beside the stack.
    pub fn holds_a_frame(&self) -> bool {
        self.ram_kib >= 16
    }

    /// A test of this board for the harness.
    pub fn trial(&self, name: &str, test: fn(&Self) -> Result<(), Failed>) -> Trial {
        let board = self.clone();
        let trial = Trial::test(format!("{}::{name}", self.name), move || {
            let _one_at_a_time = board.target_lock.lock();
            test(&board)
        });
        trial.with_ignored_flag(self.ignored)
    }

    /// Builds a binary with the committed model, unless an earlier call did, and returns the path of its ELF.
    ///
    /// # Errors
    /// The build's error messages.
    pub fn elf(&self, binary: &str) -> Result<PathBuf, Failed> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(elf) = built.get(binary) {
            return Ok(elf.clone());
        }
        let printed = succeed(emulate(None, &["--build", &self.name, binary]))?;
        let elf = PathBuf::from(printed.lines().last().ok_or("the build prints no path")?);
        built.insert(binary.to_owned(), elf.clone());
        Ok(elf)
    }

    /// Runs a binary in the emulator, with options of `emulate`. Builds it on first use only: even a build that has
    /// nothing to do takes longer than most runs.
    ///
    /// # Errors
    /// When it cannot be built. An unsuccessful run is not an error but in the output's status.
    pub fn run(&self, binary: &str, options: &[&str]) -> Result<Output, Failed> {
        let elf = self.elf(binary)?;
        Ok(emulate(None, &[&["--elf", &self.name, text(&elf)], options].concat()))
    }
}

/// Runs `lenet-mcu/emulate` (see its `--help`) with the committed model.
///
/// # Panics
/// When there is no bash.
pub fn emulate(toolchain: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new(root().join("lenet-mcu/emulate"));
    // Cargo sets these for tests; the cargo that builds the firmware has to choose its own.
    command.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN");
    // The tests expect the answers of the committed model.
    command.env_remove("LENET_MODEL");
    if let Some(toolchain) = toolchain {
        command.env("LENET_TOOLCHAIN", toolchain);
    }
    command.args(arguments).stdin(Stdio::null()).output().expect("bash runs the script")
}

/// The standard output of a program that succeeded.
///
/// # Errors
/// The exit status and the standard error if it did not.
pub fn succeed(output: Output) -> Result<String, Failed> {
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// A path as an argument of `emulate`.
///
/// # Panics
/// When it is not UTF-8.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("paths in the target folder and temporary paths are UTF-8")
}
