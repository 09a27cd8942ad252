//! An independent implementation of the quantized network in f64, to check `lenet-core` against.
//!
//! It applies the formulas of the scheme as they are written, layer after layer, without fusing anything. It shares no
//! arithmetic with `lenet-core`, and it is exact, because every intermediate value is an integer, or an integer divided
//! by a power of two, below 2^53. If both agree in every bit, that is evidence that both are right.

use lenet_core::architecture::{
    CONV1_CHANNELS, CONV2_CHANNELS, FC1_INPUTS, FC1_OUTPUTS, FC2_OUTPUTS, IMAGE_SIDE, KERNEL_SIDE,
};
use lenet_core::quantization::Multiplier;
use lenet_core::{Pixels, Pool};
use ndarray::{Array1, Array3, Array4, ArrayView1, s};

use super::network::{QuantizedLayer, QuantizedNetwork};

/// The quantized outputs `q` of every layer for one image, as integers in [-128, 127]; maps in HWC order.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// `[24, 24, 6]`.
    pub conv1: Array3<f64>,
    /// `[12, 12, 6]`.
    pub pool1: Array3<f64>,
    /// `[8, 8, 16]`.
    pub conv2: Array3<f64>,
    /// `[4, 4, 16]`.
    pub pool2: Array3<f64>,
    /// `[120]`.
    pub fc1: Array1<f64>,
    /// `[84]`.
    pub fc2: Array1<f64>,
    /// `[classes]`.
    pub logits: Array1<f64>,
}

impl Trace {
    /// The outputs of every layer with their names, in execution order.
    pub fn layers(&self) -> [(&'static str, Vec<i8>); 7] {
        // Every value is an integer that fits in an i8.
        let int8 = |values: &mut dyn Iterator<Item = &f64>| values.map(|q| *q as i8).collect();
        [
            ("conv1", int8(&mut self.conv1.iter())),
            ("pool1", int8(&mut self.pool1.iter())),
            ("conv2", int8(&mut self.conv2.iter())),
            ("pool2", int8(&mut self.pool2.iter())),
            ("fc1", int8(&mut self.fc1.iter())),
            ("fc2", int8(&mut self.fc2.iter())),
            ("logits", int8(&mut self.logits.iter())),
        ]
    }
}

/// Runs the network on one image.
///
/// # Panics
/// When an array of the network does not have the length that its layer needs.
pub fn run(network: &QuantizedNetwork, pixels: &Pixels) -> Trace {
    let zero = network.activations.map(|activation| f64::from(activation.zero_point));
    let [conv1_values, conv2_values, fc1_values, fc2_values, fc3_values] = &network.layers;
    // The scale of the image is 1/255 and its zero point -128: q = p - 128.
    let image =
        Array3::from_shape_fn((IMAGE_SIDE, IMAGE_SIDE, 1), |(y, x, _)| f64::from(pixels[y * IMAGE_SIDE + x]) - 128.0);
    let conv1 = convolve(&image, zero[0], conv1_values, CONV1_CHANNELS, zero[1]);
    let pool1 = pool(&conv1, network.pools.pool1);
    let conv2 = convolve(&pool1, zero[1], conv2_values, CONV2_CHANNELS, zero[2]);
    let pool2 = pool(&conv2, network.pools.pool2);
    let flat = pool2.to_shape(FC1_INPUTS).expect("4 x 4 x 16 is 256").to_owned();
    let fc1 = connect(flat.view(), zero[2], fc1_values, FC1_OUTPUTS, zero[3]).mapv(|q| q.max(zero[3]));
    let fc2 = connect(fc1.view(), zero[3], fc2_values, FC2_OUTPUTS, zero[4]).mapv(|q| q.max(zero[4]));
    let logits = connect(fc2.view(), zero[4], fc3_values, network.classes.count(), zero[5]);
    Trace { conv1, pool1, conv2, pool2, fc1, fc2, logits }
}

/// Convolution with ReLU: `[H, W, I]` to `[H-4, W-4, outputs]`.
fn convolve(input: &Array3<f64>, zero_in: f64, layer: &QuantizedLayer, outputs: usize, zero_out: f64) -> Array3<f64> {
    let (height, width, inputs) = input.dim();
    let weights: Vec<f64> = layer.weights.iter().map(|w| f64::from(*w)).collect();
    let weights = Array4::from_shape_vec((outputs, KERNEL_SIDE, KERNEL_SIDE, inputs), weights).expect("OHWI weights");
    let centred = input.mapv(|q| q - zero_in);
    Array3::from_shape_fn((height - KERNEL_SIDE + 1, width - KERNEL_SIDE + 1, outputs), |(y, x, o)| {
        let patch = centred.slice(s![y..y + KERNEL_SIDE, x..x + KERNEL_SIDE, ..]);
        let products = &patch * &weights.slice(s![o, .., .., ..]);
        let accumulator = f64::from(layer.bias[o]) + products.sum();
        requantize(accumulator, layer, o, zero_out).max(zero_out)
    })
}

/// A fully connected layer without ReLU: `[I]` to `[outputs]`.
fn connect(
    input: ArrayView1<'_, f64>,
    zero_in: f64,
    layer: &QuantizedLayer,
    outputs: usize,
    zero_out: f64,
) -> Array1<f64> {
    Array1::from_shape_fn(outputs, |o| {
        let weights = &layer.weights[o * input.len()..(o + 1) * input.len()];
        let sum: f64 = input.iter().zip(weights).map(|(q, w)| (q - zero_in) * f64::from(*w)).sum();
        requantize(f64::from(layer.bias[o]) + sum, layer, o, zero_out)
    })
}

/// `zero_out + round(accumulator * M)`, ties up, saturated to int8.
fn requantize(accumulator: f64, layer: &QuantizedLayer, channel: usize, zero_out: f64) -> f64 {
    let Multiplier { mantissa, exponent } = layer.multiplier[channel];
    (zero_out + round_product(accumulator, f64::from(mantissa), exponent)).clamp(-128.0, 127.0)
}

/// `floor(accumulator * mantissa / 2^(31 - exponent) + 1/2)`, exactly.
///
/// The product may need 62 bits, more than an f64 has, so it is computed in two halves. With
/// `accumulator = high * 2^16 + low`, dividing everything by 2^16 leaves
/// `high * mantissa + floor(low * mantissa / 2^16)`. The inner floor drops less than one unit from a sum of integers,
/// which cannot change the outer floor.
fn round_product(accumulator: f64, mantissa: f64, exponent: i32) -> f64 {
    let unit = 2f64.powi(16);
    let high = (accumulator / unit).floor();
    let low = accumulator - high * unit;
    let product = high * mantissa + (low * mantissa / unit).floor();
    let divisor = 2f64.powi(31 - exponent - 16);
    // divisor / 2 is an integer because 31 - exponent - 16 is at least 15.
    ((product + divisor / 2.0) / divisor).floor()
}

fn pool(map: &Array3<f64>, kind: Pool) -> Array3<f64> {
    let (height, width, channels) = map.dim();
    Array3::from_shape_fn((height / 2, width / 2, channels), |(y, x, c)| {
        let window = map.slice(s![2 * y..2 * y + 2, 2 * x..2 * x + 2, c]);
        match kind {
            // f64::round rounds half away from zero.
            Pool::Average => (window.sum() / 4.0).round(),
            Pool::Maximum => window.fold(f64::MIN, |largest, q| largest.max(*q)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_rounded_exactly() {
        for accumulator in
            [i32::MIN, i32::MIN + 1, -98_765_431, -65_536, -1, 0, 1, 77, 65_535, 65_536, 1 << 30, i32::MAX]
        {
            for mantissa in [1 << 30, (1 << 30) + 1, 1_234_567_891, i32::MAX] {
                for exponent in [-31, -17, -16, -9, -1, 0] {
                    // 128-bit integers are exact beyond doubt.
                    let shift = 31 - exponent;
                    let product = i128::from(accumulator) * i128::from(mantissa);
                    let expected = (product + (1 << (shift - 1))).div_euclid(1 << shift);
                    let got = round_product(f64::from(accumulator), f64::from(mantissa), exponent);
                    assert_eq!(got as i128, expected, "{accumulator} * {mantissa} at {exponent}");
                }
            }
        }
    }
}
