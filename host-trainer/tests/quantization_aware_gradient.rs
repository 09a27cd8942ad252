//! The gradients of quantization-aware training equal those of a plain network that rounds.

#[path = "common/networks.rs"]
mod networks;

use host_trainer::data::{Split, digits_10k};
use host_trainer::int8::QuantizedNetwork;
use host_trainer::network::lanes::{Group, InstructionSet, LANES, Lanes, SimulatedInt8};
use host_trainer::network::plain::{conv2d, cross_entropy, linear, pool2d};
use host_trainer::network::{NAMES, Network, Parameters};
use host_trainer::quantization::quantize_trained;
use lenet_core::Pool;
use ndarray::{Array, Array2, Array4, ArrayView2, Axis, Dimension};
use networks::{pool_kinds, trained, untrained, untrained_with};

/// The int8 network and its gradient written plainly: exact integers in f64, layer by layer. The gradient treats
/// rounding as the identity (straight-through estimator).
struct Plain<'a> {
    network: &'a QuantizedNetwork,
    /// The weights as integers (`steps`) and as real values (`real`). Both have the biases of the int8 network.
    steps: Parameters<f64>,
    real: Parameters<f64>,
}

/// The outputs of a layer before and after requantization. `passes` is 0 where a value was clamped, so that no gradient
/// passes, and 1 elsewhere.
struct Requantized<D: Dimension> {
    accumulators: Array<f64, D>,
    activations: Array<f64, D>,
    passes: Array<f64, D>,
}

impl<'a> Plain<'a> {
    fn new(network: &'a QuantizedNetwork) -> Self {
        let classes = network.layers[4].bias.len();
        let mut plain = Self { network, steps: Parameters::zeros(classes), real: Parameters::zeros(classes) };
        for (parameters, real) in [(&mut plain.steps, false), (&mut plain.real, true)] {
            let weight = |layer: usize, channel: usize, place: usize| {
                let layer = &network.layers[layer];
                let inputs = layer.weights.len() / layer.bias.len();
                let scale = if real { f64::from(layer.weight_scale[channel]) } else { 1.0 };
                f64::from(layer.weights[channel * inputs + place]) * scale
            };
            for ((o, i, y, x), w) in parameters.conv1_weight_mut().indexed_iter_mut() {
                *w = weight(0, o, y * 5 + x + i);
            }
            for ((o, i, y, x), w) in parameters.conv2_weight_mut().indexed_iter_mut() {
                *w = weight(1, o, (y * 5 + x) * 6 + i);
            }
            for ((o, i), w) in parameters.fc1_weight_mut().indexed_iter_mut() {
                let (channel, position) = (i / 16, i % 16);
                *w = weight(2, o, position * 16 + channel);
            }
            parameters.fc2_weight_mut().indexed_iter_mut().for_each(|((o, i), w)| *w = weight(3, o, i));
            parameters.fc3_weight_mut().indexed_iter_mut().for_each(|((o, i), w)| *w = weight(4, o, i));
            for (layer, values) in parameters.slices_mut().into_iter().skip(1).step_by(2).enumerate() {
                values.iter_mut().zip(&network.layers[layer].bias).for_each(|(to, from)| *to = f64::from(*from));
            }
        }
        plain
    }

    /// Requantizes with `axis` as the axis of the channels. The bounds are those of `u`, or of `q - zero_point`.
    fn requantize<D: Dimension + ndarray::RemoveAxis>(
        &self,
        layer: usize,
        accumulators: Array<f64, D>,
        axis: usize,
        (low, high): (i32, i32),
    ) -> Requantized<D> {
        let (mut activations, mut passes) = (accumulators.clone(), accumulators.clone());
        let relu = low == 0;
        let layer = &self.network.layers[layer];
        for (channel, (mut activations, mut passes)) in
            activations.axis_iter_mut(Axis(axis)).zip(passes.axis_iter_mut(Axis(axis))).enumerate()
        {
            let multiplier = layer.multiplier[channel];
            let round = |accumulator: f64| multiplier.apply(accumulator as i32);
            passes.mapv_inplace(|a| {
                let within = low <= round(a) && round(a) <= high;
                f64::from(u8::from(within && (a > 0.0 || !relu)))
            });
            activations.mapv_inplace(|a| f64::from(round(a).clamp(low, high)));
        }
        Requantized { accumulators, activations, passes }
    }

    fn pool(&self, map: &Requantized<ndarray::Ix4>, kind: Pool) -> Array4<f64> {
        let mut pooled = pool2d::forward(&map.activations, kind);
        // On signed values, half away from zero.
        pooled.mapv_inplace(|u| (u - 128.0).round() + 128.0);
        pooled
    }

    /// The gradient with respect to the accumulators of a convolution, from that with respect to its pool's output.
    fn unpool(&self, map: &Requantized<ndarray::Ix4>, d_pooled: &Array4<f64>, kind: Pool) -> Array4<f64> {
        let largest = pool2d::forward(&map.accumulators, kind);
        pool2d::backward(&map.accumulators, &largest, d_pooled, kind) * &map.passes
    }

    /// The gradient of the mean loss with respect to every weight and bias.
    fn gradient(&self, images: ArrayView2<'_, u8>, split: &Split) -> Parameters<f64> {
        const RELU: (i32, i32) = (0, 255);
        let (steps, real, pools) = (&self.steps, &self.real, self.network.pools);
        let scale = self.network.activations.map(|activation| f64::from(activation.scale));
        let count = images.nrows();
        let features = |map: &Array4<f64>| -> Array2<f64> {
            Array2::from_shape_fn((count, 256), |(n, i)| map[(i / 16, n, i % 16 / 4, i % 4)])
        };

        let input = Array4::from_shape_fn((1, count, 28, 28), |(_, n, y, x)| f64::from(images[(n, y * 28 + x)]));
        let columns1 = conv2d::unfold(&input);
        let sums = conv2d::forward(&columns1, steps.conv1_weight(), steps.conv1_bias(), input.dim());
        let conv1 = self.requantize(0, sums, 0, RELU);
        let pool1 = self.pool(&conv1, pools.pool1);
        let columns2 = conv2d::unfold(&pool1);
        let sums = conv2d::forward(&columns2, steps.conv2_weight(), steps.conv2_bias(), pool1.dim());
        let conv2 = self.requantize(1, sums, 0, RELU);
        let pool2 = features(&self.pool(&conv2, pools.pool2));
        let fc1 = self.requantize(2, linear::forward(&pool2, steps.fc1_weight(), steps.fc1_bias()), 1, RELU);
        let sums = linear::forward(&fc1.activations, steps.fc2_weight(), steps.fc2_bias());
        let fc2 = self.requantize(3, sums, 1, RELU);
        let zero = i32::from(self.network.activations[5].zero_point);
        let sums = linear::forward(&fc2.activations, steps.fc3_weight(), steps.fc3_bias());
        let fc3 = self.requantize(4, sums, 1, (-128 - zero, 127 - zero));

        let logits = &fc3.activations * scale[5];
        let labels = split.labels();
        let (_, d_logits) = cross_entropy::loss_and_gradient(&logits, labels, 1.0 / count as f64);
        let d_fc3 = d_logits * &fc3.passes;
        let (fc3_weight, fc3_bias, d) = linear::backward(&(&fc2.activations * scale[4]), real.fc3_weight(), &d_fc3);
        let d_fc2 = d * &fc2.passes;
        let (fc2_weight, fc2_bias, d) = linear::backward(&(&fc1.activations * scale[3]), real.fc2_weight(), &d_fc2);
        let d_fc1 = d * &fc1.passes;
        let (fc1_weight, fc1_bias, d) = linear::backward(&(&pool2 * scale[2]), real.fc1_weight(), &d_fc1);
        let d = Array4::from_shape_fn((16, count, 4, 4), |(c, n, y, x)| d[(n, c * 16 + y * 4 + x)]);
        let d_conv2 = self.unpool(&conv2, &d, pools.pool2);
        let (conv2_weight, conv2_bias) = conv2d::backward_parameters(&(&columns2 * scale[1]), &d_conv2);
        let d_conv1 = self.unpool(&conv1, &conv2d::backward_input(real.conv2_weight(), &d_conv2), pools.pool1);
        let (conv1_weight, conv1_bias) = conv2d::backward_parameters(&(&columns1 * scale[0]), &d_conv1);

        let arrays = [
            (conv1_weight.into_dyn(), conv1_bias),
            (conv2_weight.into_dyn(), conv2_bias),
            (fc1_weight.into_dyn(), fc1_bias),
            (fc2_weight.into_dyn(), fc2_bias),
            (fc3_weight.into_dyn(), fc3_bias),
        ];
        let mut gradient = Parameters::zeros(real.classes());
        for (slices, (weight, bias)) in gradient.slices_mut().chunks_exact_mut(2).zip(arrays) {
            slices[0].iter_mut().zip(&weight).for_each(|(to, from)| *to = *from);
            slices[1].iter_mut().zip(&bias).for_each(|(to, from)| *to = *from);
        }
        gradient
    }
}

#[test]
fn the_gradient_equals_that_of_a_plain_network_that_rounds() {
    let data = digits_10k();
    // A full group, and one whose last lanes have no image.
    let of_classes = |classes| (untrained_with(classes, 4), LANES);
    for (network, count) in [(trained(), LANES), (untrained(3), 11), of_classes(3), of_classes(26), of_classes(64)] {
        let classes = network.classes.count();
        for pools in pool_kinds() {
            let network = Network { pools, ..network.clone() };
            let quantized = quantize_trained(&network, &data.train.first(5), &Default::default()).unwrap();
            let images = data.test.first(count);
            let labels = images.labels().mapv(|label| label % classes as u8);
            let images = Split::new(images.images().to_owned(), labels, classes).unwrap();
            let plain = Plain::new(&quantized).gradient(images.images(), &images);
            let int8 = SimulatedInt8::from(&quantized);
            for set in InstructionSet::available() {
                let mut group = Group::new();
                group.set_images(&(0..count).map(|image| images.pixels(image)).collect::<Vec<_>>());
                group.forward_int8(set, &int8);
                let mut targets = vec![Lanes::ZERO; classes];
                for (lane, label) in images.labels().iter().enumerate() {
                    targets[usize::from(*label)].0[lane] = 1.0;
                }
                let weight = 1.0 / count as f32;
                let (_, d_logits) =
                    host_trainer::network::lanes::cross_entropy::loss_and_gradient(group.logits(), &targets, weight);
                let mut gradient = Parameters::zeros(classes);
                group.backward_int8(set, &int8, &d_logits, &mut gradient);
                for ((got, expected), name) in gradient.arrays().iter().zip(plain.arrays()).zip(NAMES) {
                    let largest = expected.iter().fold(0f64, |largest, g| largest.max(g.abs()));
                    assert!(largest > 0.0, "the gradient in {name} is zero");
                    for (got, expected) in got.iter().zip(&expected) {
                        let error = (f64::from(*got) - expected).abs();
                        assert!(
                            error < 1e-5 * largest,
                            "{set}, {pools:?}: {name} has gradient {got}, plain {expected}"
                        );
                    }
                }
            }
        }
    }
}
