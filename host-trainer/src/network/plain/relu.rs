//! Rectified linear unit, in place, on an array of any shape.

use ndarray::{Array, Dimension, Zip};

use crate::network::Real;

/// `max(x, 0)`.
pub fn forward<T: Real, D: Dimension>(values: &mut Array<T, D>) {
    // Not `max`: a NaN must pass through, so that it shows up in the loss.
    values.mapv_inplace(|x| if x < T::zero() { T::zero() } else { x });
}

/// Clears the gradient where `output`, the result of [`forward`], is zero.
pub fn backward<T: Real, D: Dimension>(output: &Array<T, D>, gradient: &mut Array<T, D>) {
    Zip::from(gradient).and(output).for_each(|gradient, output| {
        if *output <= T::zero() {
            *gradient = T::zero();
        }
    });
}
