//! Fully connected layer: `output = input . weight^T + bias`.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use crate::network::Real;

/// From `input` `[N, I]`, `weight` `[O, I]` and `bias` `[O]` to `[N, O]`.
pub fn forward<T: Real>(input: &Array2<T>, weight: ArrayView2<'_, T>, bias: ArrayView1<'_, T>) -> Array2<T> {
    let mut output = input.dot(&weight.t());
    output += &bias;
    output
}

/// Gradients with respect to the weight `[O, I]`, the bias `[O]` and the input `[N, I]`, from the gradient with respect
/// to the output, `[N, O]`.
pub fn backward<T: Real>(
    input: &Array2<T>,
    weight: ArrayView2<'_, T>,
    d_output: &Array2<T>,
) -> (Array2<T>, Array1<T>, Array2<T>) {
    (d_output.t().dot(input), d_output.sum_axis(Axis(0)), d_output.dot(&weight))
}
