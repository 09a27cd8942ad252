//! What quantization cost: both networks measured on the same images.

use lenet_core::Workspace;

use crate::TOOL;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluation::{Evaluation, evaluate_float, evaluate_int8};
use crate::formats::ModelFile;
use crate::int8::QuantizedNetwork;
use crate::network::Network;
use crate::numbers::{count, percent, thousands};

/// An int8 model with what it and the float network it came from answered on the test images.
pub(super) struct Quantized {
    pub(super) file: ModelFile,
    pub(super) float: Evaluation,
    pub(super) int8: Evaluation,
}

/// Measures a float network and the int8 one made of it on `judged`, and writes both figures into the model.
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
    /// Prints the figures, measured on `images`: test or validation images.
    pub(super) fn print(&self, images: &str) {
        let (float, int8) = (&self.float, &self.int8);
        println!("float  {} of {} {images} images", percent(float.accuracy()), thousands(float.predictions.len()));
        println!(
            "int8   {}, {:+.2} points, {} changed",
            percent(int8.accuracy()),
            100.0 * (int8.accuracy() - float.accuracy()),
            count(int8.changed_predictions(float), "prediction")
        );
        println!(
            "needs  {} bytes of flash; of RAM {} (M0) or {}, and {} for the image",
            thousands(self.file.bytes().len()),
            thousands(Workspace::BYTES_ARMV6M),
            thousands(Workspace::BYTES_ARMV7M),
            lenet_core::IMAGE_BYTES
        );
    }
}
