use lenet_core::architecture::{CONV1_CHANNELS, IMAGE_SIDE, KERNEL_SIDE};
use ndarray::{Array1, Array3, ArrayView4, Axis, s};
use rayon::prelude::*;

use super::calibration::for_each_chunk;
use super::{BIAS_MAX, QuantizedNetwork, weights_in_file_order};
use crate::data::Split;
use crate::network::Network;

/// Takes from each bias what the rounding of the channel's weights adds to its output on the average:
///
/// ```text
/// bias[c] -= sum over i of (s_w[c] * w[c][i] - weight[c][i]) * mean(x[i])
/// ```
///
/// with the mean of each input over `images`, which must be training images (Nagel and others, "Data-free
/// quantization through weight equalization and bias correction", 2019, section 4.2, with means that are measured
/// instead of derived). The float network gives the inputs. The result does not depend on the number of threads.
pub fn correct_biases(quantized: &mut QuantizedNetwork, network: &Network, images: &Split) {
    let means = input_means(network, images);
    let weights = weights_in_file_order(&network.parameters);
    for (index, ((layer, weights), means)) in quantized.layers.iter_mut().zip(&weights).zip(&means).enumerate() {
        let input_scale = f64::from(quantized.activations[index].scale);
        let channels = layer.weights.chunks_exact(means.len()).zip(weights.chunks_exact(means.len()));
        for ((bias, scale), (steps, real)) in layer.bias.iter_mut().zip(&layer.weight_scale).zip(channels) {
            let scale = f64::from(*scale);
            let errors = steps.iter().zip(real).map(|(step, real)| scale * f64::from(*step) - real);
            let excess: f64 = errors.zip(means).map(|(error, mean)| error * mean).sum();
            let corrected = f64::from(*bias) - excess / (input_scale * scale);
            *bias = corrected.round().clamp(-BIAS_MAX, BIAS_MAX) as i32;
        }
    }
}

/// The mean input of each weight of one output channel, layer by layer, in the order of the model file.
fn input_means(network: &Network, images: &Split) -> [Vec<f64>; 5] {
    let sums: Vec<_> = for_each_chunk(network, images, |pixels, a| {
        let input = pixels.map(|pixel| f64::from(*pixel) / 255.0);
        let shape = (1, pixels.nrows(), IMAGE_SIDE, IMAGE_SIDE);
        let input = input.into_shape_with_order(shape).expect("images are 28 x 28");
        Sums {
            input: over_images(input.view()),
            pool1: over_images(a.pool1.mapv(f64::from).view()),
            pool2: over_images(a.pool2.mapv(f64::from).view()),
            fc1: a.fc1.mapv(f64::from).sum_axis(Axis(0)),
            fc2: a.fc2.mapv(f64::from).sum_axis(Axis(0)),
        }
    })
    .collect();
    // In order, so that the sum is the same for any number of threads.
    let sums = sums.into_iter().reduce(|mut all, chunk| {
        all.input += &chunk.input;
        all.pool1 += &chunk.pool1;
        all.pool2 += &chunk.pool2;
        all.fc1 += &chunk.fc1;
        all.fc2 += &chunk.fc2;
        all
    });
    let sums = sums.expect("a split has images");
    let images = images.len() as f64;
    [
        tap_means::<1>(&sums.input, images),
        tap_means::<CONV1_CHANNELS>(&sums.pool1, images),
        sums.pool2.iter().map(|sum| sum / images).collect(),
        sums.fc1.iter().map(|sum| sum / images).collect(),
        sums.fc2.iter().map(|sum| sum / images).collect(),
    ]
}

/// The inputs of the layers, added up over images; maps in HWC order.
struct Sums {
    input: Array3<f64>,
    pool1: Array3<f64>,
    pool2: Array3<f64>,
    fc1: Array1<f64>,
    fc2: Array1<f64>,
}

/// `[C, N, H, W]` to `[H, W, C]`.
fn over_images(map: ArrayView4<'_, f64>) -> Array3<f64> {
    map.sum_axis(Axis(1)).permuted_axes([1, 2, 0]).as_standard_layout().into_owned()
}

/// The mean of what each of a kernel's taps meets while it moves over the map, `[row, column, channel]`.
fn tap_means<const CHANNELS: usize>(sums: &Array3<f64>, images: f64) -> Vec<f64> {
    let steps = sums.dim().0 - KERNEL_SIDE + 1;
    let places = (steps * steps) as f64 * images;
    let mut means = Vec::with_capacity(KERNEL_SIDE * KERNEL_SIDE * CHANNELS);
    for row in 0..KERNEL_SIDE {
        for column in 0..KERNEL_SIDE {
            for channel in 0..CHANNELS {
                let window = sums.slice(s![row..row + steps, column..column + steps, channel]);
                means.push(window.sum() / places);
            }
        }
    }
    means
}

#[cfg(test)]
mod tests {
    use lenet_core::Layer;

    use super::*;
    use crate::data::digits_10k;
    use crate::quantization::{Calibration, Granularity, calibrate, quantize};
    use crate::training::{Options, Recipe, RecipeName, initial_network};

    /// The mean of each pre-activation of the last layer and of conv1 over images, in f64 from given weights.
    fn mean_of_conv1(network: &Network, weights: &[f64], bias: &[f64], images: &Split) -> Vec<f64> {
        let mut sums = vec![0.0; bias.len()];
        for pixels in images.images().rows() {
            for y in 0..24 {
                for x in 0..24 {
                    for (o, sum) in sums.iter_mut().enumerate() {
                        let taps = (0..25).map(|tap| {
                            weights[o * 25 + tap] * f64::from(pixels[(y + tap / 5) * 28 + x + tap % 5]) / 255.0
                        });
                        *sum += bias[o] + taps.sum::<f64>();
                    }
                }
            }
        }
        assert_eq!(network.parameters.conv1_bias().len(), bias.len());
        sums.iter().map(|sum| sum / (576.0 * images.len() as f64)).collect()
    }

    #[test]
    fn the_mean_output_becomes_that_of_the_float_weights() {
        let recipe = Recipe::named(RecipeName::Default);
        let network = initial_network(&Options { recipe, pools: Default::default(), seed: 4 });
        let images = digits_10k().train.first(30);
        let ranges = calibrate(&network, &images, Calibration::MinMax).unwrap();
        let plain = quantize(&network, &ranges, Granularity::PerTensor).unwrap();
        let mut corrected = plain.clone();
        correct_biases(&mut corrected, &network, &images);

        let real: Vec<f64> = network.parameters.conv1_weight().iter().map(|w| f64::from(*w)).collect();
        let zero = vec![0.0; 6];
        let wanted = mean_of_conv1(&network, &real, &zero, &images);
        let input_scale = f64::from(plain.activations[0].scale);
        let means = |quantized: &QuantizedNetwork| {
            let layer = &quantized.layers[0];
            let scale = |o: usize| f64::from(layer.weight_scale[o]);
            let weights: Vec<f64> =
                layer.weights.iter().enumerate().map(|(i, w)| f64::from(*w) * scale(i / 25)).collect();
            let bias: Vec<f64> =
                layer.bias.iter().enumerate().map(|(o, b)| f64::from(*b) * scale(o) * input_scale).collect();
            mean_of_conv1(&network, &weights, &bias, &images)
        };
        let (before, after) = (means(&plain), means(&corrected));
        for o in 0..6 {
            // What is left is the rounding of the bias itself.
            let bias_step = input_scale * f64::from(plain.layers[0].weight_scale[o]);
            assert!((after[o] - wanted[o]).abs() <= 0.51 * bias_step, "{o}: {} for {}", after[o], wanted[o]);
        }
        let error = |means: &[f64]| means.iter().zip(&wanted).map(|(mean, wanted)| (mean - wanted).abs()).sum::<f64>();
        assert!(error(&before) > 10.0 * error(&after), "{} {}", error(&before), error(&after));
        corrected.encode(&Default::default()).unwrap();
        assert_eq!(plain.layers[Layer::Fc2 as usize].weights, corrected.layers[Layer::Fc2 as usize].weights);
        assert_ne!(plain.layers[Layer::Fc2 as usize].bias, corrected.layers[Layer::Fc2 as usize].bias);
    }
}
