//! The postcard message of a model file.

use serde::{Deserialize, Serialize};

use crate::architecture::Pool;
use crate::quantization::Quantization;

/// How the message starts, in every version of the format.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Prefix {
    /// [`MAGIC`](super::MAGIC).
    pub magic: [u8; 4],
    /// [`VERSION`](super::VERSION).
    pub version: u16,
}

/// Where a model comes from. Inference does not use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Description<'a> {
    /// Name of the training data set.
    pub data_set: &'a str,
    /// Test accuracy of the float network as a fraction, if it was measured.
    pub float_accuracy: Option<f32>,
    /// Test accuracy of this int8 network as a fraction, if it was measured.
    pub int8_accuracy: Option<f32>,
    /// Training seed, if known.
    pub seed: Option<u64>,
    /// Name and version of the program that wrote the file.
    pub tool: &'a str,
}

/// The content of a model file, in file order.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Message<'a> {
    /// Magic number and version.
    pub prefix: Prefix,
    /// Pooling after conv1.
    pub pool1: Pool,
    /// Pooling after conv2.
    pub pool2: Pool,
    /// Scale and zero point of each [`Tensor`](crate::architecture::Tensor), in the order of `Tensor::ALL`.
    pub activations: [Quantization; 6],
    /// Provenance.
    #[serde(borrow)]
    pub description: Description<'a>,
    /// 0 to 3 zero bytes that bring `parameters` to a multiple of 4.
    pub padding: &'a [u8],
    /// All layers, in the order of [`Layer::ALL`](crate::architecture::Layer::ALL), little-endian.
    ///
    /// A layer with `n` outputs has `n` biases (i32), `n` mantissas (i32), `n` weight scales (f32) and `n` exponents
    /// (i8); a convolution adds `n` offsets (i32). The weights follow as [`ConvWords`](super::ConvWords) or
    /// [`DenseWords`](super::DenseWords).
    pub parameters: &'a [u8],
}
