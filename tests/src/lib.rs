//! What several cross-crate tests share.

pub mod budgets;
pub mod call_graph;
pub mod firmware;
pub mod offence;
pub mod page;
pub mod random;
pub mod rooms;
pub mod scenes;
pub mod thumb;

use std::path::{Path, PathBuf};

use host_trainer::data::{DataSet, digits_10k};
use host_trainer::formats::{ModelFile, NetworkFile};
use host_trainer::int8::{QuantizedNetwork, reference};
use lenet_core::{LeNet5, Model, Pixels};

/// The workspace's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is a folder of the workspace").to_owned()
}

/// The folder with the four official MNIST files, if `LENET_MNIST` names one.
pub fn mnist_folder() -> Option<PathBuf> {
    std::env::var_os("LENET_MNIST").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// MNIST from the folder that `LENET_MNIST` names, or else the 10,000 embedded digits, so that a test of real digits
/// runs on every machine.
///
/// # Errors
/// When there is a folder that does not hold a data set.
pub fn mnist_or_digits() -> host_trainer::Result<DataSet> {
    mnist_folder().map_or_else(|| Ok(digits_10k()), |folder| DataSet::from_folder(&folder))
}

/// The committed model.
///
/// # Panics
/// When it cannot be read.
pub fn committed_model() -> ModelFile {
    let path = root().join("data/digits-10k/digits-10k.lenet");
    match NetworkFile::read(&path) {
        Ok(NetworkFile::Int8(file)) => file,
        other => panic!("{} is not a model: {other:?}", path.display()),
    }
}

/// Compares the output of every layer of `lenet-core` with that of the reference model, for one image.
///
/// # Errors
/// The first layer whose outputs differ, with both outputs.
pub fn compare_layers(network: &QuantizedNetwork, core: &mut LeNet5<'_>, pixels: &Pixels) -> Result<(), String> {
    let logits: Vec<f64> = core.classify(pixels).values().iter().map(|q| f64::from(*q)).collect();
    let trace = reference::run(network, pixels);
    let activations = |bytes: &[u8]| -> Vec<f64> { bytes.iter().map(|u| f64::from(*u) - 128.0).collect() };
    let workspace = core.workspace();
    let layers: [(&str, Vec<f64>, Vec<f64>); 5] = [
        ("pool1", activations(&workspace.pool1().collect::<Vec<_>>()), trace.pool1.into_iter().collect()),
        ("pool2", activations(workspace.pool2()), trace.pool2.into_iter().collect()),
        ("fc1", activations(workspace.fc1()), trace.fc1.to_vec()),
        ("fc2", activations(workspace.fc2()), trace.fc2.to_vec()),
        ("logits", logits, trace.logits.to_vec()),
    ];
    for (name, core, reference) in layers {
        if core != reference {
            return Err(format!("{name} differs\ncore:      {core:?}\nreference: {reference:?}"));
        }
    }
    Ok(())
}

/// [`compare_layers`] for every image.
///
/// # Errors
/// As there, with the index of the image.
pub fn compare_images<'a>(
    network: &QuantizedNetwork,
    model: Model<'_>,
    images: impl IntoIterator<Item = &'a Pixels>,
) -> Result<(), String> {
    let mut core = LeNet5::new(model);
    for (index, pixels) in images.into_iter().enumerate() {
        compare_layers(network, &mut core, pixels).map_err(|problem| format!("image {index}: {problem}"))?;
    }
    Ok(())
}
