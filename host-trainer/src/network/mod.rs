//! LeNet-5 in floating point: parameters, forward and backward.
//!
//! It is written twice. [`plain`] is the definition, for reading and checking; [`lanes`] computes
//! sixteen images at once in the lanes of vectors, and is what trains and evaluates.

pub mod lanes;
mod parameters;
pub mod plain;

use lenet_core::{Pool, argmax};
use ndarray::{Array1, Array2, LinalgScalar, NdFloat};
use num_traits::FromPrimitive;
use serde::{Deserialize, Serialize};

pub use parameters::{Initialization, NAMES, Parameters};

/// `f32` or `f64`.
pub trait Real: NdFloat + LinalgScalar + FromPrimitive + std::iter::Sum {}
impl Real for f32 {}
impl Real for f64 {}

/// The kinds of both pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pools {
    /// After conv1.
    pub pool1: Pool,
    /// After conv2.
    pub pool2: Pool,
}

impl Default for Pools {
    fn default() -> Self {
        Self { pool1: Pool::Average, pool2: Pool::Maximum }
    }
}

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
