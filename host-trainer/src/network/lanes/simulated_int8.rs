//! The int8 network in float lanes, only for gradients through its rounding.
//!
//! Quantization-aware training needs what `lenet-core` cannot give: which values the rounding clamped, and a backward
//! pass. [`SimulatedInt8`] exists for that. No accuracy, answer or other int8 figure that a person reads comes from it,
//! except the training loss and accuracy of the pass itself.
//!
//! Activations are `u = q + 128` in [0, 255] and weights are steps in [-127, 127], both as floats. The layers are those
//! of the float network without bias and ReLU. Their partial sums are at most `256 * 127 * 255 < 2^23`, so each is an
//! exact integer, in any order and with any rounding. Biases are added to the sums as 32-bit integers. Requantization
//! and pools are `lenet-core`'s. So every activation equals that of [`lenet_core::LeNet5`], for any
//! network whose multipliers are below 1/4, as the quantizer chooses them.
//!
//! The forward pass then converts the activations to real units, and the float network's backward pass runs on them and
//! on the real values of the weights. It treats rounding as the identity (the straight-through estimator of Bengio,
//! Léonard and Courville, 2013). Everything else has its own derivative; outside their bounds, clamps, ReLUs and
//! saturation have derivative zero.

use lenet_core::architecture::{CONV1_CHANNELS, CONV2_CHANNELS, FC1_INPUTS, FC1_OUTPUTS, FC2_OUTPUTS, Layer};
use lenet_core::labels::MAX_CLASSES;
use lenet_core::quantization::{Multiplier, Quantization};
use lenet_core::workstation::{Requantizer, average};
use lenet_core::{Pool, Pools};
use pulp::{Simd, WithSimd};

use super::vector::{load, parts, store};
use super::{Arrays, ArraysMut, Backward, Group, InstructionSet, LANES, Lanes, Map, Trace, conv2d, linear, pool2d};
use crate::int8::order::pytorch_order;
use crate::int8::{QuantizedLayer, QuantizedNetwork};
use crate::network::Parameters;

/// An int8 network whose rounding is simulated in float lanes.
pub struct SimulatedInt8 {
    pub(super) pools: Pools,
    /// Weights in [-127, 127]. The biases are not in it.
    steps: Parameters<f32>,
    /// What they stand for. The biases are not in it, as no gradient depends on one.
    pub(super) real: Parameters<f32>,
    conv1: [OutputChannel; CONV1_CHANNELS],
    conv2: [OutputChannel; CONV2_CHANNELS],
    fc1: [OutputChannel; FC1_OUTPUTS],
    fc2: [OutputChannel; FC2_OUTPUTS],
    /// `[classes]`.
    fc3: Vec<(OutputChannel, Multiplier)>,
    /// Scales of pool1, pool2, fc1 and fc2.
    scales: [f32; 4],
    logits: Quantization,
}

impl From<&QuantizedNetwork> for SimulatedInt8 {
    /// # Panics
    /// When an array has another length than its layer needs, or a multiplier is 1/4 or more.
    fn from(network: &QuantizedNetwork) -> Self {
        let [conv1, conv2, fc1, fc2, fc3] = &network.layers;
        let classes = fc3.bias.len();
        let (mut steps, mut real) = (Parameters::zeros(classes), Parameters::zeros(classes));
        let arrays = steps.slices_mut().into_iter().zip(real.slices_mut()).step_by(2);
        for ((which, layer), (steps, real)) in Layer::ALL.into_iter().zip(&network.layers).zip(arrays) {
            set_weights(which, layer, steps, real);
        }
        let [input, scales @ .., _] = network.activations.map(|activation| activation.scale);
        Self {
            pools: network.pools,
            steps,
            real,
            conv1: std::array::from_fn(|channel| OutputChannel::new(conv1, channel, input)),
            conv2: std::array::from_fn(|channel| OutputChannel::new(conv2, channel, scales[0])),
            fc1: std::array::from_fn(|channel| OutputChannel::new(fc1, channel, scales[1])),
            fc2: std::array::from_fn(|channel| OutputChannel::new(fc2, channel, scales[2])),
            fc3: (0..classes).map(|class| (OutputChannel::new(fc3, class, scales[3]), fc3.multiplier[class])).collect(),
            scales,
            logits: network.activations[5],
        }
    }
}

/// Sets a layer's weights, in the float network's order, to their steps and to the real values of those.
fn set_weights(which: Layer, layer: &QuantizedLayer, steps: &mut [f32], real: &mut [f32]) {
    let weights = pytorch_order(which, &layer.weights);
    let per_output = which.weights_per_output();
    let outputs = steps.chunks_exact_mut(per_output).zip(real.chunks_exact_mut(per_output));
    for ((steps, real), (weights, scale)) in outputs.zip(weights.chunks_exact(per_output).zip(&layer.weight_scale)) {
        for ((step, real), weight) in steps.iter_mut().zip(real).zip(weights) {
            *step = f32::from(*weight);
            *real = *step * scale;
        }
    }
}

/// From the sums of the products of one output channel to its outputs.
struct OutputChannel {
    bias: i32,
    requantizer: Requantizer<1>,
    /// Real value of one step of the accumulator.
    scale: f32,
}

impl OutputChannel {
    fn new(layer: &QuantizedLayer, channel: usize, input_scale: f32) -> Self {
        Self {
            bias: layer.bias[channel],
            requantizer: Requantizer::new(&[layer.multiplier[channel]]),
            scale: input_scale * layer.weight_scale[channel],
        }
    }

    #[inline(always)]
    fn accumulators(&self, sums: &Lanes) -> [i32; LANES] {
        sums.0.map(|sum| sum as i32 + self.bias)
    }

    /// Raises `highest` to the real values of the accumulators where those are higher.
    #[inline(always)]
    fn raise(&self, highest: &mut Lanes, accumulators: &[i32; LANES]) {
        for (highest, accumulator) in highest.0.iter_mut().zip(accumulators) {
            *highest = highest.max(*accumulator as f32 * self.scale);
        }
    }
}

impl Group {
    /// Computes every activation of the images as the int8 network does; they are real afterwards. Only the
    /// convolutions' outputs are not there: they are 1 where the gradient passes the ReLU, the
    /// saturation and a maximum pool behind them, and 0 elsewhere.
    pub fn forward_int8(&mut self, set: InstructionSet, int8: &SimulatedInt8) {
        set.run(Forward { group: self, int8 });
    }

    /// As [`Group::backward`], after [`Group::forward_int8`].
    pub fn backward_int8(
        &mut self,
        set: InstructionSet,
        int8: &SimulatedInt8,
        d_logits: &[Lanes],
        gradient: &mut Parameters<f32>,
    ) {
        let mut d_logits = d_logits.to_vec();
        for (d, active) in d_logits.iter_mut().zip(&self.trace.logits) {
            d.0.iter_mut().zip(active.0).for_each(|(d, active)| *d *= active);
        }
        let (parameters, gradient) = (Arrays::of(&int8.real), ArraysMut::of(gradient));
        let pools = int8.pools;
        set.run(Backward { group: self, parameters, pools, int8: true, d_logits: &d_logits, gradient });
    }

    /// The lowest and highest real output of each layer in the first `images` lanes, before
    /// [`Group::forward_int8`] rounded and clamped them. Zero counts as one of them.
    pub fn extremes(&self, images: usize) -> [(f32, f32); 5] {
        let lowest = self.trace.lowest_logit.0[..images].iter().fold(0f32, |lowest, value| lowest.min(*value));
        let highest = self.trace.highest.map(|lanes| lanes.0[..images].iter().fold(0f32, |high, x| high.max(*x)));
        [(0.0, highest[0]), (0.0, highest[1]), (0.0, highest[2]), (0.0, highest[3]), (lowest, highest[4])]
    }
}

struct Forward<'a> {
    group: &'a mut Group,
    int8: &'a SimulatedInt8,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (g, n) = (self.group, self.int8);
        let Arrays { before: w, fc3_weight, .. } = Arrays::of(&n.steps);
        g.classes = n.fc3.len() as u32;
        let Pools { pool1, pool2 } = n.pools;
        g.trace.highest = [Lanes::ZERO; 5];
        let [conv1, conv2, fc1, fc2, _] = &mut g.trace.highest;

        each(simd, g.input.as_flattened_mut().as_flattened_mut(), 255.0, S::mul_f32s);
        let blank = |y: usize, x: usize| g.blank[y][x / conv2d::TILE] != 0;
        conv2d::forward::<_, _, _, _, _, false>(simd, &g.input, &w.conv1_weight, &[0.0; _], &mut g.conv1, blank);
        pool(simd, &n.conv1, pool1, &mut g.conv1, &mut g.pool1, conv1);
        let none = |_, _| false;
        conv2d::forward::<_, _, _, _, _, false>(simd, &g.pool1, &w.conv2_weight, &[0.0; _], &mut g.conv2, none);
        pool(simd, &n.conv2, pool2, &mut g.conv2, &mut g.pool2, conv2);
        let features: &[Lanes; FC1_INPUTS] = bytemuck::cast_ref(&g.pool2);
        linear::forward::<_, _, 12, false>(simd, features, &w.fc1_weight, &[0.0; FC1_OUTPUTS], &mut g.fc1);
        requantize(simd, &n.fc1, &mut g.fc1, &mut g.trace.fc1, fc1);
        linear::forward::<_, _, 12, false>(simd, &g.fc1, &w.fc2_weight, &[0.0; FC2_OUTPUTS], &mut g.fc2);
        requantize(simd, &n.fc2, &mut g.fc2, &mut g.trace.fc2, fc2);
        let logits = &mut g.logits[..n.fc3.len()];
        linear::forward::<_, _, 10, false>(simd, &g.fc2, fc3_weight, &[0.0; MAX_CLASSES][..n.fc3.len()], logits);
        n.finish(logits, &mut g.trace);

        // Divided, as the real pixels are: one multiplied by the inverse might not be `p / 255`.
        each(simd, g.input.as_flattened_mut().as_flattened_mut(), 255.0, S::div_f32s);
        each(simd, g.pool1.as_flattened_mut().as_flattened_mut(), n.scales[0], S::mul_f32s);
        each(simd, g.pool2.as_flattened_mut().as_flattened_mut(), n.scales[1], S::mul_f32s);
        each(simd, &mut g.fc1, n.scales[2], S::mul_f32s);
        each(simd, &mut g.fc2, n.scales[3], S::mul_f32s);
    }
}

impl SimulatedInt8 {
    /// From fc3's sums to real logits.
    #[inline(always)]
    fn finish(&self, logits: &mut [Lanes], trace: &mut Trace) {
        let Quantization { zero_point, .. } = self.logits;
        trace.lowest_logit = Lanes::ZERO;
        for (class, (channel, multiplier)) in self.fc3.iter().enumerate() {
            let accumulators = channel.accumulators(&logits[class]);
            channel.raise(&mut trace.highest[4], &accumulators);
            for (lane, accumulator) in accumulators.into_iter().enumerate() {
                let lowest = &mut trace.lowest_logit.0[lane];
                *lowest = lowest.min(accumulator as f32 * channel.scale);
                let q = multiplier.apply_linear(accumulator, zero_point);
                logits[class].0[lane] = self.logits.real(q);
                let steps = i32::from(q) - i32::from(zero_point);
                trace.logits[class].0[lane] = f32::from(multiplier.apply(accumulator) == steps);
            }
        }
    }
}

/// Replaces each value by what `operation` makes of it and `operand`.
#[inline(always)]
fn each<S: Simd>(simd: S, values: &mut [Lanes], operand: f32, operation: impl Fn(S, S::f32s, S::f32s) -> S::f32s) {
    let operand = simd.splat_f32s(operand);
    for lanes in values {
        for part in parts::<S>() {
            let value = operation(simd, load(simd, lanes, part), operand);
            store(simd, lanes, part, value);
        }
    }
}

/// Replaces a layer's sums by its activations, and sets `active` to 1 where those were not clamped, else to 0.
#[inline(always)]
fn requantize<S: Simd, const O: usize>(
    simd: S,
    channels: &[OutputChannel; O],
    values: &mut [Lanes; O],
    active: &mut [Lanes; O],
    highest: &mut Lanes,
) {
    for o in 0..O {
        let accumulators = channels[o].accumulators(&values[o]);
        channels[o].raise(highest, &accumulators);
        for part in parts::<S>() {
            let accumulator = S::as_simd_i32s(&accumulators).0[part];
            let (activation, passes) = activation(simd, &channels[o].requantizer, accumulator);
            store(simd, &mut values[o], part, float(simd, activation));
            store(simd, &mut active[o], part, passes);
        }
    }
}

/// Pools a convolution's sums into activations. In their place it leaves 1 where the gradient passes, else 0:
/// where an output was not clamped, and for a maximum only at the first of equal largest ones.
#[inline(always)]
fn pool<S: Simd, const C: usize, const H: usize, const P: usize>(
    simd: S,
    channels: &[OutputChannel; C],
    pool: Pool,
    map: &mut Map<C, H>,
    output: &mut Map<C, P>,
    highest: &mut Lanes,
) {
    for c in 0..C {
        let channel = &channels[c];
        let requantizer = &channel.requantizer;
        let mut largest = [i32::MIN; LANES];
        for y in 0..P {
            for x in 0..P {
                let window = pool2d::window(&map[c], y, x).0.map(|sums| channel.accumulators(sums));
                for part in parts::<S>() {
                    let window = window.each_ref().map(|lanes| S::as_simd_i32s(lanes).0[part]);
                    let [a, b, d, e] = window;
                    let maximum = simd.max_i32s(simd.max_i32s(a, b), simd.max_i32s(d, e));
                    let highest = &mut S::as_mut_simd_i32s(&mut largest).0[part];
                    *highest = simd.max_i32s(*highest, maximum);
                    let (pooled, passes) = match pool {
                        Pool::Maximum => {
                            let (pooled, passes) = activation(simd, requantizer, maximum);
                            (pooled, first_equal(simd, window, maximum, passes))
                        }
                        Pool::Average => {
                            let mut sum = simd.splat_u32s(0);
                            let passes = window.map(|accumulator| {
                                let (activation, passes) = activation(simd, requantizer, accumulator);
                                sum = simd.add_u32s(sum, activation);
                                passes
                            });
                            (average(simd, sum), passes)
                        }
                    };
                    store(simd, &mut output[c][y][x], part, float(simd, pooled));
                    for k in 0..4 {
                        store(simd, &mut map[c][2 * y + k / 2][2 * x + k % 2], part, passes[k]);
                    }
                }
            }
        }
        channel.raise(highest, &largest);
    }
}

/// The activation of an accumulator, in [0, 255], and 1 if it was not clamped, else 0.
#[inline(always)]
fn activation<S: Simd>(simd: S, requantizer: &Requantizer<1>, accumulator: S::i32s) -> (S::u32s, S::f32s) {
    let rounded = requantizer.rounded(simd, accumulator, 0);
    let activation = simd.min_u32s(rounded, simd.splat_u32s(255));
    let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
    let positive = simd.greater_than_i32s(accumulator, simd.splat_i32s(0));
    let unsaturated = simd.equal_u32s(rounded, activation);
    (activation, simd.select_f32s(positive, simd.select_f32s(unsaturated, one, zero), zero))
}

/// `value` at the first of the four that is `largest`, 0 elsewhere.
#[inline(always)]
fn first_equal<S: Simd>(simd: S, window: [S::i32s; 4], largest: S::i32s, value: S::f32s) -> [S::f32s; 4] {
    let zero = simd.splat_f32s(0.0);
    let mut left = value;
    window.map(|candidate| {
        let here = simd.equal_i32s(candidate, largest);
        let taken = simd.select_f32s(here, left, zero);
        left = simd.select_f32s(here, zero, left);
        taken
    })
}

/// A small integer, below 2^23, as a float: the mantissa of a float of [2^23, 2^24) holds it.
#[inline(always)]
fn float<S: Simd>(simd: S, value: S::u32s) -> S::f32s {
    const UNIT: f32 = (1u32 << 23) as f32;
    let with_exponent = simd.or_u32s(value, simd.splat_u32s(UNIT.to_bits()));
    simd.sub_f32s(simd.transmute_f32s_u32s(with_exponent), simd.splat_f32s(UNIT))
}

#[cfg(test)]
mod tests {
    use crate::network::lanes::REAL_PIXELS;

    #[test]
    fn a_real_pixel_goes_back_to_its_byte() {
        for (pixel, real) in REAL_PIXELS.into_iter().enumerate() {
            assert_eq!(real * 255.0, pixel as f32);
            assert_eq!(pixel as f32 / 255.0, real);
        }
    }
}
