//! The two postcard messages of a model file.

use serde::{Deserialize, Serialize};

use crate::architecture::Pool;
use crate::quantization::Quantization;

/// How the file starts, in every version of the format.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Prefix {
    /// [`MAGIC`](super::MAGIC).
    pub magic: [u8; 4],
    /// [`VERSION`](super::VERSION).
    pub version: u16,
}

/// The first message: everything that determines answers, in file order.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Network<'a> {
    /// Magic number and version.
    pub prefix: Prefix,
    /// Pooling after conv1.
    pub pool1: Pool,
    /// Pooling after conv2.
    pub pool2: Pool,
    /// Scale and zero point of each [`Tensor`](crate::architecture::Tensor), in the order of `Tensor::ALL`.
    pub activations: [Quantization; 6],
    /// The text of [`Labels`](crate::labels::Labels); it also says how many classes there are.
    pub labels: &'a str,
    /// The class that stands for anything else, if there is one.
    pub none_of_these: Option<u8>,
    /// The rule that refuses inputs unlike the training images. The first byte names the rule; no bytes mean no rule.
    pub rejection: &'a [u8],
    /// How inputs are prepared: the [code](crate::preparation::Preparation::code).
    pub preparation: u8,
    /// 0 to 3 zero bytes that bring `parameters` to a multiple of 4.
    pub padding: &'a [u8],
    /// All layers, in the order of [`Layer::ALL`](crate::architecture::Layer::ALL), little-endian.
    ///
    /// A layer with `n` outputs has `n` [`Record`](super::Record)s. The weights follow as
    /// [`ConvWeights`](super::ConvWeights) or [`DenseWord`](super::DenseWord)s.
    pub parameters: &'a [u8],
}

/// The second message: what no answer depends on, in file order.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Extras<'a> {
    /// Where the model comes from.
    #[serde(borrow)]
    pub description: Description<'a>,
    /// 0 to 3 zero bytes that bring `sections` to a multiple of 4.
    pub padding: &'a [u8],
    /// The sections: a tag of 4 bytes, the content's length in bytes (u32, little-endian, a multiple of 4), the content.
    pub sections: &'a [u8],
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
