//! What an inference costs on each board stays within its budget: see `tests/budgets.toml`.
//!
//! See `tests::firmware` for what happens where the emulator is missing.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use lenet_core::architecture::IMAGE_SIDE;
use libtest_mimic::{Arguments, Failed};
use tempfile::TempDir;
use tests::budgets::{self, Budgets, Figures, KEYS, PREPARATION_KEYS};
use tests::firmware::{self, Board, succeed, text};
use tests::{mnist_or_digits, root};

/// The firmware that measures.
const BIN: &str = "bench";

/// The number of real digits on which skipping blank input has to pay.
const REAL_DIGITS: usize = 200;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for board in firmware::boards() {
        trials.push(board.trial("is_within_its_budget", is_within_its_budget));
        trials.push(board.trial("skipping_pays_on_real_digits", skipping_pays_on_real_digits));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn measure(board: &Board, options: &[&str]) -> Result<Figures, Failed> {
    Ok(budgets::figures(&succeed(board.run(BIN, options)?)?, &KEYS)?)
}

fn path() -> PathBuf {
    root().join("tests/budgets.toml")
}

fn read() -> Result<Budgets, Failed> {
    Ok(Budgets::parse(&fs::read_to_string(path())?)?)
}

fn is_within_its_budget(board: &Board) -> Result<(), Failed> {
    let mut figures = measure(board, &[])?;
    if board.holds_a_frame() {
        figures.extend(budgets::figures(&succeed(board.run("prepare", &[])?)?, &PREPARATION_KEYS)?);
    }
    if std::env::var_os("LENET_ACCEPT_BUDGETS").is_some_and(|value| value == "1") {
        accept(board, &figures)?;
    }
    let comparison = read()?.compare(&board.name, &figures);
    for note in comparison.notes {
        eprintln!("{note}");
    }
    match comparison.problems.is_empty() {
        true => Ok(()),
        false => Err(comparison.problems.join("\n").into()),
    }
}

/// Writes the figures to the file as the board's record.
fn accept(board: &Board, figures: &Figures) -> Result<(), Failed> {
    // Tests of several boards run at the same time.
    static FILE: Mutex<()> = Mutex::new(());
    let _one_at_a_time = FILE.lock();
    let mut budgets = read()?;
    budgets.accept(&board.name, figures.clone());
    Ok(fs::write(path(), budgets.to_text())?)
}

fn skipping_pays_on_real_digits(board: &Board) -> Result<(), Failed> {
    let images = mnist_or_digits()?.test.first(REAL_DIGITS);
    // An IDX file: magic, three sizes, the pixels.
    let sizes = [0x803, images.len() as u32, IMAGE_SIDE as u32, IMAGE_SIDE as u32];
    let mut content: Vec<u8> = sizes.iter().flat_map(|size| size.to_be_bytes()).collect();
    content.extend(images.images());
    let scratch = TempDir::new()?;
    let path = scratch.path().join("images");
    fs::write(&path, content)?;
    let figures = measure(board, &["--images", text(&path), "--count", &REAL_DIGITS.to_string()])?;
    Ok(budgets::skipping_pays(&figures)?)
}
