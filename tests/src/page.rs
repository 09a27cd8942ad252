//! A reader of model files that was written from `lenet-core/FORMAT.md` alone. It shares nothing with `lenet-core`'s
//! reader, and uses neither postcard nor serde.

use host_trainer::classes::Classes;
use host_trainer::int8::{QuantizedLayer, QuantizedNetwork};
use lenet_core::preparation::Preparation;
use lenet_core::quantization::{Multiplier, Quantization};
use lenet_core::{Pool, Pools};

/// The content of a file.
#[derive(Clone, Debug)]
pub struct Page {
    /// The network.
    pub network: QuantizedNetwork,
    /// The identity.
    pub identity: u32,
    /// The tags of the sections.
    pub tags: Vec<[u8; 4]>,
    /// `data_set` of the description.
    pub data_set: String,
    /// `float_accuracy` of the description.
    pub float_accuracy: Option<f32>,
    /// `int8_accuracy` of the description.
    pub int8_accuracy: Option<f32>,
    /// `seed` of the description.
    pub seed: Option<u64>,
    /// `tool` of the description.
    pub tool: String,
}

struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let taken = &self.bytes[self.position..self.position + count];
        self.position += count;
        taken
    }

    fn four(&mut self) -> [u8; 4] {
        self.take(4).try_into().expect("four bytes were taken")
    }

    fn varint(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = self.take(1)[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }

    fn string(&mut self) -> String {
        let length = self.varint() as usize;
        String::from_utf8(self.take(length).to_vec()).expect("strings are UTF-8")
    }

    fn option<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.take(1)[0] == 1).then(|| value(self))
    }

    fn pool(&mut self) -> Pool {
        match self.varint() {
            0 => Pool::Average,
            1 => Pool::Maximum,
            other => panic!("pool kind {other}"),
        }
    }

    fn bytes_to_multiple_of_4(&mut self, count: usize) -> Vec<i8> {
        let values = self.take(count).iter().map(|byte| *byte as i8).collect();
        assert!(self.take(count.next_multiple_of(4) - count).iter().all(|byte| *byte == 0));
        values
    }

    fn word(&mut self) -> i32 {
        i32::from_le_bytes(self.four())
    }

    fn padding(&mut self) {
        let padding = self.varint() as usize;
        assert!(padding < 4 && self.take(padding).iter().all(|byte| *byte == 0));
    }

    /// The records of `n` output channels.
    fn channels(&mut self, n: usize) -> QuantizedLayer {
        let mut layer = QuantizedLayer::default();
        for _ in 0..n {
            layer.bias.push(self.word());
            let mantissa = self.word();
            layer.weight_scale.push(f32::from_le_bytes(self.four()));
            let exponent = self.word();
            layer.multiplier.push(Multiplier { mantissa, exponent });
        }
        layer
    }

    /// A convolution of `n` output channels and `i` input channels.
    fn convolution(&mut self, n: usize, i: usize) -> QuantizedLayer {
        let mut layer = self.channels(n);
        layer.weights = self.bytes_to_multiple_of_4(n * 25 * i);
        layer
    }

    /// A fully connected layer of `n` outputs and `k` inputs, padded to `filled` inputs.
    fn connection(&mut self, n: usize, k: usize, filled: usize) -> QuantizedLayer {
        let mut layer = self.channels(n);
        layer.weights = vec![0; n.next_multiple_of(2) * k];
        for (_, pair, input) in product([1, n.div_ceil(2), filled]) {
            let bytes = self.take(2);
            let even = i32::from(bytes[0] as i8);
            let odd = (i32::from(i16::from_le_bytes([bytes[0], bytes[1]])) - even) / 256;
            if input < k {
                layer.weights[2 * pair * k + input] = even as i8;
                layer.weights[(2 * pair + 1) * k + input] = odd as i8;
            } else {
                assert_eq!((even, odd), (0, 0));
            }
        }
        assert!(layer.weights[n * k..].iter().all(|weight| *weight == 0));
        layer.weights.truncate(n * k);
        layer
    }

    /// Compares a convolution of `g` groups of `m` output channels and `i` input channels with its part of `SML1`.
    fn check_packed(&mut self, layer: &QuantizedLayer, g: usize, m: usize, i: usize) {
        for (multiplier, weights) in layer.multiplier.iter().zip(layer.weights.chunks(25 * i)) {
            let sum = |sign: i32| -> i32 { weights.iter().map(|w| (sign * i32::from(*w)).max(0)).sum() };
            assert_eq!(self.word(), 255 * sum(-1));
            assert!(sum(1) + sum(-1) <= 8224 && multiplier.exponent <= -2);
        }
        for (group, row, input) in product([g, 5, i]) {
            for (_, column, output) in product([1, 5, m]) {
                let weight = |column: usize| {
                    i32::from(layer.weights[(((group * m + output) * 5 + row) * 5 + column) * i + input])
                };
                let before = if column == 0 { 0 } else { weight(column - 1) };
                assert_eq!(self.word(), weight(column) + before * 2_097_152);
            }
        }
    }
}

/// Every combination of three indices, the last changing fastest.
fn product([a, b, c]: [usize; 3]) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a).flat_map(move |i| (0..b).flat_map(move |j| (0..c).map(move |k| (i, j, k))))
}

/// Reads a file.
///
/// # Panics
/// When the file is not as the page describes.
pub fn read(bytes: &[u8]) -> Page {
    let mut reader = Reader { bytes, position: 0 };
    assert_eq!(reader.take(4), b"LNT5");
    assert_eq!(reader.varint(), 3);
    let pools = Pools { pool1: reader.pool(), pool2: reader.pool() };
    let activations = [(); 6]
        .map(|()| Quantization { scale: f32::from_le_bytes(reader.four()), zero_point: reader.take(1)[0] as i8 });
    let labels = reader.string();
    let labels: Vec<&str> = labels.split('\n').collect();
    let none_of_these = reader.option(|reader| usize::from(reader.take(1)[0]));
    assert_eq!(reader.varint(), 0, "no rejection rule is defined");
    let preparation = match reader.take(1) {
        [0] => Preparation::AsTheyAre,
        [1] => Preparation::Drawing,
        other => panic!("preparation {other:?}"),
    };
    reader.padding();
    let parameters = reader.varint() as usize;
    let start = reader.position;
    assert_eq!(start % 4, 0);
    let layers = [
        reader.convolution(6, 1),
        reader.convolution(16, 6),
        reader.connection(120, 256, 256),
        reader.connection(84, 120, 120),
        reader.connection(labels.len(), 84, 88),
    ];
    assert_eq!(reader.position - start, parameters);
    let identity = crc32(&bytes[..reader.position]);
    let data_set = reader.string();
    let float_accuracy = reader.option(|reader| f32::from_le_bytes(reader.four()));
    let int8_accuracy = reader.option(|reader| f32::from_le_bytes(reader.four()));
    let seed = reader.option(Reader::varint);
    let tool = reader.string();
    reader.padding();
    let length = reader.varint() as usize;
    let end = reader.position + length;
    assert_eq!(reader.position % 4, 0);
    let mut tags = Vec::new();
    while reader.position < end {
        let tag = reader.four();
        let after = reader.word() as usize + reader.position;
        if tag == *b"SML1" {
            reader.check_packed(&layers[0], 1, 6, 1);
            reader.check_packed(&layers[1], 4, 4, 6);
        } else {
            reader.take(after - reader.position);
        }
        assert_eq!(reader.position, after);
        tags.push(tag);
    }
    assert_eq!(reader.position, end);
    assert_eq!(u32::from_le_bytes(reader.four()), crc32(&bytes[..end]));
    assert_eq!(reader.position, bytes.len());
    let classes = Classes::new(labels).expect("the labels follow the rules");
    let network = QuantizedNetwork { classes, none_of_these, preparation, pools, activations, layers };
    Page { network, identity, tags, data_set, float_accuracy, int8_accuracy, seed, tool }
}

/// CRC-32/ISO-HDLC, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}
