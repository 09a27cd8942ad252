//! Random quantized networks and images, corner values included.

use host_trainer::classes::Classes;
use host_trainer::int8::{QuantizedLayer, QuantizedNetwork};
use lenet_core::architecture::IMAGE_SIDE;
use lenet_core::format::WEIGHT_SUM_MAX;
use lenet_core::preparation::Preparation;
use lenet_core::quantization::{Multiplier, Quantization};
use lenet_core::{IMAGE_BYTES, Layer, Pixels, Pool, Pools};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The kind of weights.
#[derive(Clone, Copy, Debug)]
pub enum Weights {
    /// Anything in [-127, 127].
    Uniform,
    /// All this value.
    All(i8),
    /// -127 or 127.
    Extremes,
    /// -1, 0 or 1, so that accumulators are small.
    Tiny,
    /// 100 or more in magnitude, even where a channel's magnitudes then add up to more than the packed form allows.
    Heavy,
}

/// The kind of multipliers.
#[derive(Clone, Copy, Debug)]
pub enum Multipliers {
    /// Chosen so that the outputs spread over the range.
    Fitting,
    /// Any valid multiplier; in convolutions, any that the packed form allows.
    Uniform,
    /// The smallest: 2^30 at exponent -31.
    Smallest,
    /// The largest below 1/4: 2^31 - 1 at exponent -2.
    Largest,
    /// The largest of all: 2^31 - 1 at exponent 0.
    BelowOne,
    /// One half: every odd accumulator is a rounding tie.
    Half,
    /// One eighth: every eighth accumulator is a rounding tie.
    Eighth,
}

/// The kind of biases.
#[derive(Clone, Copy, Debug)]
pub enum Biases {
    /// About as large as the products.
    Fitting,
    /// -1, 0 or 1.
    Tiny,
    /// As far from zero as the accumulator allows, with either sign.
    Extremes,
}

/// The kind of pixels.
#[derive(Clone, Copy, Debug)]
pub enum Image {
    /// Anything in [0, 255].
    Uniform,
    /// All this value.
    All(u8),
    /// 0 or 1.
    Tiny,
    /// 0 or 255.
    Extremes,
    /// Anything in [0, 255] inside a random rectangle, 0 outside.
    Sparse,
}

/// What a random network is like.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Number of classes.
    pub classes: usize,
    /// Both pools.
    pub pools: [Pool; 2],
    /// Its weights.
    pub weights: Weights,
    /// Its multipliers.
    pub multipliers: Multipliers,
    /// Its biases.
    pub biases: Biases,
}

/// Numbers of classes that tests try: odd and even, in one to four vectors of sixteen.
pub const CLASSES: [usize; 6] = [10, 2, 3, 26, 47, 64];

impl Default for Kind {
    /// Ten classes, and nothing at the edge of its range.
    fn default() -> Self {
        Self {
            classes: 10,
            pools: [Pool::Average, Pool::Maximum],
            weights: Weights::Uniform,
            multipliers: Multipliers::Fitting,
            biases: Biases::Fitting,
        }
    }
}

/// A network of this kind. The same seed gives the same network.
///
/// # Panics
/// When the number of classes is outside [2, 64].
pub fn network(seed: u64, kind: Kind) -> QuantizedNetwork {
    let Kind { classes, pools, weights, multipliers, biases } = kind;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let activation = Quantization { scale: 0.01, zero_point: -128 };
    let logits = Quantization { scale: 0.1, zero_point: rng.random() };
    QuantizedNetwork {
        classes: Classes::numbered(classes).expect("2 to 64 classes"),
        none_of_these: None,
        preparation: if seed.is_multiple_of(2) { Preparation::AsTheyAre } else { Preparation::Drawing },
        pools: Pools { pool1: pools[0], pool2: pools[1] },
        activations: [activation, activation, activation, activation, activation, logits],
        layers: Layer::ALL.map(|which| layer(&mut rng, which, which.outputs(classes), weights, multipliers, biases)),
    }
}

fn layer(
    rng: &mut ChaCha8Rng,
    layer: Layer,
    outputs: usize,
    weights: Weights,
    multipliers: Multipliers,
    biases: Biases,
) -> QuantizedLayer {
    let per_output = layer.weights_per_output();
    let convolution = matches!(layer, Layer::Conv1 | Layer::Conv2);
    let mut made = QuantizedLayer { weight_scale: vec![0.01; outputs], ..QuantizedLayer::default() };
    for _ in 0..outputs {
        let mut channel: Vec<i8> = (0..per_output).map(|_| weight(rng, weights)).collect();
        if convolution && !matches!(weights, Weights::Heavy) {
            limit_sum(&mut channel, rng.random_range(0..per_output));
        }
        let magnitude: i32 = channel.iter().map(|w| 255 * i32::from(w.unsigned_abs())).sum();
        let typical = magnitude / (per_output as f64).sqrt() as i32 + 1;
        made.bias.push(match biases {
            Biases::Fitting => rng.random_range(-typical..=typical),
            Biases::Tiny => rng.random_range(-1..=1),
            Biases::Extremes if rng.random() => i32::MAX - magnitude,
            Biases::Extremes => magnitude - i32::MAX,
        });
        let (mantissa, exponent) = match multipliers {
            // typical * M is about 128.
            Multipliers::Fitting => {
                let exponent = 8 - f64::from(typical).log2().ceil() as i32;
                (rng.random_range(1 << 30..=i32::MAX), exponent.min(-2))
            }
            Multipliers::Uniform => {
                (rng.random_range(1 << 30..=i32::MAX), rng.random_range(-31..=if convolution { -2 } else { 0 }))
            }
            Multipliers::Smallest => (1 << 30, -31),
            Multipliers::Largest => (i32::MAX, -2),
            Multipliers::BelowOne => (i32::MAX, 0),
            Multipliers::Half => (1 << 30, 0),
            Multipliers::Eighth => (1 << 30, -2),
        };
        made.multiplier.push(Multiplier { mantissa, exponent });
        made.weights.extend(channel);
    }
    made
}

/// Clips weights of a convolution's channel, so that their magnitudes add up to no more than the packed form allows,
/// and to exactly that if anything was clipped. The budget is spent from the index `start` on, wrapping around at the end.
fn limit_sum(weights: &mut [i8], start: usize) {
    let mut rest = WEIGHT_SUM_MAX as i32;
    let count = weights.len();
    for index in (start..count).chain(0..start) {
        let weight = i32::from(weights[index]).clamp(-rest, rest);
        rest -= weight.abs();
        weights[index] = weight as i8;
    }
}

fn weight(rng: &mut ChaCha8Rng, weights: Weights) -> i8 {
    match weights {
        Weights::Uniform => rng.random_range(-127..=127),
        Weights::All(value) => value,
        Weights::Extremes if rng.random() => 127,
        Weights::Extremes => -127,
        Weights::Tiny => rng.random_range(-1..=1),
        Weights::Heavy if rng.random() => rng.random_range(100..=127),
        Weights::Heavy => -rng.random_range(100..=127),
    }
}

/// An image of this kind. The same seed gives the same image.
pub fn image(seed: u64, kind: Image) -> Pixels {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut pixels = [0; IMAGE_BYTES];
    let mut range = || {
        let start = rng.random_range(0..IMAGE_SIDE);
        start..rng.random_range(start + 1..=IMAGE_SIDE)
    };
    let (rows, columns) = (range(), range());
    for (index, pixel) in pixels.iter_mut().enumerate() {
        *pixel = match kind {
            Image::Uniform => rng.random(),
            Image::All(value) => value,
            Image::Tiny => rng.random_range(0..=1),
            Image::Extremes => 255 * rng.random_range(0..=1u8),
            Image::Sparse if rows.contains(&(index / IMAGE_SIDE)) && columns.contains(&(index % IMAGE_SIDE)) => {
                rng.random()
            }
            Image::Sparse => 0,
        };
    }
    pixels
}
