use lenet_core::architecture::Layer;
use lenet_core::quantization::{ACTIVATION_ZERO_POINT, Quantization};
use ndarray::{Array, Axis, Dimension};
use rayon::prelude::*;

use crate::data::Split;
use crate::error::{Error, Result};
use crate::network::{Network, plain};

/// How many training images calibration looks at, at most.
pub const CALIBRATION_IMAGES: usize = 10_000;

const CHUNK: usize = 64;

/// The least and greatest real output of each layer, in the order of [`Layer::ALL`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranges {
    bounds: [(f32, f32); 5],
}

impl Ranges {
    const EMPTY: Self = Self { bounds: [(f32::INFINITY, f32::NEG_INFINITY); 5] };

    fn union(self, other: Self) -> Self {
        let mut bounds = self.bounds;
        for (bound, (low, high)) in bounds.iter_mut().zip(other.bounds) {
            *bound = (bound.0.min(low), bound.1.max(high));
        }
        Self { bounds }
    }

    /// Least and greatest real output of a layer.
    pub fn of_layer(&self, layer: Layer) -> (f32, f32) {
        self.bounds[layer as usize]
    }

    /// The scale and zero point that let int8 cover a layer's outputs, zero exactly representable.
    ///
    /// After a ReLU the range is [0, high] and the zero point -128. The logits' range includes zero.
    ///
    /// # Errors
    /// When the range is not finite.
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

/// The ranges of a network's outputs over the first [`CALIBRATION_IMAGES`] of `images`, which must be
/// training images.
pub fn calibrate(network: &Network, images: &Split) -> Ranges {
    let images = images.first(CALIBRATION_IMAGES);
    images
        .images()
        .axis_chunks_iter(Axis(0), CHUNK)
        .into_par_iter()
        .map(|chunk| {
            let a = plain::forward(&network.parameters, network.pools, chunk);
            Ranges { bounds: [bounds(&a.conv1), bounds(&a.conv2), bounds(&a.fc1), bounds(&a.fc2), bounds(&a.logits)] }
        })
        .reduce(|| Ranges::EMPTY, Ranges::union)
}

fn bounds<D: Dimension>(values: &Array<f32, D>) -> (f32, f32) {
    values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_exact_and_the_range_is_covered() {
        let ranges = Ranges { bounds: [(0.0, 5.1), (0.0, 1.0), (0.0, 0.0), (0.0, 1.0), (-12.75, 12.75)] };
        let conv1 = ranges.quantization(Layer::Conv1).unwrap();
        assert_eq!((conv1.scale, conv1.zero_point), (0.02, -128));
        let logits = ranges.quantization(Layer::Fc3).unwrap();
        assert_eq!((logits.scale, logits.zero_point), (0.1, -1));
        assert!(ranges.quantization(Layer::Fc1).unwrap().scale > 0.0);
    }

    #[test]
    fn infinite_range_is_refused_by_name() {
        let ranges = Ranges { bounds: [(0.0, f32::INFINITY); 5] };
        assert!(ranges.quantization(Layer::Conv2).unwrap_err().to_string().contains("conv2"));
    }
}
