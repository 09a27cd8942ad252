//! 2x2 pooling with stride 2 on maps `[C, N, H, W]` with even `H` and `W`.

use lenet_core::Pool;
use ndarray::Array4;

use crate::network::Real;

/// `[C, N, H, W]` to `[C, N, H/2, W/2]`.
pub fn forward<T: Real>(input: &Array4<T>, pool: Pool) -> Array4<T> {
    let (channels, images, height, width) = input.dim();
    let quarter = T::from_f32(0.25).expect("f32 and f64 hold 1/4");
    let source = input.as_slice().expect("maps are in standard layout");
    let mut output = Vec::with_capacity(source.len() / 4);
    for rows in source.chunks_exact(2 * width) {
        let (upper, lower) = rows.split_at(width);
        let windows = upper.chunks_exact(2).zip(lower.chunks_exact(2));
        match pool {
            Pool::Average => output.extend(windows.map(|(a, b)| (a[0] + a[1] + b[0] + b[1]) * quarter)),
            Pool::Maximum => output.extend(windows.map(|(a, b)| a[0].max(a[1]).max(b[0].max(b[1])))),
        }
    }
    Array4::from_shape_vec((channels, images, height / 2, width / 2), output).expect("height and width are even")
}

/// Gradient with respect to the input, from `input`, `output` and the gradient with respect to the output.
///
/// In maximum pooling, if several values share the maximum, the gradient goes to the first in row order, as in PyTorch.
pub fn backward<T: Real>(input: &Array4<T>, output: &Array4<T>, d_output: &Array4<T>, pool: Pool) -> Array4<T> {
    let width = input.dim().3;
    let quarter = T::from_f32(0.25).expect("f32 and f64 hold 1/4");
    let mut d_input = Array4::zeros(input.dim());
    let target = d_input.as_slice_mut().expect("a new array is in standard layout");
    let source = input.as_slice().expect("maps are in standard layout");
    let output = output.as_slice().expect("maps are in standard layout");
    let d_output = d_output.as_slice().expect("maps are in standard layout");
    let rows = target.chunks_exact_mut(2 * width).zip(source.chunks_exact(2 * width));
    let pooled = output.chunks_exact(width / 2).zip(d_output.chunks_exact(width / 2));
    for ((d_rows, rows), (largest, gradient)) in rows.zip(pooled) {
        for (x, (largest, gradient)) in largest.iter().zip(gradient).enumerate() {
            let window = [2 * x, 2 * x + 1, width + 2 * x, width + 2 * x + 1];
            match pool {
                Pool::Average => window.iter().for_each(|place| d_rows[*place] = *gradient * quarter),
                Pool::Maximum => {
                    if let Some(place) = window.iter().find(|place| rows[**place] == *largest) {
                        d_rows[*place] = *gradient;
                    }
                }
            }
        }
    }
    d_input
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(values: [f64; 8]) -> Array4<f64> {
        Array4::from_shape_vec((1, 1, 2, 4), values.to_vec()).unwrap()
    }

    #[test]
    fn pools_and_sends_gradients_back() {
        let input = map([1.0, 2.0, 5.0, 0.0, 4.0, 3.0, 5.0, 2.0]);
        let gradient = Array4::from_shape_vec((1, 1, 1, 2), vec![8.0, 4.0]).unwrap();
        let mean = forward(&input, Pool::Average);
        assert_eq!(mean.as_slice().unwrap(), [2.5, 3.0]);
        assert_eq!(backward(&input, &mean, &gradient, Pool::Average), map([2.0, 2.0, 1.0, 1.0, 2.0, 2.0, 1.0, 1.0]));
        let largest = forward(&input, Pool::Maximum);
        assert_eq!(largest.as_slice().unwrap(), [4.0, 5.0]);
        assert_eq!(backward(&input, &largest, &gradient, Pool::Maximum), map([0.0, 0.0, 4.0, 0.0, 8.0, 0.0, 0.0, 0.0]));
    }
}
