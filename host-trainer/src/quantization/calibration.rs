use lenet_core::architecture::Layer;
use lenet_core::quantization::{ACTIVATION_ZERO_POINT, Quantization};
use ndarray::{ArrayView2, s};
use rayon::prelude::*;
use serde::Serialize;

use super::histogram::Histogram;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::network::plain::{Activations, forward};

/// Default number of training images to calibrate on.
pub const CALIBRATION_IMAGES: usize = 10_000;
/// The fraction of values that [`Calibration::Percentile`] may leave outside.
pub const PERCENTILE_OUTSIDE: f64 = 1e-4;

const CHUNK: usize = 64;

/// How to choose the range of a layer's outputs from its values on calibration images. Values outside of the range are
/// clipped; the narrower the range, the finer the steps inside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Calibration {
    /// From the lowest to the highest value.
    MinMax,
    /// Leaves out the outermost values, a fraction of [`PERCENTILE_OUTSIDE`].
    Percentile,
    /// The range with the lowest mean squared error.
    #[default]
    Mse,
    /// The range with the lowest Kullback-Leibler divergence, as in TensorRT.
    Entropy,
}

/// The real output range of each layer that int8 covers, in the order of [`Layer::ALL`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranges {
    bounds: [(f32, f32); 5],
}

impl Ranges {
    const EMPTY: Self = Self { bounds: [(f32::INFINITY, f32::NEG_INFINITY); 5] };

    /// Ranges `(low, high)` in the order of [`Layer::ALL`]. The range of an activation after a ReLU starts at zero,
    /// whatever `low` is.
    pub const fn new(bounds: [(f32, f32); 5]) -> Self {
        Self { bounds }
    }

    fn union(self, other: Self) -> Self {
        let mut bounds = self.bounds;
        for (bound, (low, high)) in bounds.iter_mut().zip(other.bounds) {
            *bound = (bound.0.min(low), bound.1.max(high));
        }
        Self { bounds }
    }

    /// These ranges moved toward `bounds` by the fraction `share` of the distance.
    pub fn toward(&self, bounds: [(f32, f32); 5], share: f32) -> Self {
        let mut moved = *self;
        for ((low, high), (other_low, other_high)) in moved.bounds.iter_mut().zip(bounds) {
            *low += share * (other_low - *low);
            *high += share * (other_high - *high);
        }
        moved
    }

    /// Lowest and highest real output of a layer.
    pub fn of_layer(&self, layer: Layer) -> (f32, f32) {
        self.bounds[layer as usize]
    }

    /// The scale and zero point with which int8 covers a layer's outputs. Zero is represented exactly.
    ///
    /// After a ReLU the range is [0, high] and the zero point is -128. The range of the logits is widened to include
    /// zero.
    ///
    /// # Errors
    /// [`Error::Quantize`] when the range is not finite.
    pub fn quantization(&self, layer: Layer) -> Result<Quantization> {
        let (low, high) = self.of_layer(layer);
        let (low, high) = (f64::from(low.min(0.0)), f64::from(high.max(0.0)));
        if !(low.is_finite() && high.is_finite()) {
            return Err(Error::Quantize(format!("the outputs of {layer} are not finite; train again")));
        }
        let scale = ((high - low) / 255.0).max(f64::from(f32::MIN_POSITIVE)) as f32;
        let zero_point = match layer {
            Layer::Fc3 => (-128.0 - low / f64::from(scale)).round().clamp(-128.0, 127.0) as i8,
            _ => ACTIVATION_ZERO_POINT,
        };
        Ok(Quantization { scale, zero_point })
    }
}

/// The ranges of a network's outputs over `images`, which must be training images.
///
/// The result does not depend on the number of threads.
///
/// # Errors
/// [`Error::Quantize`] when an output is not finite.
pub fn calibrate(network: &Network, images: &Split, calibration: Calibration) -> Result<Ranges> {
    let extremes = for_each_chunk(network, images, |_, a| Ranges { bounds: outputs(a).map(bounds) })
        .reduce(|| Ranges::EMPTY, Ranges::union);
    let narrow: fn(&Histogram) -> (f64, f64) = match calibration {
        Calibration::MinMax => return Ok(extremes),
        Calibration::Percentile => |histogram| histogram.percentile(PERCENTILE_OUTSIDE),
        Calibration::Mse => Histogram::least_squares,
        Calibration::Entropy => Histogram::least_divergence,
    };
    let mut empty = Vec::new();
    for layer in Layer::ALL {
        extremes.quantization(layer)?;
        let (low, high) = extremes.of_layer(layer);
        // A layer that outputs only zeros still needs a range.
        empty.push(Histogram::new(f64::from(low.min(0.0)), f64::from(high.max(f32::MIN_POSITIVE))));
    }
    let count = |_: ArrayView2<'_, u8>, activations: &Activations<f32>| {
        let mut histograms = empty.clone();
        for (histogram, values) in histograms.iter_mut().zip(outputs(activations)) {
            histogram.add(values.iter().copied());
        }
        histograms
    };
    let merge = |a: Vec<Histogram>, b: Vec<Histogram>| a.into_iter().zip(&b).map(|(a, b)| a.merge(b)).collect();
    let histograms = for_each_chunk(network, images, count).reduce(|| empty.clone(), merge);
    let mut ranges = extremes;
    for (bound, histogram) in ranges.bounds.iter_mut().zip(&histograms) {
        let (low, high) = narrow(histogram);
        *bound = (low as f32, high as f32);
    }
    Ok(ranges)
}

/// Runs the network on the images in chunks, and calls `take` with the pixels, `[N, 784]`, and the activations of each.
/// The results are in the order of the images.
pub(super) fn for_each_chunk<T: Send>(
    network: &Network,
    images: &Split,
    take: impl Fn(ArrayView2<'_, u8>, &Activations<f32>) -> T + Sync + Send,
) -> impl IndexedParallelIterator<Item = T> {
    (0..images.len().div_ceil(CHUNK)).into_par_iter().map(move |index| {
        let pixels = images.images();
        let chunk = pixels.slice(s![index * CHUNK..images.len().min((index + 1) * CHUNK), ..]);
        take(chunk, &forward(&network.parameters, network.pools, chunk))
    })
}

/// The outputs of the layers, in the order of [`Layer::ALL`].
fn outputs(activations: &Activations<f32>) -> [&[f32]; 5] {
    const LAYOUT: &str = "activations are in standard layout";
    let maps = [&activations.conv1, &activations.conv2].map(|map| map.as_slice().expect(LAYOUT));
    let [fc1, fc2, logits] =
        [&activations.fc1, &activations.fc2, &activations.logits].map(|values| values.as_slice().expect(LAYOUT));
    [maps[0], maps[1], fc1, fc2, logits]
}

fn bounds(values: &[f32]) -> (f32, f32) {
    values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits_10k;
    use crate::formats::decode_safetensors;

    fn trained() -> Network {
        decode_safetensors(include_bytes!("../../../data/digits-10k/digits-10k.safetensors")).unwrap().network
    }

    #[test]
    fn zero_is_exact_and_int8_covers_the_range() {
        let ranges = Ranges::new([(0.0, 5.1), (0.0, 1.0), (0.0, 0.0), (0.0, 1.0), (-12.75, 12.75)]);
        let conv1 = ranges.quantization(Layer::Conv1).unwrap();
        assert_eq!((conv1.scale, conv1.zero_point), (0.02, -128));
        let logits = ranges.quantization(Layer::Fc3).unwrap();
        assert_eq!((logits.scale, logits.zero_point), (0.1, -1));
        assert!(ranges.quantization(Layer::Fc1).unwrap().scale > 0.0);
    }

    #[test]
    fn infinite_range_is_refused_by_name() {
        let ranges = Ranges::new([(0.0, f32::INFINITY); 5]);
        assert!(ranges.quantization(Layer::Conv2).unwrap_err().to_string().contains("conv2"));
        let mut network = trained();
        network.parameters.conv2_bias_mut()[3] = f32::INFINITY;
        let refused = calibrate(&network, &digits_10k().train.first(10), Calibration::Mse).unwrap_err().to_string();
        assert!(refused.contains("conv2"), "{refused}");
    }

    #[test]
    fn ranges_stay_within_the_values_seen_and_min_max_covers_them() {
        let (network, images) = (trained(), digits_10k().train.first(300));
        let widest = calibrate(&network, &images, Calibration::MinMax).unwrap();
        let outputs = forward(&network.parameters, network.pools, images.images());
        assert_eq!(widest.of_layer(Layer::Fc2).1, outputs.fc2.fold(0f32, |most, x| most.max(*x)));
        for calibration in [Calibration::Percentile, Calibration::Mse, Calibration::Entropy] {
            let ranges = calibrate(&network, &images, calibration).unwrap();
            for layer in Layer::ALL {
                let ((low, high), (least, most)) = (ranges.of_layer(layer), widest.of_layer(layer));
                assert!(least * 1.0001 <= low && low <= 0.0, "{calibration:?} {layer}: {low} of {least}");
                assert!(0.3 * most < high && high <= most * 1.0001, "{calibration:?} {layer}: {high} of {most}");
            }
            assert_ne!(ranges, widest);
        }
    }

    #[test]
    fn a_network_of_zeros_can_be_calibrated() {
        let mut network = trained();
        network.parameters.values_mut().fill(0.0);
        for calibration in [Calibration::MinMax, Calibration::Percentile, Calibration::Mse, Calibration::Entropy] {
            let ranges = calibrate(&network, &digits_10k().train.first(20), calibration).unwrap();
            assert!(Layer::ALL.iter().all(|layer| ranges.quantization(*layer).is_ok()));
        }
    }
}
