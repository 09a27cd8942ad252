//! The number types in which a float network can be computed.

use ndarray::{LinalgScalar, NdFloat};
use num_traits::FromPrimitive;

/// `f32`, or `f64` for checking gradients and other reference results.
pub trait Real: NdFloat + LinalgScalar + FromPrimitive + std::iter::Sum {}
impl Real for f32 {}
impl Real for f64 {}
