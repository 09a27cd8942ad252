//! A reader of model files that was written from `lenet-core/FORMAT.md` alone. It shares nothing with `lenet-core`'s
//! reader, and uses neither postcard nor serde.

use host_trainer::int8::{QuantizedLayer, QuantizedNetwork};
use lenet_core::quantization::{Multiplier, Quantization};
use lenet_core::{Pool, Pools};

/// The content of a file.
#[derive(Clone, Debug)]
pub struct Page {
    /// The network.
    pub network: QuantizedNetwork,
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

    fn words(&mut self, count: usize) -> Vec<i32> {
        (0..count).map(|_| i32::from_le_bytes(self.four())).collect()
    }

    fn channels(&mut self, n: usize) -> QuantizedLayer {
        let bias = self.words(n);
        let mantissas = self.words(n);
        let weight_scale = (0..n).map(|_| f32::from_le_bytes(self.four())).collect();
        let exponents = self.bytes_to_multiple_of_4(n);
        let parts = mantissas.into_iter().zip(exponents);
        let multiplier = parts.map(|(mantissa, exponent)| Multiplier { mantissa, exponent }).collect();
        QuantizedLayer { bias, multiplier, weight_scale, weights: Vec::new() }
    }

    /// A convolution of `g` groups of `m` output channels and `i` input channels.
    fn convolution(&mut self, g: usize, m: usize, i: usize) -> QuantizedLayer {
        let mut layer = self.channels(g * m);
        let offsets = self.words(g * m);
        layer.weights = vec![0; g * m * 25 * i];
        for (group, row, input) in product([g, 5, i]) {
            let mut before = vec![0; m];
            for column in 0..5 {
                for (output, before) in (group * m..).zip(&mut before) {
                    let word = self.words(1)[0];
                    let weight = word - *before * 2_097_152;
                    assert!((-127..=127).contains(&weight), "a weight of {weight}");
                    layer.weights[((output * 5 + row) * 5 + column) * i + input] = weight as i8;
                    *before = weight;
                }
            }
        }
        for (offset, weights) in offsets.iter().zip(layer.weights.chunks(25 * i)) {
            let negative: i32 = weights.iter().filter(|w| **w < 0).map(|w| -i32::from(*w)).sum();
            assert_eq!(*offset, 255 * negative);
        }
        layer
    }

    /// A fully connected layer of `n` outputs and `k` inputs, padded to `filled` inputs.
    fn connection(&mut self, n: usize, k: usize, filled: usize) -> QuantizedLayer {
        let mut layer = self.channels(n);
        layer.weights = vec![0; n * k];
        for (_, pair, input) in product([1, n / 2, filled]) {
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
        layer
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
    assert_eq!(reader.varint(), 2);
    let pools = Pools { pool1: reader.pool(), pool2: reader.pool() };
    let activations = [(); 6]
        .map(|()| Quantization { scale: f32::from_le_bytes(reader.four()), zero_point: reader.take(1)[0] as i8 });
    let data_set = reader.string();
    let float_accuracy = reader.option(|reader| f32::from_le_bytes(reader.four()));
    let int8_accuracy = reader.option(|reader| f32::from_le_bytes(reader.four()));
    let seed = reader.option(Reader::varint);
    let tool = reader.string();
    let padding = reader.varint() as usize;
    assert!(padding < 4 && reader.take(padding).iter().all(|byte| *byte == 0));
    assert_eq!(reader.varint(), 55_040);
    assert_eq!(reader.position % 4, 0);
    let layers = [
        reader.convolution(1, 6, 1),
        reader.convolution(4, 4, 6),
        reader.connection(120, 256, 256),
        reader.connection(84, 120, 120),
        reader.connection(10, 84, 88),
    ];
    let message = reader.position;
    assert_eq!(u32::from_le_bytes(reader.four()), crc32(&bytes[..message]));
    assert_eq!(reader.position, bytes.len());
    let network = QuantizedNetwork { pools, activations, layers };
    Page { network, data_set, float_accuracy, int8_accuracy, seed, tool }
}

/// CRC-32/ISO-HDLC, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}
