//! LeNet-5 in floating point: parameters, forward pass and backward pass.
//!
//! There are two implementations. [`plain`] is the definition, written to be read and to check the other. [`lanes`]
//! computes sixteen images at once in the lanes of SIMD vectors; training and evaluation use it.

pub mod lanes;
mod normalization;
mod parameters;
pub mod plain;
mod real;

use lenet_core::preparation::Preparation;
use lenet_core::{Pools, argmax};
use ndarray::{Array1, Array2};

use crate::classes::Classes;
pub use parameters::{Initialization, NAMES, Parameters};
pub use real::Real;

/// A float network, as stored in a `.safetensors` file.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Weights and biases.
    pub parameters: Parameters<f32>,
    /// Pool kinds.
    pub pools: Pools,
    /// The classes, as many as [`Parameters::classes`] says.
    pub classes: Classes,
    /// The class that stands for anything else, if there is one: an image assigned to it is refused.
    pub none_of_these: Option<usize>,
    /// How its inputs are prepared.
    pub preparation: Preparation,
}

/// The predicted class of each row of logits, `[N, classes]`.
pub fn predictions<T: Real>(logits: &Array2<T>) -> Array1<usize> {
    logits.rows().into_iter().map(argmax).collect()
}
