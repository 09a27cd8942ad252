//! The network written to be easy to read: ndarray operations on whole chunks of images, in any precision.
//!
//! Feature maps are `[C, N, H, W]`, with channels outermost so that one matrix product convolves a whole chunk of
//! images. Dense activations are `[N, features]`. Everything is generic over [`Real`]: in f64, tests use it to check
//! the gradients and to check [`lanes`](super::lanes), which does the training.

pub mod conv2d;
pub mod cross_entropy;
pub mod linear;
pub mod pool2d;
pub mod relu;

use lenet_core::Pools;
use lenet_core::architecture::{CONV2_CHANNELS, FC1_INPUTS, IMAGE_SIDE, POOL2_SIDE};
use ndarray::{Array2, Array4, ArrayView2};

use super::{Parameters, Real};

/// The activations of the forward pass for `N` images, kept for the backward pass.
pub struct Activations<T> {
    conv1_columns: Array2<T>,
    /// Output of conv1 after its ReLU, `[6, N, 24, 24]`.
    pub conv1: Array4<T>,
    /// Output of pool1, `[6, N, 12, 12]`.
    pub pool1: Array4<T>,
    conv2_columns: Array2<T>,
    /// Output of conv2 after its ReLU, `[16, N, 8, 8]`.
    pub conv2: Array4<T>,
    /// Output of pool2, `[16, N, 4, 4]`.
    pub pool2: Array4<T>,
    features: Array2<T>,
    /// Output of fc1 after its ReLU, `[N, 120]`.
    pub fc1: Array2<T>,
    /// Output of fc2 after its ReLU, `[N, 84]`.
    pub fc2: Array2<T>,
    /// Output of fc3, `[N, classes]`.
    pub logits: Array2<T>,
}

impl<T> Activations<T> {
    /// The inputs that conv1's weights multiply, `[25, N * 576]`: one column per output position, rows in the weights'
    /// order.
    pub fn conv1_columns(&self) -> ArrayView2<'_, T> {
        self.conv1_columns.view()
    }

    /// The inputs that conv2's weights multiply, `[150, N * 64]`: one column per output position, rows in the weights'
    /// order.
    pub fn conv2_columns(&self) -> ArrayView2<'_, T> {
        self.conv2_columns.view()
    }

    /// The inputs that fc1's weights multiply, `[N, 256]`, in CHW order.
    pub fn features(&self) -> ArrayView2<'_, T> {
        self.features.view()
    }
}

/// Runs the network on `images`, `[N, 784]`, one byte a pixel; the real input is `p / 255`.
pub fn forward<T: Real>(parameters: &Parameters<T>, pools: Pools, images: ArrayView2<'_, u8>) -> Activations<T> {
    let input = input_map(images);
    let conv1_columns = conv2d::unfold(&input);
    let mut conv1 = conv2d::forward(&conv1_columns, parameters.conv1_weight(), parameters.conv1_bias(), input.dim());
    relu::forward(&mut conv1);
    let pool1 = pool2d::forward(&conv1, pools.pool1);
    let conv2_columns = conv2d::unfold(&pool1);
    let mut conv2 = conv2d::forward(&conv2_columns, parameters.conv2_weight(), parameters.conv2_bias(), pool1.dim());
    relu::forward(&mut conv2);
    let pool2 = pool2d::forward(&conv2, pools.pool2);
    let features = flatten(&pool2);
    let mut fc1 = linear::forward(&features, parameters.fc1_weight(), parameters.fc1_bias());
    relu::forward(&mut fc1);
    let mut fc2 = linear::forward(&fc1, parameters.fc2_weight(), parameters.fc2_bias());
    relu::forward(&mut fc2);
    let logits = linear::forward(&fc2, parameters.fc3_weight(), parameters.fc3_bias());
    Activations { conv1_columns, conv1, pool1, conv2_columns, conv2, pool2, features, fc1, fc2, logits }
}

/// The gradient of the loss with respect to every parameter, from its gradient with respect to the logits, `[N, classes]`.
pub fn backward<T: Real>(
    parameters: &Parameters<T>,
    pools: Pools,
    activations: &Activations<T>,
    d_logits: &Array2<T>,
) -> Parameters<T> {
    let a = activations;
    let (fc3_weight, fc3_bias, mut d_fc2) = linear::backward(&a.fc2, parameters.fc3_weight(), d_logits);
    relu::backward(&a.fc2, &mut d_fc2);
    let (fc2_weight, fc2_bias, mut d_fc1) = linear::backward(&a.fc1, parameters.fc2_weight(), &d_fc2);
    relu::backward(&a.fc1, &mut d_fc1);
    let (fc1_weight, fc1_bias, d_features) = linear::backward(&a.features, parameters.fc1_weight(), &d_fc1);
    let d_pool2 = unflatten(&d_features);
    let mut d_conv2 = pool2d::backward(&a.conv2, &a.pool2, &d_pool2, pools.pool2);
    relu::backward(&a.conv2, &mut d_conv2);
    let (conv2_weight, conv2_bias) = conv2d::backward_parameters(&a.conv2_columns, &d_conv2);
    let d_pool1 = conv2d::backward_input(parameters.conv2_weight(), &d_conv2);
    let mut d_conv1 = pool2d::backward(&a.conv1, &a.pool1, &d_pool1, pools.pool1);
    relu::backward(&a.conv1, &mut d_conv1);
    let (conv1_weight, conv1_bias) = conv2d::backward_parameters(&a.conv1_columns, &d_conv1);
    let mut gradient = Parameters::zeros(parameters.classes());
    gradient.conv1_weight_mut().assign(&conv1_weight);
    gradient.conv1_bias_mut().assign(&conv1_bias);
    gradient.conv2_weight_mut().assign(&conv2_weight);
    gradient.conv2_bias_mut().assign(&conv2_bias);
    gradient.fc1_weight_mut().assign(&fc1_weight);
    gradient.fc1_bias_mut().assign(&fc1_bias);
    gradient.fc2_weight_mut().assign(&fc2_weight);
    gradient.fc2_bias_mut().assign(&fc2_bias);
    gradient.fc3_weight_mut().assign(&fc3_weight);
    gradient.fc3_bias_mut().assign(&fc3_bias);
    gradient
}

fn input_map<T: Real>(images: ArrayView2<'_, u8>) -> Array4<T> {
    let scale = T::from_f32(255.0).expect("f32 and f64 hold 255");
    let pixels = images.iter().map(|p| T::from_u8(*p).expect("f32 and f64 hold bytes") / scale).collect();
    Array4::from_shape_vec((1, images.nrows(), IMAGE_SIDE, IMAGE_SIDE), pixels).expect("images are 28 x 28")
}

/// `[16, N, 4, 4]` to `[N, 256]`, features in PyTorch's CHW order.
fn flatten<T: Real>(map: &Array4<T>) -> Array2<T> {
    let by_image = map.view().permuted_axes([1, 0, 2, 3]);
    let images = by_image.dim().0;
    by_image.as_standard_layout().into_owned().into_shape_with_order((images, FC1_INPUTS)).expect("16 x 4 x 4 is 256")
}

/// The inverse of [`flatten`].
fn unflatten<T: Real>(features: &Array2<T>) -> Array4<T> {
    features
        .view()
        .into_shape_with_order((features.nrows(), CONV2_CHANNELS, POOL2_SIDE, POOL2_SIDE))
        .expect("256 is 16 x 4 x 4")
        .permuted_axes([1, 0, 2, 3])
        .as_standard_layout()
        .into_owned()
}
