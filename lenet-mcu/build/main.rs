//! Prepares what the firmware is linked from: the board's memory layout, the model of the slot and
//! the ten digits of the demo. What is wrong with any of them is an error of the build.

mod board;
mod digits;
mod model;

use std::path::{Path, PathBuf};
use std::{env, fs};

use board::Board;

/// The data set whose model and first test digits the firmware carries, from the workspace's root.
const DATA: &str = "data/digits-10k";

fn main() {
    if let Err(message) = prepare() {
        println!("cargo::error={message}");
    }
}

fn prepare() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-env-changed=LENET_BOARD");
    println!("cargo::rerun-if-env-changed=LENET_MODEL");
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(|error| error.to_string())?);
    let out = PathBuf::from(env::var("OUT_DIR").map_err(|error| error.to_string())?);
    let target = env::var("TARGET").map_err(|error| error.to_string())?;
    let data = package.parent().unwrap_or(&package).join(DATA);

    let table = String::from_utf8_lossy(&read(&package.join("boards.txt"))?).into_owned();
    let board = Board::choose(&table, &target, env::var("LENET_BOARD").ok().as_deref())?;
    println!("cargo::rustc-env=BOARD_NAME={}", board.name);
    println!("cargo::rustc-env=BOARD_CORE={}", board.core);
    // Whose processors have no cycle counter; the crate cortex-m calls it the same.
    println!("cargo::rustc-check-cfg=cfg(armv6m)");
    if target.starts_with("thumbv6m") {
        println!("cargo::rustc-cfg=armv6m");
    }
    write(&out.join("memory.x"), board.memory_x().as_bytes())?;
    write(&out.join("model.x"), board.model_x().as_bytes())?;
    write(&out.join("code.x"), board::CODE_X.as_bytes())?;
    println!("cargo::rustc-link-search={}", out.display());
    // link.x is cortex-m-rt's. A script that inserts into it comes first: GNU ld takes every section
    // before an INSERT for what is to be inserted. Without --nmagic a linker may align segments to pages
    // of 64 KiB, which a flash does not have.
    for argument in ["--nmagic", "-Tcode.x", "-Tmodel.x", "-Tlink.x"] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }

    let path = env::var_os("LENET_MODEL").map_or_else(|| data.join("digits-10k.lenet"), PathBuf::from);
    let file = read(&path).map_err(|error| format!("{error}. LENET_MODEL=FILE names the model to build in"))?;
    write(&out.join("model.bin"), &model::fill_slot(&path, file, board.model_bytes())?)?;

    let (pixels, labels) = digits::first_ten(&data)?;
    write(&out.join("pixels.bin"), &pixels)?;
    write(&out.join("labels.bin"), &labels)
}

/// Reads a file, and has the build repeated when it changes.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("cannot write {}: {error}", path.display()))
}
