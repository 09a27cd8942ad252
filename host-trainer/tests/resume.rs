//! Resuming a run that was killed or interrupted yields the same bytes as an undisturbed run.
#![cfg(unix)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::small_data;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tempfile::TempDir;

/// Long enough to be killed halfway: some seconds on a slow machine.
const TRAIN: [&str; 13] = [
    "train",
    "--data",
    "small",
    "--epochs",
    "30",
    "--batch",
    "40",
    "--validation",
    "100",
    "--checkpoint-every",
    "2",
    "--json",
    "-o",
];

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lenet"));
    command.args(arguments).current_dir(folder);
    command
}

fn output(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn spawn(folder: &Path, arguments: &[&str]) -> Child {
    command(folder, arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Everything a run wrote, except for times.
#[derive(PartialEq)]
struct Written {
    float: Vec<u8>,
    int8: Vec<u8>,
    metrics: Vec<Value>,
    summary: Value,
}

fn result(run: &Path) -> Written {
    let mut names: Vec<_> = fs::read_dir(run).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["metrics.jsonl", "model.lenet", "model.safetensors", "report.html", "summary.json"]);
    let without_times = |text: &str| {
        let mut value: Value = serde_json::from_str(text).unwrap();
        for key in ["seconds", "train_seconds", "seconds_per_epoch", "threads"] {
            value.as_object_mut().unwrap().remove(key);
        }
        value
    };
    let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    Written {
        float: fs::read(run.join("model.safetensors")).unwrap(),
        int8: fs::read(run.join("model.lenet")).unwrap(),
        metrics: metrics.lines().map(without_times).collect(),
        summary: without_times(&fs::read_to_string(run.join("summary.json")).unwrap()),
    }
}

/// A folder with data, the result of an undisturbed run on it, and how long that run took.
fn undisturbed() -> (TempDir, Written, Duration) {
    let folder = TempDir::new().unwrap();
    small_data(folder.path(), 1_100);
    let start = Instant::now();
    let run = output(folder.path(), &[TRAIN.as_slice(), &["whole"]].concat());
    assert!(run.status.success(), "{}", stderr(&run));
    let expected = result(&folder.path().join("whole"));
    (folder, expected, start.elapsed())
}

#[test]
fn a_run_killed_at_ten_random_moments_ends_with_the_same_bytes() {
    let (folder, expected, whole) = undisturbed();
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (mut kills, mut finished) = (0, 0);
    while kills < 10 {
        let run = folder.path().join("killed");
        // A run that was killed before its first checkpoint has to start from the beginning.
        let begun = run.join("checkpoint").exists();
        let begin = [TRAIN.as_slice(), &["killed", "--force"]].concat();
        let resume = ["train", "--resume", "killed", "--json", "--threads", if kills % 2 == 0 { "1" } else { "2" }];
        let mut child = spawn(folder.path(), if begun { &resume } else { &begin });
        sleep(whole.mul_f64(rng.random_range(0.0..0.6)));
        let done = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        if done {
            assert!(output.status.success(), "{}", stderr(&output));
            assert!(result(&run) == expected, "the result differs after {kills} kills");
            finished += 1;
        } else {
            kills += 1;
        }
    }
    let run = folder.path().join("killed");
    if run.join("checkpoint").exists() {
        let output = output(folder.path(), &["train", "--resume", "killed", "--json"]);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(result(&run) == expected, "the result differs after the last kill");
        finished += 1;
    }
    assert!(finished > 0, "no run finished");
}

#[test]
fn ctrl_c_writes_a_checkpoint_and_says_how_to_resume() {
    let (folder, expected, whole) = undisturbed();
    // Without periodic checkpoints: only Ctrl-C writes one.
    let arguments: Vec<&str> = TRAIN.iter().map(|word| if *word == "2" { "0" } else { word }).collect();
    let mut child = spawn(folder.path(), &[arguments.as_slice(), &["run"]].concat());
    sleep(whole.mul_f64(0.3));
    assert!(child.try_wait().unwrap().is_none(), "the run ended before it could be interrupted");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let interrupted = child.wait_with_output().unwrap();
    assert_eq!(interrupted.status.code(), Some(130), "{}", stderr(&interrupted));
    assert!(stderr(&interrupted).contains("lenet train --resume run"), "{}", stderr(&interrupted));

    // A new run does not overwrite it by mistake.
    let again = output(folder.path(), &[TRAIN.as_slice(), &["run"]].concat());
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("unfinished run") && stderr(&again).contains("--resume"), "{}", stderr(&again));

    let resumed = output(folder.path(), &["train", "--resume", "run"]);
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    assert!(result(&folder.path().join("run")) == expected, "the result differs after Ctrl-C");
}

#[test]
fn a_full_disk_keeps_the_last_good_checkpoint_and_a_bad_one_is_refused() {
    let folder = TempDir::new().unwrap();
    small_data(folder.path(), 1_100);
    let mut child = spawn(folder.path(), &[TRAIN.as_slice(), &["run"]].concat());
    let checkpoint = folder.path().join("run/checkpoint");
    while !checkpoint.exists() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended without a checkpoint");
        sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let good = fs::read(&checkpoint).unwrap();

    // Files of this process may not exceed 64 KiB. Writing more fails, as on a full disk.
    let limited = format!("trap '' XFSZ; ulimit -f 64; exec {} train --resume run --json", env!("CARGO_BIN_EXE_lenet"));
    let full = Command::new("bash").args(["-c", &limited]).current_dir(folder.path()).output().unwrap();
    assert_eq!(full.status.code(), Some(1), "{}", stderr(&full));
    assert!(stderr(&full).contains("cannot write run/checkpoint"), "{}", stderr(&full));
    assert!(fs::read(&checkpoint).unwrap() == good, "the last good checkpoint is gone");
    assert_eq!(fs::read_dir(folder.path().join("run")).unwrap().count(), 1);

    fs::write(&checkpoint, &good[..good.len() / 2]).unwrap();
    let damaged = output(folder.path(), &["train", "--resume", "run"]);
    assert_eq!(damaged.status.code(), Some(1));
    let damaged = stderr(&damaged);
    assert!(damaged.contains("run/checkpoint: this is not a checkpoint, or it is damaged"), "{damaged}");
    fs::remove_file(&checkpoint).unwrap();
    let missing = output(folder.path(), &["train", "--resume", "run"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("there is no such file"), "{}", stderr(&missing));

    // The images are no longer those the run began with.
    fs::write(&checkpoint, &good).unwrap();
    let labels = folder.path().join("small/train-labels-idx1-ubyte");
    let mut changed = fs::read(&labels).unwrap();
    changed[8] = (changed[8] + 1) % 10;
    fs::write(&labels, changed).unwrap();
    let other = output(folder.path(), &["train", "--resume", "run"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(stderr(&other).contains("not those the run was started with"), "{}", stderr(&other));
}

#[test]
fn resume_refuses_other_options() {
    let folder = TempDir::new().unwrap();
    for other in [["--lr", "0.1"], ["--seed", "2"], ["-o", "other"], ["--recipe", "tutorial"]] {
        let refused = output(folder.path(), &[["train", "--resume", "run"].as_slice(), &other].concat());
        assert_eq!(refused.status.code(), Some(2), "{other:?}");
        assert!(stderr(&refused).contains("cannot be used with"), "{}", stderr(&refused));
    }
}
