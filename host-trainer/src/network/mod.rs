//! LeNet-5 in floating point: parameters, forward and backward.
//!
//! It is written twice. [`plain`] is the definition, for reading and checking; [`lanes`] computes
//! sixteen images at once in the lanes of vectors, and is what trains and evaluates.

pub mod lanes;
mod parameters;
pub mod plain;
mod real;

use lenet_core::{Pools, argmax};
use ndarray::{Array1, Array2};

pub use parameters::{Initialization, NAMES, Parameters};
pub use real::Real;

/// A float network: what the `.safetensors` file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Weights and biases.
    pub parameters: Parameters<f32>,
    /// Pool kinds.
    pub pools: Pools,
}

/// The predicted class of each row of logits, `[N, 10]`.
pub fn predictions<T: Real>(logits: &Array2<T>) -> Array1<usize> {
    logits.rows().into_iter().map(argmax).collect()
}
