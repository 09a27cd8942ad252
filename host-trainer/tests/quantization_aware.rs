//! Quantization-aware training simulates exactly what the int8 network computes.

#[path = "common/networks.rs"]
mod networks;

use host_trainer::data::digits_10k;
use host_trainer::evaluation::evaluate_int8;
use host_trainer::network::Network;
use host_trainer::network::lanes::{Group, InstructionSet, LANES, SimulatedInt8};
use host_trainer::quantization::{Calibration, Granularity, Ranges, calibrate, quantize, quantize_trained};
use host_trainer::training::{ActivationRanges, QatOptions, fine_tune};
use lenet_core::LeNet5;
use ndarray::Axis;
use networks::{pool_kinds, trained, untrained};
use rayon::ThreadPoolBuilder;

#[test]
fn simulated_logits_equal_those_of_the_int8_network() {
    let data = digits_10k();
    for network in [trained(), untrained(1), untrained(2)] {
        for pools in pool_kinds() {
            let network = Network { pools, ..network.clone() };
            // Calibrated on a few images, so that others saturate.
            let quantized = quantize_trained(&network, &data.train.first(5), &Default::default()).unwrap();
            let file = quantized.encode(&Default::default()).unwrap();
            let mut core = LeNet5::new(file.model().unwrap());
            let int8 = SimulatedInt8::from(&quantized);
            let mut group = Group::new();
            for first in (0..400).step_by(LANES) {
                let images: Vec<_> = (first..first + LANES).map(|image| data.test.pixels(image)).collect();
                let expected: Vec<Vec<f32>> =
                    images.iter().map(|pixels| core.classify(pixels).real().collect()).collect();
                for set in InstructionSet::available() {
                    group.set_images(&images);
                    // Twice, because a forward pass must leave the images of the group unchanged.
                    for _ in 0..2 {
                        group.forward_int8(set, &int8);
                        for (lane, expected) in expected.iter().enumerate() {
                            let got: Vec<f32> = group.logits().iter().map(|logit| logit.0[lane]).collect();
                            assert_eq!(got, *expected, "image {}, {pools:?}, {set}", first + lane);
                        }
                    }
                }
            }
        }
    }
}

/// A network that per-tensor scales quantize badly: one channel of conv1 is 100 times as large, and conv2 divides it
/// by 100 again.
fn lopsided() -> Network {
    let mut network = trained();
    network.parameters.conv1_weight_mut().index_axis_mut(Axis(0), 2).mapv_inplace(|weight| 100.0 * weight);
    network.parameters.conv1_bias_mut()[2] *= 100.0;
    network.parameters.conv2_weight_mut().index_axis_mut(Axis(1), 2).mapv_inplace(|weight| weight / 100.0);
    network
}

#[test]
fn fine_tuning_recovers_accuracy_and_does_not_depend_on_threads() {
    let data = digits_10k();
    let images = data.train.first(3_000);
    let network = lopsided();
    let granularity = Granularity::PerTensor;
    let ranges = calibrate(&network, &images, Calibration::MinMax).unwrap();
    let accuracy = |network: &Network, ranges: &Ranges| {
        let file = quantize(network, ranges, granularity).unwrap().encode(&Default::default()).unwrap();
        evaluate_int8(file.model().unwrap(), &data.test).accuracy()
    };
    let before = accuracy(&network, &ranges);
    for kind in [ActivationRanges::Frozen, ActivationRanges::Learned { decay: 0.99 }] {
        let options = QatOptions { ranges: kind, granularity, ..QatOptions::new(3, 1) };
        let [one, three] = [1, 3].map(|threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            fine_tune(&network, &ranges, &images, None, &options, &pool, &mut ()).unwrap()
        });
        assert_eq!(one, three);
        let after = accuracy(&one.0, &one.1);
        assert!(before < 0.8 && after > before + 0.1, "{before} {after}");
        assert_eq!(one.1 == ranges, kind == ActivationRanges::Frozen);
    }
}
