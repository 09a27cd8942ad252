//! The writer, the reader and `lenet-core/FORMAT.md` agree, and values out of range are refused.

use host_trainer::Error as TrainerError;
use host_trainer::formats::ModelFile;
use host_trainer::int8::QuantizedNetwork;
use lenet_core::checksum::crc32;
use lenet_core::format::{Description, PARAMETER_BYTES};
use lenet_core::quantization::Multiplier;
use lenet_core::{Error, Layer, Pool, Tensor};
use tests::random::{self, Biases, Multipliers, Weights};
use tests::{committed_model, page};

fn network() -> QuantizedNetwork {
    random::network(1, [Pool::Maximum, Pool::Average], Weights::Uniform, Multipliers::Uniform, Biases::Fitting)
}

#[test]
fn written_files_are_as_the_page_describes() {
    for data_set in ["", "a", "ab", "abc", "a name of some length, with ünicode"] {
        let description = Description {
            data_set,
            float_accuracy: Some(0.5),
            int8_accuracy: None,
            seed: Some(u64::MAX),
            tool: "the tests",
        };
        let network = network();
        let file = network.encode(&description).unwrap();
        let page = page::read(file.bytes());
        assert_eq!(page.network, network);
        assert_eq!(page.data_set, data_set);
        assert_eq!((page.float_accuracy, page.int8_accuracy), (Some(0.5), None));
        assert_eq!((page.seed, page.tool.as_str()), (Some(u64::MAX), "the tests"));

        let model = file.model().unwrap();
        assert_eq!(model.description(), description);
        assert_eq!((model.pool1(), model.pool2()), (Pool::Maximum, Pool::Average));
        assert_eq!(Tensor::ALL.map(|tensor| model.quantization(tensor)), network.activations);
    }
}

#[test]
fn the_committed_model_is_as_the_page_describes() {
    let page = page::read(committed_model().bytes());
    assert_eq!(page.data_set, "digits-10k");
    assert!(page.int8_accuracy.unwrap() >= 0.975);
    // The multipliers are those that follow from the scales.
    let network = &page.network;
    for (index, layer) in network.layers.iter().enumerate() {
        let [input, output] = [index, index + 1].map(|tensor| f64::from(network.activations[tensor].scale));
        for (channel, scale) in layer.weight_scale.iter().enumerate() {
            let real = input * f64::from(*scale) / output;
            let Multiplier { mantissa, exponent } = layer.multiplier[channel];
            let stored = f64::from(mantissa) * 2f64.powi(i32::from(exponent) - 31);
            assert!((stored / real - 1.0).abs() < 2f64.powi(-31), "layer {index} channel {channel}");
        }
    }
}

#[test]
fn values_out_of_range_are_refused_by_name() {
    type Edit = fn(&mut QuantizedNetwork);
    let cases: [(Edit, &str); 13] = [
        (|n| n.layers[1].weights[160] = -128, "a weight of conv2 channel 1 is -128"),
        (|n| n.layers[2].weights[256 + 7] = -128, "a weight of fc1 channel 1 is -128"),
        (|n| n.layers[1].weights[300..450].fill(55), "the weights of conv2 channel 2 add up to more than 8224 steps"),
        (|n| n.layers[2].multiplier[5].mantissa = (1 << 30) - 1, "multiplier of fc1 channel 5"),
        (|n| n.layers[2].multiplier[5].mantissa = -1, "multiplier of fc1 channel 5"),
        (|n| n.layers[3].multiplier[83].exponent = -1, "multiplier of fc2 channel 83"),
        (|n| n.layers[0].multiplier[0].exponent = -32, "multiplier of conv1 channel 0"),
        (|n| n.layers[4].bias[9] = i32::MAX, "accumulator of fc3 channel 9"),
        (|n| n.layers[4].bias[0] = i32::MIN, "accumulator of fc3 channel 0"),
        (|n| n.layers[4].weight_scale[2] = 0.0, "weight scale of fc3 channel 2"),
        (|n| n.activations[3].scale = f32::NAN, "scale of fc1"),
        (|n| n.activations[5].scale = -0.5, "scale of logits"),
        (|n| n.activations[2].zero_point = 0, "zero point of conv2 is 0"),
    ];
    for (edit, expected) in cases {
        let mut network = network();
        edit(&mut network);
        let Err(TrainerError::Quantize(message)) = network.encode(&Description::default()) else {
            panic!("not refused with {expected:?}");
        };
        assert!(message.contains(expected), "{message:?} does not say {expected:?}");
    }
}

/// The writer cannot produce these, so the bytes are changed and the checksum is corrected.
#[test]
fn words_that_encode_no_weights_are_refused_by_name() {
    const WORDS: usize = 3 * 24 + 8 + 24;
    // Each changes four bytes of the parameters. The offset counts from their start or, if negative, from their end.
    let cases: [(isize, i32, Error); 5] = [
        // Column 1 of conv1 channel 0: the weight on its left no longer agrees with the one in column 0.
        (WORDS as isize + 24, 1 << 21, Error::Words { layer: Layer::Conv1, channel: 0 }),
        // Column 4 of conv1 channel 5: no other word repeats this weight, but the offset depends on it.
        (WORDS as isize + 4 * 24 + 20, -5, Error::Offset { layer: Layer::Conv1, channel: 5 }),
        (WORDS as isize - 8, 255, Error::Offset { layer: Layer::Conv1, channel: 4 }),
        // The first word of conv1 has nothing on its left.
        (WORDS as isize, 1 << 21, Error::Words { layer: Layer::Conv1, channel: 0 }),
        // The last inputs of fc3 are padding.
        (-4, 3, Error::Padding),
    ];
    for (place, change, expected) in cases {
        let file = network().encode(&Description::default()).unwrap();
        let mut bytes = file.bytes().to_vec();
        let end = bytes.len() - 4;
        let start = if place < 0 { end - place.unsigned_abs() } else { end - PARAMETER_BYTES + place.unsigned_abs() };
        let word = i32::from_le_bytes(bytes[start..start + 4].try_into().unwrap()).wrapping_add(change);
        bytes[start..start + 4].copy_from_slice(&word.to_le_bytes());
        let crc = crc32(&bytes[..end]);
        bytes[end..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(ModelFile::new(&bytes).model().unwrap_err(), expected);
    }
}
