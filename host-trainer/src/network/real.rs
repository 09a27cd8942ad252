//! The number types a network can be computed in.

use ndarray::{LinalgScalar, NdFloat};
use num_traits::FromPrimitive;

/// `f32` or `f64`.
pub trait Real: NdFloat + LinalgScalar + FromPrimitive + std::iter::Sum {}
impl Real for f32 {}
impl Real for f64 {}
