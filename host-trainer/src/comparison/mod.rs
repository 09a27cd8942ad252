//! Runs a float network and an int8 network on the same images, and measures where they diverge and by how much.
//!
//! Both networks run from end to end, so the error of a tensor is the accumulated effect of all quantization before it.
//! Five tensors are compared ([`Stage`]): the outputs of the two pools (the next layer does not see a convolution's
//! output in any other form), the outputs of fc1 and fc2, and the logits. The int8 values come from
//! [`lenet_core::LeNet5`], so they are bit for bit what a board computes.
//!
//! # Measures
//!
//! With the float network's value `x`, the int8 network's value `q` and `x_q = scale * (q - zero_point)`:
//!
//! ```text
//! SQNR            = 10 log10(sum x^2 / sum (x - x_q)^2)    in dB
//! error in steps  = |x - x_q| / scale
//! ```
//!
//! This is the signal-to-quantization-noise ratio (SQNR) of a layer as used by Lin, Talathi and Annapureddy (*Fixed
//! Point Quantization of Deep Convolutional Networks*, ICML 2016). At 20 dB the error is a tenth of the signal, at 40
//! dB a hundredth (root mean square). Rounding alone has an error of `scale / sqrt(12)`, which leaves about 40 dB here.
//!
//! Two shares show whether the range of int8 is too narrow:
//!
//! - *saturated*: int8 values at an end of the range (127, for logits also -128) where the float network's value is
//!   nearest to a different step. An average pool hides saturation of the layer before it, so there is also
//! - *clipped*: values of the float layer, before its pool, that are beyond the last step. Int8 cannot represent them,
//!   however accurate everything else is.
//!
//! A channel is *never active* when it is zero at every position of every image. For the six and sixteen channels of
//! the convolutions, each one is worth a [`Warning`]. Of the 120 and 84 units of fc1 and fc2, some are dead in any
//! network trained with ReLUs, whether it is quantized or not. They are only counted, and a warning names the units
//! that are dead in int8 alone.
//!
//! A network that was fine-tuned afterwards (`--qat`) is no longer a rounded copy of the float network. Its accuracy is
//! what counts then; the SQNRs of its weights and tensors show how far it has moved away.

mod diagnosis;
mod findings;
mod stage;
mod tally;
mod totals;
mod warning;
mod weights;

use lenet_core::{LeNet5, Model};
use rayon::prelude::*;

use crate::data::Split;
use crate::network::Network;
use crate::network::lanes::{Group, InstructionSet, LANES};

pub use findings::{Answer, Changed, Comparison, TensorComparison};
pub use stage::Stage;
pub use tally::{Channel, Statistics};
pub use warning::{Cause, POINTS_LOST_MAX, SATURATION_MAX, SQNR_MIN_DB, Warning};
pub use weights::WeightNoise;

use tally::Scheme;
use totals::Totals;

/// Images summed by one task. The number is fixed, so that the sums do not depend on the number of threads.
const CHUNK: usize = 10 * LANES;

/// Runs both networks on a split, using the threads of the current rayon pool. The result is bit-identical for any
/// number of threads.
pub fn compare(network: &Network, model: Model<'_>, split: &Split) -> Comparison {
    let schemes = Stage::ALL.map(|stage| Scheme::new(model.quantization(stage.tensor()), stage != Stage::Logits));
    let set = InstructionSet::detect();
    let chunks: Vec<Totals> = (0..split.len().div_ceil(CHUNK))
        .into_par_iter()
        .map_init(
            || (Group::new(), LeNet5::new(model)),
            |(group, int8), index| {
                let mut totals = Totals::new(model.classes());
                let end = split.len().min((index + 1) * CHUNK);
                for start in (index * CHUNK..end).step_by(LANES) {
                    let images = start..end.min(start + LANES);
                    group.set_images(&images.clone().map(|image| split.pixels(image)).collect::<Vec<_>>());
                    group.forward(set, &network.parameters, network.pools);
                    totals.add(group, int8, &schemes, split, images);
                }
                totals
            },
        )
        .collect();
    let mut all = Totals::new(model.classes());
    for chunk in chunks {
        all.merge(chunk);
    }
    all.comparison(network, model, split.len())
}

#[cfg(test)]
mod tests {
    use lenet_core::Tensor;

    use super::*;
    use crate::data::digits_10k;
    use crate::formats::{ModelFile, decode_safetensors};
    use crate::network::plain;
    use crate::quantization::{Calibration, Granularity, calibrate, quantize};

    /// The committed float network.
    pub(super) fn digits() -> Network {
        decode_safetensors(include_bytes!("../../../data/digits-10k/digits-10k.safetensors")).unwrap().network
    }

    /// The same network with the outputs of conv1 multiplied by `factor`, so that its ranges do not fit [`digits`].
    pub(super) fn with_conv1_times(factor: f32) -> Network {
        let mut network = digits();
        network.parameters.conv1_weight_mut().mapv_inplace(|weight| factor * weight);
        network.parameters.conv1_bias_mut().mapv_inplace(|bias| factor * bias);
        network
    }

    /// `network` quantized with the ranges of `calibrated`.
    pub(super) fn quantized(network: &Network, calibrated: &Network) -> ModelFile {
        let ranges = calibrate(calibrated, &digits_10k().train.first(200), Calibration::MinMax).unwrap();
        quantize(network, &ranges, Granularity::PerChannel).unwrap().encode(&Default::default()).unwrap()
    }

    pub(super) fn compared(network: &Network, file: &ModelFile, images: usize) -> Comparison {
        compare(network, file.model().unwrap(), &digits_10k().test.first(images))
    }

    /// Computes the figures of conv1 and pool1 without the code under test: channel by channel, row by row.
    #[test]
    fn values_are_paired_by_channel_and_position() {
        let network = digits();
        let file = quantized(&network, &with_conv1_times(0.5));
        // One full group and part of another. The unused lanes of the second are blank and must not count.
        let split = digits_10k().test.first(19);
        let activations = plain::forward(&network.parameters.cast::<f64>(), network.pools, split.images());
        let mut int8 = LeNet5::new(file.model().unwrap());
        let scale = f64::from(int8.model().quantization(Tensor::Conv1).scale);
        let (mut signal, mut noise, mut zeros) = (0.0, 0.0, 0);
        for image in 0..19 {
            int8.classify(split.pixels(image));
            let pool1: Vec<u8> = int8.workspace().pool1().collect();
            for channel in 0..6 {
                for (y, x) in (0..12).flat_map(|y| (0..12).map(move |x| (y, x))) {
                    let u = pool1[(12 * y + x) * 6 + channel];
                    let real = activations.pool1[(channel, image, y, x)];
                    signal += real * real;
                    noise += (real - scale * f64::from(u)).powi(2);
                    zeros += usize::from(u == 0);
                }
            }
        }
        let pool1 = &compared(&network, &file, 19).tensors[0];
        assert!((pool1.statistics.sqnr_db - 10.0 * f64::log10(signal / noise)).abs() < 1e-3, "{pool1:?}");
        assert_eq!(pool1.statistics.zeros, zeros as f64 / f64::from(19 * 6 * 144));
        let clipped = activations.conv1.iter().filter(|real| **real > 255.5 * scale).count();
        let share = clipped as f64 / f64::from(19 * 6 * 576);
        // One value may be so close to the end of the range that f32 and f64 disagree.
        assert!(clipped > 100 && (pool1.clipped - share).abs() < 2e-5, "{clipped}, {pool1:?}");
    }

    #[test]
    fn threads_change_no_bit() {
        let network = digits();
        let file = quantized(&network, &network);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| compared(&network, &file, 500))
        };
        assert_eq!(on(1), on(3));
    }
}
