//! The example `lenet-mcu/examples/minimal` in the emulator: it leaves the right class in its static variable.
//!
//! See `tests::firmware` for what happens where the emulator is missing.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use host_trainer::data::digits_10k;
use lenet_core::LeNet5;
use libtest_mimic::{Arguments, Failed};
use object::{Object, ObjectSymbol};
use rustc_demangle::demangle;
use serde_json::{Value, json};
use tests::firmware::{self, Board};
use tests::{committed_model, root};

/// The boards to run it on, which QEMU calls the same, and their targets.
const BOARDS: [(&str, &str); 2] = [("microbit", "thumbv6m-none-eabi"), ("mps2-an386", "thumbv7em-none-eabihf")];

/// The static variable with the class, and the value it has until the class is known.
const VARIABLE: &str = "minimal::CLASS";
const NOT_YET: u8 = 255;

/// The test image of the embedded data set that the example classifies.
const IMAGE: usize = 1;

/// How long the emulator may take. It needs milliseconds; the rest is for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for board in firmware::boards().iter().filter(|board| target(board).is_ok()) {
        // Plain cargo builds the example, so Debian's Rust, which `emulate` can use, does not help here.
        let only_debian = board.check(None).is_ok() && board.check(Some("installed")).is_err();
        if only_debian {
            eprintln!("{}: the example is not built, because the Rust on PATH lacks the board's target", board.name);
        }
        let trial = board.trial("the_minimal_example_classifies_its_image", classifies_its_image);
        let ignored = only_debian || trial.has_ignored_flag();
        trials.push(trial.with_ignored_flag(ignored));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn target(board: &Board) -> Result<&'static str, Failed> {
    let found = BOARDS.into_iter().find(|(name, _)| *name == board.name);
    found.map(|(_, target)| target).ok_or_else(|| "the example is not run on this board".into())
}

fn classifies_its_image(board: &Board) -> Result<(), Failed> {
    let test = digits_10k().test;
    let pixels = test.pixels(IMAGE);
    if !fs::read(folder().join("seven.pgm"))?.ends_with(pixels) {
        return Err(format!("seven.pgm is not test image {IMAGE}").into());
    }
    let label = test.labels()[IMAGE];
    let host = LeNet5::new(committed_model().model()?).classify(pixels).class();
    let elf = build(target(board)?)?;
    let address = address(&fs::read(&elf)?)?;
    let found = Emulator::start(&board.name, &elf)?.wait_for_class(address)?;
    if [usize::from(found), usize::from(label)] != [host, host] {
        return Err(format!("the board computes class {found}, the host {host}; the label is {label}").into());
    }
    Ok(())
}

fn folder() -> PathBuf {
    root().join("lenet-mcu/examples/minimal")
}

/// Builds the example as its README says, and returns the path of the ELF.
fn build(target: &str) -> Result<PathBuf, Failed> {
    let target_folder = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |path| root().join(path));
    let mut command = Command::new("cargo");
    // Cargo sets these for tests; the cargo that builds the example has to choose its own.
    command.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN");
    command.args(["build", "--release", "--locked", "--target", target]).arg("--target-dir").arg(&target_folder);
    let output = command.current_dir(folder()).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(target_folder.join(target).join("release/minimal"))
}

/// Where in RAM the variable is.
fn address(elf: &[u8]) -> Result<u64, Failed> {
    let elf = object::File::parse(elf)?;
    let is_variable =
        |symbol: &object::Symbol<'_, '_>| symbol.name().is_ok_and(|name| format!("{:#}", demangle(name)) == VARIABLE);
    let symbol = elf.symbols().find(is_variable).ok_or_else(|| format!("the ELF has no symbol {VARIABLE}"))?;
    Ok(symbol.address())
}

/// QEMU, controlled by its machine protocol QMP: one JSON object a line in each direction.
struct Emulator {
    process: Child,
    commands: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Emulator {
    fn start(machine: &str, elf: &Path) -> Result<Self, Failed> {
        let mut command = Command::new("qemu-system-arm");
        command.args(["-machine", machine, "-display", "none", "-serial", "none", "-monitor", "none"]);
        command.args(["-qmp", "stdio", "-kernel"]).arg(elf);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let commands = process.stdin.take().ok_or("no pipe to QEMU")?;
        let replies = BufReader::new(process.stdout.take().ok_or("no pipe from QEMU")?);
        let mut emulator = Self { process, commands, replies };
        emulator.execute(&json!({ "execute": "qmp_capabilities" }))?;
        Ok(emulator)
    }

    /// Runs a command and returns its result.
    fn execute(&mut self, command: &Value) -> Result<Value, Failed> {
        writeln!(self.commands, "{command}")?;
        // A greeting and events come in between.
        let mut line = String::new();
        while self.replies.read_line(&mut line)? > 0 {
            let mut reply: Value = serde_json::from_str(&line)?;
            if let Some(result) = reply.get_mut("return") {
                return Ok(result.take());
            }
            if reply.get("error").is_some() {
                return Err(format!("QEMU refuses {command}: {reply}").into());
            }
            line.clear();
        }
        Err("QEMU ended".into())
    }

    /// The byte at an address, as the board's processor sees it.
    fn byte(&mut self, address: u64) -> Result<u8, Failed> {
        let arguments = json!({ "command-line": format!("x /1ub {address:#x}") });
        let reply = self.execute(&json!({ "execute": "human-monitor-command", "arguments": arguments }))?;
        // Such as "20000000:   7".
        let (_, value) =
            reply.as_str().and_then(|text| text.split_once(':')).ok_or_else(|| format!("no byte in {reply}"))?;
        Ok(value.trim().parse()?)
    }

    /// Waits until the program has stored a class.
    fn wait_for_class(&mut self, address: u64) -> Result<u8, Failed> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            match self.byte(address)? {
                // RAM is zero until the program has started. The image is not a zero, so this is not its class.
                0 | NOT_YET => thread::sleep(Duration::from_millis(20)),
                class => return Ok(class),
            }
        }
        Err(format!("no class in {VARIABLE} after {PATIENCE:?}").into())
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Nothing can be done about a process that cannot be ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
