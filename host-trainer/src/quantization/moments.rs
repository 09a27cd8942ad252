use lenet_core::Layer;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::calibration::for_each_chunk;
use crate::data::Split;
use crate::int8::order::weight_index;
use crate::network::Network;

/// Mean and covariance of the inputs that an output channel's weights are multiplied with, in the order of the weights
/// in the int8 network. They are taken over images and, for a convolution, over the positions of the kernel.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    /// `[K]`.
    pub(super) mean: Vec<f64>,
    /// `[K, K]`.
    pub(super) covariance: Array2<f64>,
}

/// The moments of each layer's inputs in the float network, in the order of [`Layer::ALL`]. The result does not depend
/// on the number of threads.
pub(super) fn input_moments(network: &Network, images: &Split) -> [Moments; 5] {
    let sums: Vec<[Sums; 5]> = for_each_chunk(network, images, |_, a| {
        let (features, fc1, fc2) = (a.features(), a.fc1.view(), a.fc2.view());
        [a.conv1_columns(), a.conv2_columns(), features.t(), fc1.t(), fc2.t()].map(Sums::of)
    })
    .collect();
    // Added in order, so that the sum is the same for any number of threads.
    let sums = sums.into_iter().reduce(|mut all, chunk| {
        all.iter_mut().zip(&chunk).for_each(|(sum, more)| sum.add(more));
        all
    });
    let mut layers = Layer::ALL.into_iter();
    let mut next = || layers.next().expect("there are five of both");
    sums.expect("a split has images").map(|sums| sums.moments(next()))
}

/// Sums of the inputs, and of the products of every pair of inputs, over samples.
struct Sums {
    samples: usize,
    values: Vec<f64>,
    products: Array2<f64>,
}

impl Sums {
    /// The sums over inputs of the shape `[K, samples]`.
    fn of(inputs: ArrayView2<'_, f32>) -> Self {
        let mut products = Array2::zeros((inputs.nrows(), inputs.nrows()));
        general_mat_mul(1.0, &inputs, &inputs.t(), 0.0, &mut products);
        Self {
            samples: inputs.ncols(),
            values: inputs.rows().into_iter().map(|row| row.iter().map(|x| f64::from(*x)).sum()).collect(),
            products: products.mapv(f64::from),
        }
    }

    fn add(&mut self, other: &Self) {
        self.samples += other.samples;
        self.values.iter_mut().zip(&other.values).for_each(|(sum, more)| *sum += more);
        self.products += &other.products;
    }

    /// The moments of a layer's inputs, reordered from PyTorch's order to that of the int8 network.
    fn moments(&self, layer: Layer) -> Moments {
        let order: Vec<usize> = (0..layer.weights_per_output()).map(|index| weight_index(layer, index)).collect();
        let samples = self.samples as f64;
        let mean: Vec<f64> = order.iter().map(|index| self.values[*index] / samples).collect();
        let covariance = Array2::from_shape_fn((order.len(), order.len()), |(i, j)| {
            self.products[(order[i], order[j])] / samples - mean[i] * mean[j]
        });
        Moments { mean, covariance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::Classes;
    use crate::data::digits_10k;
    use crate::network::plain;
    use crate::training::{Options, Recipe, RecipeName, initial_network};

    #[test]
    fn moments_are_those_of_windows_in_the_int8_order() {
        let recipe = Recipe::named(RecipeName::Default);
        let network =
            initial_network(&Options { recipe, pools: Default::default(), classes: Classes::digits(), seed: 2 });
        let images = digits_10k().train.first(70);
        let moments = input_moments(&network, &images);
        let a = plain::forward(&network.parameters, network.pools, images.images());
        // conv2's weight [row 1, column 3, input channel 4] and [row 0, column 2, input channel 5].
        let (i, j) = ((5 + 3) * 6 + 4, 2 * 6 + 5);
        let (mut sums, mut product) = ([0.0; 2], 0.0);
        for image in 0..70 {
            for y in 0..8 {
                for x in 0..8 {
                    let pair = [a.pool1[(4, image, y + 1, x + 3)], a.pool1[(5, image, y, x + 2)]].map(f64::from);
                    sums = [sums[0] + pair[0], sums[1] + pair[1]];
                    product += pair[0] * pair[1];
                }
            }
        }
        let means = sums.map(|sum| sum / (70.0 * 64.0));
        let covariance = product / (70.0 * 64.0) - means[0] * means[1];
        assert!((moments[1].mean[i] - means[0]).abs() < 1e-6 && (moments[1].mean[j] - means[1]).abs() < 1e-6);
        assert!((moments[1].covariance[(i, j)] - covariance).abs() < 1e-6);
        // fc1's weight [row 2, column 1, channel 7].
        let mean: f64 = (0..70).map(|image| f64::from(a.pool2[(7, image, 2, 1)])).sum::<f64>() / 70.0;
        assert!((moments[2].mean[(2 * 4 + 1) * 16 + 7] - mean).abs() < 1e-6);
        assert_eq!(moments.map(|m| m.mean.len()), [25, 150, 256, 120, 84]);
    }
}
