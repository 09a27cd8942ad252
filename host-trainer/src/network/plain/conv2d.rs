//! 5x5 convolution without padding and with stride 1, as a matrix product over unfolded patches.
//!
//! With `P = N * (H-4) * (W-4)` output positions, [`unfold`] returns the matrix of patches `[I*25, P]`, called
//! `columns`. Then `output[O, P] = weight[O, I*25] . columns + bias`.

use lenet_core::architecture::KERNEL_SIDE as K;
use ndarray::{Array1, Array2, Array4, ArrayView1, ArrayView2, ArrayView4, Axis};

use crate::network::Real;

/// Shape `(C, N, H, W)` of a feature map.
pub type MapShape = (usize, usize, usize, usize);

/// `[I, N, H, W]` to `[I*25, N*(H-4)*(W-4)]`: row `(i, ky, kx)` holds, for each output position, the input value that
/// this kernel tap multiplies there. Same as PyTorch's `unfold`, with channels outermost.
pub fn unfold<T: Real>(input: &Array4<T>) -> Array2<T> {
    let (channels, images, height, width) = input.dim();
    let (out_h, out_w) = (height - K + 1, width - K + 1);
    let source = input.as_slice().expect("maps are in standard layout");
    let mut columns = Vec::with_capacity(channels * K * K * images * out_h * out_w);
    for_each_row(channels, images, height, |channel_image_row, kx| {
        let start = channel_image_row * width + kx;
        columns.extend_from_slice(&source[start..start + out_w]);
    });
    Array2::from_shape_vec((channels * K * K, images * out_h * out_w), columns).expect("every patch was visited")
}

/// The transpose of [`unfold`]: adds each value back to the position it was taken from.
fn fold<T: Real>(columns: &Array2<T>, shape: MapShape) -> Array4<T> {
    let (channels, images, height, width) = shape;
    let out_w = width - K + 1;
    let mut map = Array4::zeros(shape);
    let target = map.as_slice_mut().expect("a new array is in standard layout");
    let mut rows = columns.as_slice().expect("a product is in standard layout").chunks_exact(out_w);
    for_each_row(channels, images, height, |channel_image_row, kx| {
        let start = channel_image_row * width + kx;
        let row = rows.next().expect("one run of columns for each visited row");
        for (sum, value) in target[start..start + out_w].iter_mut().zip(row) {
            *sum += *value;
        }
    });
    map
}

/// Visits every run of output positions with the same channel, kernel tap, image and row, in the order of the elements
/// in `columns`. `visit` gets the index of the input row `(channel, image, y)` and `kx`.
fn for_each_row(channels: usize, images: usize, height: usize, mut visit: impl FnMut(usize, usize)) {
    for channel in 0..channels {
        for ky in 0..K {
            for kx in 0..K {
                for image in 0..images {
                    for y in 0..height - K + 1 {
                        visit((channel * images + image) * height + y + ky, kx);
                    }
                }
            }
        }
    }
}

/// From the `columns` of an input `[I, N, H, W]`, `weight` `[O, I, 5, 5]` and `bias` `[O]` to `[O, N, H-4, W-4]`.
pub fn forward<T: Real>(
    columns: &Array2<T>,
    weight: ArrayView4<'_, T>,
    bias: ArrayView1<'_, T>,
    input_shape: MapShape,
) -> Array4<T> {
    let (_, images, height, width) = input_shape;
    let mut output = weight_matrix(&weight).dot(columns);
    output += &bias.insert_axis(Axis(1));
    output
        .into_shape_with_order((weight.dim().0, images, height - K + 1, width - K + 1))
        .expect("one column per position")
}

/// Gradients with respect to the weight `[O, I, 5, 5]` and the bias `[O]`, from the input's columns and the gradient
/// with respect to the output, `[O, N, H-4, W-4]`.
pub fn backward_parameters<T: Real>(columns: &Array2<T>, d_output: &Array4<T>) -> (Array4<T>, Array1<T>) {
    let d_output = position_matrix(d_output);
    let d_weight = d_output.dot(&columns.t());
    let inputs = columns.nrows() / (K * K);
    let d_bias = d_output.sum_axis(Axis(1));
    let d_weight = d_weight.into_shape_with_order((d_bias.len(), inputs, K, K)).expect("columns have I*25 rows");
    (d_weight, d_bias)
}

/// Gradient with respect to the input, `[I, N, H, W]`.
pub fn backward_input<T: Real>(weight: ArrayView4<'_, T>, d_output: &Array4<T>) -> Array4<T> {
    let (_, images, out_h, out_w) = d_output.dim();
    let d_columns = weight_matrix(&weight).t().dot(&position_matrix(d_output));
    fold(&d_columns, (weight.dim().1, images, out_h + K - 1, out_w + K - 1))
}

fn weight_matrix<'a, T: Real>(weight: &'a ArrayView4<'_, T>) -> ArrayView2<'a, T> {
    let (outputs, inputs, ..) = weight.dim();
    weight.view().into_shape_with_order((outputs, inputs * K * K)).expect("weights are in standard layout")
}

fn position_matrix<T: Real>(map: &Array4<T>) -> ArrayView2<'_, T> {
    let (channels, images, height, width) = map.dim();
    map.view().into_shape_with_order((channels, images * height * width)).expect("maps are in standard layout")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_definition() {
        let (inputs, images, side, outputs) = (2, 3, 7, 4);
        let value = |seed: usize| ((seed * 7919 + 13) % 101) as f64 / 50.0 - 1.0;
        let input =
            Array4::from_shape_fn((inputs, images, side, side), |(c, n, y, x)| value(c * 999 + n * 99 + y * 9 + x));
        let weight = Array4::from_shape_fn((outputs, inputs, K, K), |(o, i, y, x)| value(o * 500 + i * 50 + y * 7 + x));
        let bias = Array1::from_shape_fn(outputs, value);
        let output = forward(&unfold(&input), weight.view(), bias.view(), input.dim());
        assert_eq!(output.dim(), (outputs, images, 3, 3));
        for ((o, n, y, x), got) in output.indexed_iter() {
            let mut sum = bias[o];
            for ((i, ky, kx), w) in weight.index_axis(Axis(0), o).indexed_iter() {
                sum += w * input[(i, n, y + ky, x + kx)];
            }
            assert!((got - sum).abs() < 1e-12);
        }
    }
}
