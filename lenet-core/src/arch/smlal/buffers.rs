//! The buffers of these kernels and their layout.

use crate::architecture::{CONV1_CHANNELS, IMAGE_SIDE, POOL1_SIDE, POOL2_SIDE, Pixels};
use crate::format::FIELD_BITS;

/// Two neighbouring activations: the left one in bits 0 to 20, the right one from bit 21.
pub(super) type Pair = u32;

pub(super) const IMAGE_PAIRS: usize = IMAGE_SIDE / 2;
pub(super) const COLUMN_PAIRS: usize = POOL1_SIDE / 2;

/// The image as `[pair of columns][row]`, or the inputs of a fully connected layer as words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scratch(pub(super) [[Pair; IMAGE_SIDE]; IMAGE_PAIRS]);

impl Scratch {
    pub(crate) const fn new() -> Self {
        Self([[0; IMAGE_SIDE]; IMAGE_PAIRS])
    }

    /// Stores the image. Returns for each row the pairs of columns with ink: bit `p` is set for pair `p`.
    pub(super) fn unpack(&mut self, pixels: &Pixels) -> [u32; IMAGE_SIDE] {
        let mut ink = [0; IMAGE_SIDE];
        let (rows, _) = pixels.as_chunks::<IMAGE_SIDE>();
        for (row, pixels) in rows.iter().enumerate() {
            let (pairs, _) = pixels.as_chunks::<2>();
            let mut bits = 0;
            for (place, [left, right]) in self.0.iter_mut().zip(pairs).rev() {
                let pair = pair(*left, *right);
                if let Some(place) = place.get_mut(row) {
                    *place = pair;
                }
                bits = bits << 1 | u32::from(pair != 0);
            }
            if let Some(ink) = ink.get_mut(row) {
                *ink = bits;
            }
        }
        ink
    }

    /// The same memory, for a map in HWC order.
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        bytemuck::must_cast_slice_mut(self.words())
    }

    /// The same memory, for the inputs of a fully connected layer.
    pub(in crate::arch) fn words(&mut self) -> &mut [u32] {
        self.0.as_flattened_mut()
    }
}

/// Pool1's output as `[channel][pair of columns][row]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pool1Output(pub(super) [[[Pair; POOL1_SIDE]; COLUMN_PAIRS]; CONV1_CHANNELS]);

impl Pool1Output {
    pub(crate) const fn new() -> Self {
        Self([[[0; POOL1_SIDE]; COLUMN_PAIRS]; CONV1_CHANNELS])
    }

    /// Takes over values in HWC order.
    pub(super) fn set(&mut self, values: &[u8]) {
        let (pixels, _) = values.as_chunks::<{ 2 * CONV1_CHANNELS }>();
        let places = (0..POOL1_SIDE).flat_map(|row| (0..COLUMN_PAIRS).map(move |columns| (row, columns)));
        for ((row, columns), pixels) in places.zip(pixels) {
            let (left, right) = pixels.split_at(CONV1_CHANNELS);
            for ((map, left), right) in self.0.iter_mut().zip(left).zip(right) {
                map[columns][row] = pair(*left, *right);
            }
        }
    }

    /// In HWC order.
    pub(crate) fn hwc(&self) -> impl Iterator<Item = u8> {
        let places = (0..POOL1_SIDE).flat_map(|row| (0..POOL1_SIDE).map(move |column| (row, column)));
        places.flat_map(move |(row, column)| {
            self.0.iter().map(move |pairs: &[[Pair; POOL1_SIDE]; COLUMN_PAIRS]| {
                (pairs[column / 2][row] >> (column as u32 % 2 * FIELD_BITS)) as u8
            })
        })
    }
}

#[inline]
fn pair(left: u8, right: u8) -> Pair {
    u32::from(left) | u32::from(right) << FIELD_BITS
}

/// The accumulators of one pair of columns: for two rows of outputs, those of two channels.
pub(super) type Tile = [[u64; 2]; 2];

/// The initial value of a tile, as words, for both rows: the offset in the two lower fields. The upper field starts at
/// zero and may become negative.
pub(super) type Start = [[[u32; 2]; 2]; 2];

/// Tiles of conv1 in one pair of rows: one before the first window and one after each window.
pub(super) const TILES1: usize = POOL1_SIDE + 1;
pub(super) const TILES2: usize = POOL2_SIDE + 1;
