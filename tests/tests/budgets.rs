//! What an inference costs on each board stays within its budget: see `tests/budgets.toml`.
//!
//! This has a harness of its own because the emulator may be missing: the tests then count as ignored,
//! and a line says what to install. `LENET_REQUIRE_EMULATOR=1` makes them fail instead.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use host_trainer::data::DataSet;
use lenet_core::architecture::IMAGE_SIDE;
use libtest_mimic::{Arguments, Failed};
use tempfile::TempDir;
use tests::budgets::{self, Budgets, Figures};
use tests::firmware::{self, Board, emulate, succeed};
use tests::root;

/// The firmware that measures.
const BIN: &str = "bench";

/// So many images of MNIST show what skipping saves.
const MNIST_IMAGES: usize = 200;

fn main() {
    let arguments = Arguments::from_args();
    let no_mnist = std::env::var_os("LENET_MNIST").is_none();
    let mut trials = Vec::new();
    for board in firmware::boards() {
        trials.push(board.trial("is_within_its_budget", is_within_its_budget));
        let trial = board.trial("skipping_pays_on_mnist", skipping_pays_on_mnist);
        // Without the images, or as ignored as the other.
        let ignored = no_mnist || trial.has_ignored_flag();
        trials.push(trial.with_ignored_flag(ignored));
    }
    if no_mnist {
        eprintln!("LENET_MNIST names no folder with the MNIST files: what skipping saves on them is not tested.");
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn measure(board: &Board, options: &[&str]) -> Result<Figures, Failed> {
    let printed = succeed(emulate(None, &[&[board.name.as_str(), BIN], options].concat()))?;
    Ok(budgets::figures(&printed)?)
}

fn path() -> PathBuf {
    root().join("tests/budgets.toml")
}

fn read() -> Result<Budgets, Failed> {
    Ok(Budgets::parse(&fs::read_to_string(path())?)?)
}

fn is_within_its_budget(board: &Board) -> Result<(), Failed> {
    let figures = measure(board, &[])?;
    if std::env::var_os("LENET_ACCEPT_BUDGETS").is_some_and(|value| value == "1") {
        accept(board, &figures)?;
    }
    let verdict = read()?.compare(&board.name, &figures);
    for note in verdict.notes {
        eprintln!("{note}");
    }
    match verdict.problems.is_empty() {
        true => Ok(()),
        false => Err(verdict.problems.join("\n").into()),
    }
}

/// Puts the figures on record, one board at a time.
fn accept(board: &Board, figures: &Figures) -> Result<(), Failed> {
    static FILE: Mutex<()> = Mutex::new(());
    let _one_at_a_time = FILE.lock();
    let mut budgets = read()?;
    budgets.accept(&board.name, figures.clone());
    Ok(fs::write(path(), budgets.to_text())?)
}

fn skipping_pays_on_mnist(board: &Board) -> Result<(), Failed> {
    let folder = std::env::var_os("LENET_MNIST").ok_or("LENET_MNIST names no folder")?;
    let images = DataSet::from_folder(folder.as_ref())?.test.first(MNIST_IMAGES);
    // An IDX file: magic, three sizes, the pixels.
    let sizes = [0x803, images.len() as u32, IMAGE_SIDE as u32, IMAGE_SIDE as u32];
    let mut content: Vec<u8> = sizes.iter().flat_map(|size| size.to_be_bytes()).collect();
    content.extend(images.images());
    let scratch = TempDir::new()?;
    let path = scratch.path().join("images");
    fs::write(&path, content)?;
    let path = path.to_str().ok_or("temporary paths are UTF-8")?;
    let figures = measure(board, &["--images", path, "--count", &MNIST_IMAGES.to_string()])?;
    Ok(budgets::skipping_pays(&figures)?)
}
