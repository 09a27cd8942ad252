//! What quantization costs: both networks, evaluated on the same images.

use lenet_core::Workspace;

use crate::TOOL;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluation::{Evaluation, evaluate_float, evaluate_int8};
use crate::formats::ModelFile;
use crate::int8::QuantizedNetwork;
use crate::network::Network;
use crate::numbers::{count, percent, thousands};

/// An int8 model, with its answers and those of the float network it came from on the same images.
pub(super) struct Quantized {
    pub(super) file: ModelFile,
    pub(super) float: Evaluation,
    pub(super) int8: Evaluation,
}

/// Evaluates a float network and its int8 version on `judged`, and records both accuracies in the model.
pub(super) fn measure(
    network: &Network,
    quantized: &QuantizedNetwork,
    judged: &Split,
    data_set: &str,
    seed: Option<u64>,
) -> Result<Quantized> {
    let float = evaluate_float(network, judged);
    let mut description = lenet_core::format::Description {
        data_set,
        float_accuracy: Some(float.accuracy() as f32),
        int8_accuracy: None,
        seed,
        tool: TOOL,
    };
    let invalid = |error: lenet_core::Error| Error::Quantize(error.to_string());
    let int8 = evaluate_int8(quantized.encode(&description)?.model().map_err(invalid)?, judged);
    description.int8_accuracy = Some(int8.accuracy() as f32);
    Ok(Quantized { file: quantized.encode(&description)?, float, int8 })
}

impl Quantized {
    /// Prints accuracies and sizes. `images` says which images they were measured on: "test" or "validation".
    pub(super) fn print(&self, images: &str) {
        let (float, int8) = (&self.float, &self.int8);
        println!("float  {} of {} {images} images", percent(float.accuracy()), thousands(float.predictions.len()));
        println!(
            "int8   {}, {:+.2} points, {} changed",
            percent(int8.accuracy()),
            100.0 * (int8.accuracy() - float.accuracy()),
            count(int8.changed_predictions(float), "prediction")
        );
        if let Ok(model) = self.file.model() {
            println!("model  {} classes, identity {:08x}", model.classes(), model.identity());
        }
        println!(
            "flash  {} bytes for the model\nRAM    {} bytes (M0) or {} (M3+), plus {} for the image",
            thousands(self.file.bytes().len()),
            thousands(Workspace::BYTES_ARMV6M),
            thousands(Workspace::BYTES_ARMV7M),
            lenet_core::IMAGE_BYTES
        );
    }
}
