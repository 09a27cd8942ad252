//! Prepares what the firmware is linked with: the board's memory layout, the contents of the model slot, and the ten
//! digits of the demo. A problem with any of them fails the build.

mod board;
mod digits;
mod files;
mod model;

use std::env;
use std::path::PathBuf;

use board::Board;
use files::{read, write};

/// The data set that supplies the built-in model and digits, relative to the root of the workspace.
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
    println!("cargo::rustc-env=BOARD_RAM_KIB={}", board.ram_kib());
    // Processors of this architecture have no cycle counter. The crate cortex-m uses the same name.
    println!("cargo::rustc-check-cfg=cfg(armv6m)");
    if target.starts_with("thumbv6m") {
        println!("cargo::rustc-cfg=armv6m");
    }
    write(&out.join("memory.x"), board.memory_x().as_bytes())?;
    write(&out.join("model.x"), board.model_x().as_bytes())?;
    write(&out.join("code.x"), board::CODE_X.as_bytes())?;
    println!("cargo::rustc-link-search={}", out.display());
    // link.x is cortex-m-rt's. The scripts that insert sections into it must come first, because GNU ld moves every
    // section that it has read before an INSERT. Without --nmagic, a linker may align segments to pages of 64 KiB,
    // which do not fit the flash.
    for argument in ["--nmagic", "-Tcode.x", "-Tmodel.x", "-Tlink.x"] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }

    let path = env::var_os("LENET_MODEL").map_or_else(|| data.join("digits-10k.lenet"), PathBuf::from);
    let file = read(&path).map_err(|error| format!("{error}. Set LENET_MODEL to the model file to build in"))?;
    write(&out.join("model.bin"), &model::fill_slot(&path, file, board.model_bytes())?)?;

    let (pixels, labels) = digits::first_ten(&data)?;
    write(&out.join("pixels.bin"), &pixels)?;
    write(&out.join("labels.bin"), &labels)
}
