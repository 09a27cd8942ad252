//! Writes the outputs of every layer of an int8 model for some images, to compare them with other programs
//! (`tests/interop/litert.py`).
//!
//! usage: layer_outputs MODEL.lenet < IMAGES > OUTPUTS
//!
//! Images are 784 bytes each, row by row. The output has 5,814 int8 values per image: conv1 `[24, 24, 6]`, pool1 `[12,
//! 12, 6]`, conv2 `[8, 8, 16]`, pool2 `[4, 4, 16]`, fc1 `[120]`, fc2 `[84]` and the logits `[10]`, maps in HWC order.
//! They are computed by the independent implementation `reference`, and the logits are checked against `lenet-core`.

use std::io::{Read, Write};
use std::path::Path;

use host_trainer::formats::NetworkFile;
use host_trainer::int8::{QuantizedNetwork, reference};
use lenet_core::{IMAGE_BYTES, LeNet5, Model, Pixels};
use rayon::prelude::*;

fn main() {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: layer_outputs MODEL.lenet < IMAGES > OUTPUTS");
        std::process::exit(2);
    };
    if let Err(problem) = run(Path::new(&path)) {
        eprintln!("error: {problem}");
        std::process::exit(1);
    }
}

fn run(path: &Path) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let NetworkFile::Int8(file) = NetworkFile::read(path).map_err(|error| text(&error))? else {
        return Err(format!("{} is not an int8 model", path.display()));
    };
    let model = file.model().map_err(|error| text(&error))?;
    let network = QuantizedNetwork::from(&model);
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|error| text(&error))?;
    let (images, []) = bytes.as_chunks::<IMAGE_BYTES>() else {
        return Err(format!("standard input has {} bytes, which is not a multiple of {IMAGE_BYTES}", bytes.len()));
    };
    let outputs: Vec<u8> = images.par_iter().flat_map_iter(|pixels| outputs(model, &network, pixels)).collect();
    std::io::stdout().write_all(&outputs).map_err(|error| text(&error))
}

fn outputs(model: Model<'_>, network: &QuantizedNetwork, pixels: &Pixels) -> Vec<u8> {
    let layers = reference::run(network, pixels).layers();
    let logits = LeNet5::new(model).classify(pixels);
    assert_eq!(layers[6].1, logits.values(), "lenet-core and the reference differ");
    layers.into_iter().flat_map(|(_, values)| values).map(|q| q as u8).collect()
}
