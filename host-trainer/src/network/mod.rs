//! LeNet-5 in floating point: parameters, forward pass and backward pass.
//!
//! There are two implementations. [`plain`] is the definition, written to be read and to check the other. [`lanes`]
//! computes sixteen images at once in the lanes of SIMD vectors; training and evaluation use it.

pub mod lanes;
mod parameters;
pub mod plain;

use lenet_core::Pool;
use ndarray::{Array1, Array2, ArrayView1, LinalgScalar, NdFloat};
use num_traits::FromPrimitive;
use serde::{Deserialize, Serialize};

pub use parameters::{Initialization, NAMES, Parameters};

/// `f32` or `f64`.
pub trait Real: NdFloat + LinalgScalar + FromPrimitive + std::iter::Sum {}
impl Real for f32 {}
impl Real for f64 {}

/// The kind of each pool.
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

/// A float network, as stored in a `.safetensors` file.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Weights and biases.
    pub parameters: Parameters<f32>,
    /// Pool kinds.
    pub pools: Pools,
}

/// The predicted class of each row of logits, `[N, 10]`. Of equal logits, the lowest class wins.
pub fn predictions<T: Real>(logits: &Array2<T>) -> Array1<usize> {
    logits.rows().into_iter().map(argmax).collect()
}

fn argmax<T: Real>(row: ArrayView1<'_, T>) -> usize {
    row.iter().enumerate().fold(0, |best, (class, value)| if *value > row[best] { class } else { best })
}
