//! The writer, the reader and `lenet-core/FORMAT.md` agree, and values out of range are refused.

use host_trainer::Error as TrainerError;
use host_trainer::classes::Classes;
use host_trainer::formats::ModelFile;
use host_trainer::int8::QuantizedNetwork;
use lenet_core::checksum::crc32;
use lenet_core::format::{Description, SMLAL, SMLAL_BYTES, parameter_bytes};
use lenet_core::quantization::Multiplier;
use lenet_core::{Error, Labels, Layer, Pool, Tensor};
use tests::random::{self, Kind, Multipliers, Weights};
use tests::{committed_model, page};

fn network() -> QuantizedNetwork {
    let pools = [Pool::Maximum, Pool::Average];
    random::network(1, Kind { pools, multipliers: Multipliers::Uniform, ..Kind::default() })
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
            let stored = f64::from(mantissa) * 2f64.powi(exponent - 31);
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
        (|n| n.layers[2].multiplier[5].mantissa = (1 << 30) - 1, "multiplier of fc1 channel 5"),
        (|n| n.layers[2].multiplier[5].mantissa = -1, "multiplier of fc1 channel 5"),
        (|n| n.layers[3].multiplier[83].exponent = 1, "multiplier of fc2 channel 83"),
        (|n| n.none_of_these = Some(10), "the class for none of these is 10, but the classes are 0 to 9"),
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

/// Changes four bytes of a file and corrects its checksum. The writer cannot produce such files.
fn changed(file: &ModelFile, start: usize, change: i32) -> Result<(), Error> {
    let mut bytes = file.bytes().to_vec();
    let end = bytes.len() - 4;
    let word = i32::from_le_bytes(bytes[start..start + 4].try_into().unwrap()).wrapping_add(change);
    bytes[start..start + 4].copy_from_slice(&word.to_le_bytes());
    let crc = crc32(&bytes[..end]);
    bytes[end..].copy_from_slice(&crc.to_le_bytes());
    ModelFile::new(&bytes).model().map(|_| ())
}

/// Where the content of the only section starts.
fn packed(file: &ModelFile) -> usize {
    file.bytes().len() - 4 - SMLAL_BYTES
}

/// Where the parameters start.
fn parameters(file: &ModelFile, classes: usize) -> usize {
    let zeros = |range: std::ops::Range<usize>| file.bytes()[range].iter().all(|byte| *byte == 0);
    // The default description: two empty names and three absent numbers, then padding, and the length of the sections
    // as a varint.
    let padding = (0..4).find(|padding| zeros(packed(file) - 8 - 2 - padding - 1..packed(file) - 10)).unwrap();
    packed(file) - 8 - 2 - padding - 1 - 5 - parameter_bytes(classes)
}

#[test]
fn words_that_contradict_the_weights_are_refused_by_name() {
    const WORDS: usize = 24;
    // The offset counts from the start of the section's content.
    let cases: [(usize, i32, Error); 5] = [
        // Column 1 of conv1 channel 0: the weight on its left no longer agrees with the one in column 0.
        (WORDS + 24, 1 << 21, Error::Words { layer: Layer::Conv1, channel: 0 }),
        // Column 4 of conv1 channel 5: no other word repeats this weight.
        (WORDS + 4 * 24 + 20, -5, Error::Words { layer: Layer::Conv1, channel: 5 }),
        (WORDS - 8, 255, Error::Offset { layer: Layer::Conv1, channel: 4 }),
        // The first word of conv1 has nothing on its left.
        (WORDS, 1 << 21, Error::Words { layer: Layer::Conv1, channel: 0 }),
        (SMLAL_BYTES - 4, 1, Error::Words { layer: Layer::Conv2, channel: 15 }),
    ];
    for (place, change, expected) in cases {
        let file = network().encode(&Description::default()).unwrap();
        assert_eq!(changed(&file, packed(&file) + place, change).unwrap_err(), expected);
    }
}

#[test]
fn every_change_of_a_section_is_refused() {
    let file = network().encode(&Description::default()).unwrap();
    for place in (0..SMLAL_BYTES).step_by(4) {
        for change in [1, -1, 1 << 21, i32::MIN] {
            let result = changed(&file, packed(&file) + place, change);
            assert!(result.is_err(), "{change} at {place} was accepted");
        }
    }
    assert_eq!(changed(&file, packed(&file) - 4, 4).unwrap_err(), Error::Sections);
    assert_eq!(changed(&file, packed(&file) - 4, -4).unwrap_err(), Error::Sections);
    assert_eq!(changed(&file, packed(&file) - 4, i32::MIN).unwrap_err(), Error::Sections);
    // With another tag nobody knows the section, so it is skipped.
    assert!(changed(&file, packed(&file) - 8, 1).is_ok());
}

#[test]
fn padding_must_be_zero() {
    for classes in [3, 10] {
        let network = random::network(1, Kind { classes, ..Kind::default() });
        let file = network.encode(&Description::default()).unwrap();
        let end = parameters(&file, classes) + parameter_bytes(classes);
        // The last inputs of fc3 are padding; so is the partner of an odd last class.
        assert_eq!(changed(&file, end - 4, 3).unwrap_err(), Error::Padding, "{classes}");
        assert_eq!(changed(&file, end - 20, 256).is_err(), classes == 3);
    }
}

#[test]
fn every_number_of_classes_is_written_and_read() {
    for classes in 2..=64 {
        let mut network = random::network(classes as u64, Kind { classes, ..Kind::default() });
        network.classes = Classes::new((0..classes).map(|class| format!("class {class} é"))).unwrap();
        network.none_of_these = (classes % 3 == 0).then_some(classes - 1);
        let file = network.encode(&Description::default()).unwrap();
        let model = file.model().unwrap();
        assert_eq!((model.classes(), model.none_of_these()), (classes, network.none_of_these));
        assert_eq!(model.labels().get(classes - 1), Some(format!("class {} é", classes - 1).as_str()));
        assert_eq!(QuantizedNetwork::from(&model), network);
        let page = page::read(file.bytes());
        assert_eq!(page.network, network);
        assert_eq!(page.identity, model.identity());
    }
}

#[test]
fn a_model_that_cannot_be_packed_has_no_section_and_says_why() {
    for (kind, expected) in [
        (Kind::default(), None),
        (Kind { weights: Weights::Heavy, ..Kind::default() }, Some("conv2 channel 0 add up to")),
        (
            Kind { multipliers: Multipliers::Half, ..Kind::default() },
            Some("multiplier of conv1 channel 0 is 1/4 or more"),
        ),
    ] {
        let network = random::network(3, kind);
        let reason = network.unpackable().map(|reason| reason.to_string());
        assert_eq!(reason.is_some(), expected.is_some());
        assert!(reason.unwrap_or_default().contains(expected.unwrap_or_default()));
        let file = network.encode(&Description::default()).unwrap();
        let packed = page::read(file.bytes()).tags.contains(&SMLAL);
        assert_eq!(packed, expected.is_none());
        assert_eq!(file.model().unwrap().conv2().packed().is_some(), packed);
    }
}

#[test]
fn sections_may_be_missing_or_unknown_and_change_no_answer() {
    let network = network();
    let of = |sections: &[u8]| network.encode_with(&Description::default(), sections).unwrap();
    let unknown = [&b"NEW!"[..], &8u32.to_le_bytes(), &[1; 8]].concat();
    let written = network.encode(&Description::default()).unwrap();
    let known = &written.bytes()[packed(&written) - 8..written.bytes().len() - 4];
    let files = [of(&[]), of(&unknown), of(known), of(&[&unknown, known, &unknown].concat())];
    let identities = files.each_ref().map(|file| file.model().unwrap().identity());
    assert!(identities.iter().all(|identity| *identity == identities[0]));
    assert_eq!(
        files.each_ref().map(|file| file.model().unwrap().conv1().packed().is_some()),
        [false, false, true, true]
    );
    let twice = network.encode_with(&Description::default(), &[known, known].concat()).unwrap_err();
    assert!(twice.to_string().contains("occurs twice"), "{twice}");
    let mut others = network.clone();
    others.layers[4].bias[0] += 1;
    assert_ne!(others.encode(&Description::default()).unwrap().model().unwrap().identity(), identities[0]);
    others = network.clone();
    others.classes = Classes::new((0..10).map(|class| format!("{class}!"))).unwrap();
    assert_ne!(others.encode(&Description::default()).unwrap().model().unwrap().identity(), identities[0]);
}

/// The writer's rule for the section is also the reader's.
#[test]
fn a_section_that_breaks_its_conditions_is_refused() {
    let mut network = network();
    let written = network.encode(&Description::default()).unwrap();
    let known = written.bytes()[packed(&written) - 8..written.bytes().len() - 4].to_vec();
    network.layers[0].multiplier[3].exponent = -1;
    let refused = network.encode_with(&Description::default(), &known).unwrap_err();
    assert!(refused.to_string().contains("conv1 channel 3 is packed, but its exponent is above -2"), "{refused}");

    // conv2 channel 0 with weights of 55 only: the offset is 0, and the words follow.
    network.layers[0].multiplier[3].exponent = -2;
    network.layers[1].weights[..150].fill(55);
    let mut heavy = known.clone();
    let words = 8 + 24 + 600;
    heavy[words..words + 4].fill(0);
    for (place, word) in heavy[words + 64..][..2400].chunks_exact_mut(16).enumerate() {
        let before: i32 = if place % 5 == 0 { 0 } else { 55 << 21 };
        word[..4].copy_from_slice(&(55 + before).to_le_bytes());
    }
    let refused = network.encode_with(&Description::default(), &heavy).unwrap_err();
    assert!(
        refused.to_string().contains("conv2 channel 0 are packed, but add up to more than 8224 steps"),
        "{refused}"
    );
}

#[test]
fn labels_that_break_a_rule_are_refused() {
    let good = Labels::new("A\nB").unwrap();
    assert_eq!(good.len(), 2);
    let file = committed_model();
    let mut bytes = file.bytes().to_vec();
    let start = bytes.windows(3).position(|bytes| bytes == b"0\n1").unwrap();
    for (label, expected) in [(b'1', "the classes 0 and 1 have the same label"), (b'\r', "control"), (b'\n', "0 bytes")]
    {
        bytes[start] = label;
        let end = bytes.len() - 4;
        let crc = crc32(&bytes[..end]);
        bytes[end..].copy_from_slice(&crc.to_le_bytes());
        let error = ModelFile::new(&bytes).model().unwrap_err();
        assert!(matches!(error, Error::Labels(_) | Error::ParameterLength { .. }), "{error}");
        assert!(error.to_string().contains(expected) || label == b'\n', "{error}");
    }
}
