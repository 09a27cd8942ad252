//! A reader of model files written from the page `lenet-core/FORMAT.md` alone: no postcard, no serde,
//! nothing of `lenet-core`'s own reader.

use host_trainer::network::Pools;
use host_trainer::quantization::{QuantizedLayer, QuantizedNetwork};
use lenet_core::Pool;
use lenet_core::quantization::Quantization;

/// A file's content.
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

    fn layer(&mut self, n: usize, k: usize) -> QuantizedLayer {
        QuantizedLayer {
            bias: (0..n).map(|_| i32::from_le_bytes(self.four())).collect(),
            mantissa: (0..n).map(|_| i32::from_le_bytes(self.four())).collect(),
            weight_scale: (0..n).map(|_| f32::from_le_bytes(self.four())).collect(),
            exponent: self.bytes_to_multiple_of_4(n),
            weights: self.bytes_to_multiple_of_4(n * k),
        }
    }
}

/// Reads a file.
///
/// # Panics
/// When it departs from the page.
pub fn read(bytes: &[u8]) -> Page {
    let mut reader = Reader { bytes, position: 0 };
    assert_eq!(reader.take(4), b"LNT5");
    assert_eq!(reader.varint(), 1);
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
    assert_eq!(reader.varint(), 47_264);
    assert_eq!(reader.position % 4, 0);
    let layers = [(6, 25), (16, 150), (120, 256), (84, 120), (10, 84)].map(|(n, k)| reader.layer(n, k));
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
