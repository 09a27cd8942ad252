//! What the command prints where: help, manual, logs, `--quiet`, `--json`, colours, a closed pipe, a full disk.

#[path = "common/command.rs"]
mod command;
mod common;

use std::fs;
use std::io::pipe;
use std::path::Path;
use std::process::{Command, Output};

use clap::{CommandFactory, Parser};
use command::{digits, refusal, stdout};
use common::small_data;
use host_trainer::commands::Cli;
use serde_json::Value;
use tempfile::TempDir;

/// Starts a remark at the end of an example.
const REMARK: &str = "   (";

/// An address where nothing listens.
const NO_MIRROR: &str = "http://127.0.0.1:9";

fn lenet(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lenet"));
    command.args(arguments).current_dir(folder);
    command
}

/// A folder with the data set `small`, `float.safetensors`, `int8.lenet`, `int8.tflite`, `drawn.png` and a run
/// `finished`.
fn workplace() -> TempDir {
    let folder = TempDir::new().unwrap();
    small_data(folder.path(), 200);
    fs::copy(digits("digits-10k.safetensors"), folder.path().join("float.safetensors")).unwrap();
    fs::copy(digits("digits-10k.lenet"), folder.path().join("int8.lenet")).unwrap();
    fs::copy(digits("png/0-label-1.png"), folder.path().join("drawn.png")).unwrap();
    stdout(folder.path(), &["export", "int8.lenet", "--format", "tflite", "-o", "int8.tflite"]);
    stdout(folder.path(), &["train", "--data", "small", "--epochs", "0", "-o", "finished"]);
    folder
}

fn subcommands() -> Vec<clap::Command> {
    let command = Cli::command();
    command.get_subcommands().cloned().chain([command.clone()]).collect()
}

#[test]
fn without_arguments_it_shows_its_help() {
    let help = refusal(Path::new("."), 2, &[]);
    assert!(help.contains("Usage: lenet <COMMAND>") && help.contains("Example"), "{help}");
}

#[test]
fn every_help_has_an_example_and_every_example_parses() {
    for mut command in subcommands() {
        let help = command.render_long_help().to_string();
        let name = command.get_name().to_owned();
        assert!(help.contains("\nExample"), "{name}: {help}");
        let help = help.replace("\\\n", " ");
        let mut examples = 0;
        for line in help.lines().filter_map(|line| line.strip_prefix("  lenet ")) {
            let end = [REMARK, " | ", " > ", " && "].iter().filter_map(|mark| line.find(mark)).min();
            let words = line[..end.unwrap_or(line.len())].split_whitespace().map(|word| word.replace(['\'', '"'], ""));
            if let Err(error) = Cli::try_parse_from(["lenet".to_owned()].into_iter().chain(words)) {
                panic!("{name}: lenet {line}\n{error}");
            }
            examples += usize::from(name == "lenet" || line.starts_with(&name));
        }
        assert!(examples > 0, "{name}: no example is of this subcommand: {help}");
    }
}

#[test]
fn misspelt_subcommands_get_a_suggestion() {
    for (misspelt, meant) in [("trian", "train"), ("quantise", "quantize"), ("evla", "eval"), ("inspekt", "inspect")] {
        let message = refusal(Path::new("."), 2, &[misspelt]);
        assert!(message.contains(&format!("a similar subcommand exists: '{meant}'")), "{message}");
    }
}

#[test]
fn completion_scripts_complete_the_command_line() {
    let folder = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(folder.path(), &["completions", shell]);
        for command in Cli::command().get_subcommands() {
            assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
        }
    }
    fs::write(folder.path().join("lenet.bash"), stdout(folder.path(), &["completions", "bash"])).unwrap();
    let completed = |words: &str, index: usize| {
        let script = format!(
            "source lenet.bash; COMP_WORDS=({words}) COMP_CWORD={index}
             _lenet lenet \"${{COMP_WORDS[{index}]}}\" \"${{COMP_WORDS[{index} - 1]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        let output = Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(completed("lenet qu", 1), "quantize\n");
    assert_eq!(completed("lenet train --see", 2), "--seed\n");
    assert_eq!(completed("lenet train --recipe tu", 3), "tutorial\n");
}

#[test]
fn the_manual_has_a_page_for_each_subcommand() {
    let folder = TempDir::new().unwrap();
    let first = stdout(folder.path(), &["man"]);
    assert!(first.contains(".SH NAME\nlenet \\- Trains LeNet\\-5"), "{first}");
    let pages = Cli::command().get_subcommands().count() + 1;
    assert_eq!(stdout(folder.path(), &["man", "-o", "man1"]), format!("wrote  man1: {pages} pages\n"));
    assert_eq!(fs::read_dir(folder.path().join("man1")).unwrap().count(), pages);
    assert_eq!(fs::read_to_string(folder.path().join("man1/lenet.1")).unwrap(), first);
    for command in Cli::command().get_subcommands() {
        let path = folder.path().join(format!("man1/lenet-{}.1", command.get_name()));
        let page = fs::read_to_string(&path).unwrap();
        let examples = page.split_once("\n.nf\n").unwrap_or_else(|| panic!("no example: {page}")).1;
        assert!(examples.contains(&format!("lenet {}", command.get_name().replace('-', "\\-"))), "{page}");
    }
    fs::write(folder.path().join("man1/lenet-train.1"), "mine").unwrap();
    let message = refusal(folder.path(), 1, &["man", "-o", "man1"]);
    assert!(message.contains("already exists") && message.contains("--force"), "{message}");
    assert_eq!(fs::read_to_string(folder.path().join("man1/lenet-train.1")).unwrap(), "mine");
    assert_eq!(stdout(folder.path(), &["man", "-o", "man1", "--force", "-q"]), "");
    assert_ne!(fs::read_to_string(folder.path().join("man1/lenet-train.1")).unwrap(), "mine");
}

/// Commands that write files or take a while, and so report progress.
const WORK: [&[&str]; 8] = [
    &["train", "--data", "small", "--recipe", "tutorial", "--epochs", "2", "--validation", "40", "-o", "run"],
    &["quantize", "float.safetensors", "--data", "small", "-o", "plain.lenet"],
    &["quantize", "float.safetensors", "--data", "small", "--qat", "2", "-o", "qat.lenet"],
    &["export", "int8.lenet", "--format", "c", "-o", "digits.c"],
    &["import-tflite", "int8.tflite", "-o", "again.lenet"],
    &["report", "finished", "-o", "page.html"],
    &["errors", "int8.lenet", "--data", "small", "-o", "misread"],
    &["show", "--data", "small", "-o", "digit.png"],
];

/// Commands that answer a question.
const QUESTIONS: [&[&str]; 7] = [
    &["eval", "int8.lenet", "--data", "small"],
    &["compare", "float.safetensors", "int8.lenet", "--data", "small"],
    &["inspect", "int8.lenet"],
    &["inspect", "float.safetensors"],
    &["show", "--data", "small"],
    &["predict", "int8.lenet", "drawn.png", "--data", "small"],
    &["errors", "int8.lenet", "--data", "small"],
];

#[test]
fn logs_are_plain_lines() {
    let folder = workplace();
    let fetch: &[&str] = &["fetch", "--mirror", NO_MIRROR];
    for arguments in WORK.iter().chain(&QUESTIONS).chain([&fetch]) {
        let output = lenet(folder.path(), arguments).output().unwrap();
        assert_eq!(output.status.success(), *arguments != fetch, "{arguments:?}");
        for text in [&output.stdout, &output.stderr] {
            let text = std::str::from_utf8(text).unwrap();
            assert!(!text.contains(['\r', '\u{1b}', '\u{8}']), "{arguments:?}: {text:?}");
            assert!(text.is_empty() || text.ends_with('\n'), "{arguments:?}: {text:?}");
        }
        let epochs = String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.starts_with("epoch ")).count();
        assert_eq!(epochs, if arguments.contains(&"--epochs") || arguments.contains(&"--qat") { 2 } else { 0 });
        assert_eq!(output.stderr.is_empty(), *arguments != fetch, "{arguments:?}");
    }
}

#[test]
fn quiet_prints_errors_only() {
    let folder = workplace();
    for arguments in WORK {
        let output = lenet(folder.path(), arguments).arg("--quiet").output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        assert_eq!((output.stdout, output.stderr), (vec![], vec![]), "{arguments:?}");
        let message = refusal(folder.path(), 1, &[arguments, &["-q"]].concat());
        assert!(message.starts_with("error: ") && message.contains("already exists"), "{message}");
    }
    let message = refusal(folder.path(), 1, &["fetch", "--quiet", "--mirror", NO_MIRROR]);
    assert!(message.starts_with("error: "), "{message}");
}

#[test]
fn json_is_the_only_output_even_with_quiet() {
    let folder = workplace();
    for quiet in [[].as_slice(), &["--quiet"]] {
        let arguments = [WORK[0], &["--json", "--force"], quiet].concat();
        let output = lenet(folder.path(), &arguments).output().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["data"], "small");
        assert_eq!(output.stderr, b"");
    }
    for arguments in QUESTIONS {
        let output = lenet(folder.path(), arguments).arg("--json").output().unwrap();
        assert!(serde_json::from_slice::<Value>(&output.stdout).unwrap().is_object(), "{arguments:?}");
        assert_eq!(output.stderr, b"");
    }
}

#[test]
fn a_closed_pipe_ends_the_program_silently() {
    let folder = workplace();
    let helps: [&[&str]; 2] = [&["completions", "bash"], &["man"]];
    for arguments in WORK.iter().chain(&QUESTIONS).chain(&helps) {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let output = lenet(folder.path(), arguments).stdout(writer).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), message.as_str()), (Some(141), ""), "{arguments:?}");
    }
    // Nor does the program panic when it cannot print an error message.
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let status = lenet(folder.path(), &["inspect", "nothing.lenet"]).stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = lenet(Path::new("."), &["man"]).stdout(full).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(message.starts_with("error: cannot write to standard output: "), "{message}");
}

#[test]
fn the_environment_forces_and_forbids_colours() {
    let folder = workplace();
    // The int8 model of another network causes warnings.
    let arguments = ["compare", "float.safetensors", "untrained/model.lenet", "--data", "small"];
    stdout(folder.path(), &["train", "--data", "small", "--epochs", "0", "-o", "untrained"]);
    let outcome = |variables: &[(&str, &str)]| {
        let mut command = lenet(folder.path(), &arguments);
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").envs(variables.iter().copied());
        let Output { stdout, .. } = command.output().unwrap();
        String::from_utf8(stdout).unwrap()
    };
    let plain = outcome(&[]);
    assert!(plain.contains("warning") && !plain.contains('\u{1b}'), "{plain}");
    let coloured = outcome(&[("CLICOLOR_FORCE", "1")]);
    assert!(coloured.contains("\u{1b}[33m"), "{coloured}");
    assert_eq!(outcome(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), plain);
}
