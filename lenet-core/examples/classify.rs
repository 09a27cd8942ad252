//! Classifies one image: `cargo run --example classify -- [IMAGE [MODEL]]`
//!
//! IMAGE is a binary PGM of 28 x 28 pixels, or its 784 bytes alone, with white ink (255) on a black background (0).
//! MODEL is a `.lenet` file. Without arguments the example classifies an image of its own with the built-in model.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use lenet_core::{IMAGE_BYTES, LeNet5, Model, Pixels, include_model};

/// Trained on the 10,000 digits of the project's data set. Replace it with a model of your own.
static DIGITS: &[u8] = include_model!("../models/digits-10k.lenet");

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut arguments = env::args_os().skip(1);
    let pixels = arguments.next().map_or_else(|| Ok(one()), |path| read_image(path.as_ref()))?;
    let file = arguments.next().map(|path| read(path.as_ref())).transpose()?;
    let mut buffer = Vec::new();
    let bytes = match &file {
        None => DIGITS,
        Some(file) => align(file, &mut buffer),
    };
    let model = Model::from_bytes(bytes).map_err(|error| format!("cannot load the model: {error}"))?;

    let mut network = LeNet5::new(model);
    let logits = network.classify(&pixels);
    println!("class {}", logits.class());
    println!("logits {:?}", logits.values());
    Ok(())
}

/// A vertical stroke: a one.
fn one() -> Pixels {
    let mut pixels = [0; IMAGE_BYTES];
    for row in pixels.chunks_exact_mut(28).skip(4).take(20) {
        row[12..16].copy_from_slice(&[128, 255, 255, 128]);
    }
    pixels
}

/// Copies a file to an address that is a multiple of 4, as `Model::from_bytes` needs it.
fn align<'a>(file: &[u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    buffer.resize(file.len() + 3, 0);
    let start = buffer.as_ptr().align_offset(4);
    let aligned = &mut buffer[start..start + file.len()];
    aligned.copy_from_slice(file);
    aligned
}

fn read_image(path: &Path) -> Result<Pixels, String> {
    let bytes = read(path)?;
    let pixels = if bytes.starts_with(b"P5") { pgm(&bytes) } else { bytes.as_slice().try_into().ok() };
    pixels.ok_or_else(|| format!("{}: expected a binary PGM of 28 x 28 pixels, or 784 bytes", path.display()))
}

/// The pixels of a binary PGM, without comments, of the right size and depth.
fn pgm(bytes: &[u8]) -> Option<Pixels> {
    let (header, pixels) = bytes.split_last_chunk::<IMAGE_BYTES>()?;
    let fields: Vec<&str> = str::from_utf8(header).ok()?.split_ascii_whitespace().collect();
    (fields == ["P5", "28", "28", "255"]).then_some(*pixels)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}
