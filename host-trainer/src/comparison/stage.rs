//! The tensors at which two networks are compared.

use std::fmt;

use lenet_core::{Layer, Tensor};
use serde::Serialize;

/// The tensors that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Output of conv1 after its ReLU and pool.
    Pool1,
    /// Output of conv2 after its ReLU and pool.
    Pool2,
    /// Output of fc1 after its ReLU.
    Fc1,
    /// Output of fc2 after its ReLU.
    Fc2,
    /// Output of fc3.
    Logits,
}

impl Stage {
    /// All stages, in the order of [`Layer::ALL`].
    pub const ALL: [Self; 5] = [Self::Pool1, Self::Pool2, Self::Fc1, Self::Fc2, Self::Logits];

    /// The layer that computes it.
    pub const fn layer(self) -> Layer {
        Layer::ALL[self as usize]
    }

    /// The tensor that defines its scale and zero point.
    pub const fn tensor(self) -> Tensor {
        // The first tensor is the input.
        Tensor::ALL[self as usize + 1]
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pool1 => "pool1",
            Self::Pool2 => "pool2",
            Self::Fc1 => "fc1",
            Self::Fc2 => "fc2",
            Self::Logits => "logits",
        })
    }
}
