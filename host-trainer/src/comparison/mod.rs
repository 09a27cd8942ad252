//! A float network and an int8 one on the same images: where they part, and by how much.
//!
//! Both networks run from end to end, so the error of a tensor is what the quantization of everything before it adds
//! up to. Five tensors are compared ([`Stage`]): what the pools give, which is what the next layer sees of a
//! convolution, the outputs of fc1 and fc2, and the logits. The int8 values are those of [`lenet_core::LeNet5`]
//! itself, bit for bit what a board computes.
//!
//! # The measures
//!
//! With `x` the float network's value, `q` the int8 network's and `x_q = scale * (q - zero_point)`:
//!
//! ```text
//! SQNR            = 10 log10(sum x^2 / sum (x - x_q)^2)    in dB
//! error in steps  = |x - x_q| / scale
//! ```
//!
//! This is the signal-to-quantization-noise ratio as Lin, Talathi and Annapureddy use it for layers (*Fixed Point
//! Quantization of Deep Convolutional Networks*, ICML 2016). At 20 dB the error is a tenth of the signal, at 40 dB a
//! hundredth (root mean square); rounding alone, whose error is `scale / sqrt(12)`, leaves about 40 dB here.
//!
//! Two shares tell whether the range of int8 is too narrow:
//!
//! - *saturated*: int8 values at an end of the range (127; of logits also -128) where the float network's value is
//!   nearest to another step. An average pool hides saturation of the layer before it, hence also
//! - *clipped*: values of the float layer, before its pool, beyond the last step: those int8 cannot express however
//!   exact the rest is.
//!
//! A channel is *never active* when it is zero at every place of every image. Of the six and sixteen channels of a
//! convolution each one counts. Of the 120 and 84 units of fc1 and fc2 some are dead in any network trained with
//! ReLUs, and quantization has no part in that: they are counted, and only one that int8 alone has lost is a
//! [`Warning`].
//!
//! A network fine-tuned after the fact (`--qat`) is not a rounded copy of the float network any more: what tells is its
//! accuracy, and both SQNRs say how far it went.

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

/// Images whose sums are taken together. It is fixed, so that the sums are the same for any number of threads.
const CHUNK: usize = 10 * LANES;

/// Runs both networks over a split, on the threads of the current rayon pool. The result is the same, to the bit, for
/// any number of them.
pub fn compare(network: &Network, model: Model<'_>, split: &Split) -> Comparison {
    let schemes = Stage::ALL.map(|stage| Scheme::new(model.quantization(stage.tensor()), stage != Stage::Logits));
    let set = InstructionSet::detect();
    let chunks: Vec<Totals> = (0..split.len().div_ceil(CHUNK))
        .into_par_iter()
        .map_init(
            || (Group::new(), LeNet5::new(model)),
            |(group, int8), index| {
                let mut totals = Totals::new();
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
    let mut all = Totals::new();
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

    /// The same with a conv1 that gives so many times as much: its ranges do not fit [`digits`].
    pub(super) fn with_conv1_times(factor: f32) -> Network {
        let mut network = digits();
        network.parameters.conv1_weight_mut().mapv_inplace(|weight| factor * weight);
        network.parameters.conv1_bias_mut().mapv_inplace(|bias| factor * bias);
        network
    }

    /// `network` quantized with the ranges that `calibrated` has.
    pub(super) fn quantized(network: &Network, calibrated: &Network) -> ModelFile {
        let ranges = calibrate(calibrated, &digits_10k().train.first(200), Calibration::MinMax).unwrap();
        quantize(network, &ranges, Granularity::PerChannel).unwrap().encode(&Default::default()).unwrap()
    }

    pub(super) fn compared(network: &Network, file: &ModelFile, images: usize) -> Comparison {
        compare(network, file.model().unwrap(), &digits_10k().test.first(images))
    }

    /// Figures of conv1 and pool1 without the code under test: channel by channel, row by row.
    #[test]
    fn values_are_paired_with_those_of_their_channel_and_place() {
        let network = digits();
        let file = quantized(&network, &with_conv1_times(0.5));
        // One group and a part of another, whose other lanes are blank and must not count.
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
        // One value may lie so close to the end that f32 and f64 part.
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
