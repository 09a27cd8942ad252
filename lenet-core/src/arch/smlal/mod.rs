//! Convolutions by `SMLAL`, four multiply-accumulates in one instruction, as derived in the
//! [module above](super); for Armv7-M, Armv7E-M and Armv8-M mainline.
//!
//! `tiles` multiplies and adds, `finish` takes the fields apart, requantizes and pools them. Both are assembly, a
//! row of one pair of channels at a time; what goes around them is here.

mod finish;
mod tiles;

use finish::{Finish, conv1_finish, conv2_finish};
use tiles::{conv1_tiles, conv2_tiles};

use crate::architecture::{
    CONV1_CHANNELS, CONV2_CHANNELS, IMAGE_SIDE, KERNEL_SIDE, POOL1_SIDE, POOL2_SIDE, Pixels, Pool,
};
use crate::model::{Channels, Conv1Parameters, Conv2Parameters, FIELD_BITS};
use crate::network::Blank;

/// Two activations side by side, the right one 2^21 times the left one.
type Pair = u32;

const IMAGE_PAIRS: usize = IMAGE_SIDE / 2;
const MAP_PAIRS: usize = POOL1_SIDE / 2;

/// The image as `[pair of columns][row]`, or the inputs of a fully connected layer as words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scratch([[Pair; IMAGE_SIDE]; IMAGE_PAIRS]);

impl Scratch {
    /// How many there are in [`words`](Self::words).
    pub(in crate::arch) const WORDS: usize = IMAGE_PAIRS * IMAGE_SIDE;

    pub(crate) const fn new() -> Self {
        Self([[0; IMAGE_SIDE]; IMAGE_PAIRS])
    }

    /// Takes the image in. Returns for each row which pairs of columns have ink: the pair `p` at bit `p`.
    fn unpack(&mut self, pixels: &Pixels) -> [u32; IMAGE_SIDE] {
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

    /// Room for the inputs of a fully connected layer.
    pub(in crate::arch) fn words(&mut self) -> &mut [u32] {
        self.0.as_flattened_mut()
    }
}

/// Pool1's output as `[channel][pair of columns][row]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Map([[[Pair; POOL1_SIDE]; MAP_PAIRS]; CONV1_CHANNELS]);

impl Map {
    pub(crate) const fn new() -> Self {
        Self([[[0; POOL1_SIDE]; MAP_PAIRS]; CONV1_CHANNELS])
    }

    /// In HWC order.
    pub(crate) fn hwc(&self) -> impl Iterator<Item = u8> {
        let places = (0..POOL1_SIDE).flat_map(|row| (0..POOL1_SIDE).map(move |column| (row, column)));
        places.flat_map(move |(row, column)| {
            self.0.iter().map(move |pairs: &[[Pair; POOL1_SIDE]; MAP_PAIRS]| {
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
type Tile = [[u64; 2]; 2];

/// What a tile starts from, as words, for both rows: the offset in the two lower fields. The upper one is the
/// topmost and may fall below zero.
type Start = [[[u32; 2]; 2]; 2];

fn start(offsets: [i32; 2]) -> Start {
    let fields = offsets.map(|offset| {
        // Below 2^21, so the two do not overlap.
        let offset = offset as u32;
        [offset | offset << FIELD_BITS, offset >> (32 - FIELD_BITS)]
    });
    [fields, fields]
}

/// The channels two by two, with what their tiles start from.
fn channel_pairs<const OUTPUTS: usize>(
    channels: &Channels<'_, OUTPUTS>,
    offsets: &[i32; OUTPUTS],
    pool: Pool,
) -> impl Iterator<Item = (Start, [Finish; 2])> {
    let (offsets, _) = offsets.as_chunks::<2>();
    let mut channels = channels.iter();
    offsets.iter().map_while(move |offsets| {
        let [first, second] = *offsets;
        let finish = [Finish::new(channels.next()?, first, pool), Finish::new(channels.next()?, second, pool)];
        Some((start(*offsets), finish))
    })
}

/// The tiles of conv1 in one pair of rows: before the first window, and after each.
const TILES1: usize = POOL1_SIDE + 1;
const TILES2: usize = POOL2_SIDE + 1;

/// A window's 6 rows, or pairs of columns times two.
const WINDOW_SIDE: usize = KERNEL_SIDE + 1;

#[inline(never)]
pub(crate) fn conv1_pool(
    pixels: &Pixels,
    parameters: &Conv1Parameters<'_>,
    pool: Pool,
    blank: Blank,
    scratch: &mut Scratch,
    output: &mut Map,
) {
    let ink = scratch.unpack(pixels);
    let mut tiles = [[[0; 2]; 2]; TILES1];
    let (maps, _) = output.0.as_chunks_mut::<2>();
    let pairs = channel_pairs(parameters.channels(), parameters.offsets(), pool);
    for (index, ((start, finish), maps)) in pairs.zip(maps).enumerate() {
        for y in 0..POOL1_SIDE {
            let active = match blank {
                Blank::Compute => {
                    conv1_tiles(&scratch.0, y, parameters.words(), index, &start, None, &mut tiles);
                    u32::MAX
                }
                Blank::Skip => {
                    let columns = ink.iter().skip(2 * y).take(WINDOW_SIDE).fold(0, |all, row| all | row);
                    conv1_tiles(&scratch.0, y, parameters.words(), index, &start, Some(columns), &mut tiles);
                    // A tile needs the pair of columns of its own, the one before and the one after.
                    columns | columns << 1 | columns >> 1
                }
            };
            for (channel, (finish, map)) in finish.iter().zip(maps.iter_mut()).enumerate() {
                conv1_finish(pool, &tiles, channel, finish, active, map, y);
            }
        }
    }
}

#[inline(never)]
pub(crate) fn conv2_pool(
    input: &Map,
    parameters: &Conv2Parameters<'_>,
    pool: Pool,
    output: &mut [[[u8; CONV2_CHANNELS]; POOL2_SIDE]; POOL2_SIDE],
) {
    let mut tiles = [[[0; 2]; 2]; TILES2];
    let pairs = channel_pairs(parameters.channels(), parameters.offsets(), pool);
    for (index, (start, finish)) in pairs.enumerate() {
        for (y, pixels) in output.iter_mut().enumerate() {
            conv2_tiles(&input.0, y, parameters.words(), index, &start, &mut tiles);
            for (channel, finish) in finish.iter().enumerate() {
                conv2_finish(pool, &tiles, channel, finish, pixels, 2 * index + channel);
            }
        }
    }
}
