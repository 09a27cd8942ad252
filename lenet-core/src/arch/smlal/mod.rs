//! Convolutions by `SMLAL`, for Armv7-M, Armv7E-M and Armv8-M mainline: four multiply-accumulates in one instruction,
//! as derived in the [parent module](super).
//!
//! `tiles` multiplies and adds. `finish` extracts the fields, requantizes and pools them. Both are assembly and process
//! one row of a pair of channels at a time; the loops around them are here.

mod buffers;
mod finish;
mod tiles;

pub(crate) use buffers::{Pool1Output, Scratch};
use buffers::{Start, TILES1, TILES2};
use finish::{Finish, conv1_finish, conv2_finish};
use tiles::{conv1_tiles, conv2_tiles};

use super::blank::Blank;
use super::plain;
use crate::architecture::{CONV2_CHANNELS, KERNEL_SIDE, POOL1_SIDE, POOL2_SIDE, Pixels, Pool};
use crate::format::FIELD_BITS;
use crate::model::{Channels, Conv1Parameters, Conv2Parameters};

fn start(offsets: [i32; 2]) -> Start {
    let fields = offsets.map(|offset| {
        // Below 2^21, so the two do not overlap.
        let offset = offset as u32;
        [offset | offset << FIELD_BITS, offset >> (32 - FIELD_BITS)]
    });
    [fields, fields]
}

/// The channels two by two, with the initial values of their tiles.
fn channel_pairs<'a>(
    channels: Channels<'a>,
    offsets: &'a [i32],
    pool: Pool,
) -> impl Iterator<Item = (Start, [Finish; 2])> + 'a {
    let (offsets, _) = offsets.as_chunks::<2>();
    let mut channels = channels.iter();
    offsets.iter().map_while(move |offsets| {
        let [first, second] = *offsets;
        let finish = [Finish::new(channels.next()?, first, pool), Finish::new(channels.next()?, second, pool)];
        Some((start(*offsets), finish))
    })
}

/// Rows of a window. Its width is the same: three pairs of columns.
const WINDOW_SIDE: usize = KERNEL_SIDE + 1;

#[inline(never)]
pub(crate) fn conv1_pool(
    pixels: &Pixels,
    parameters: &Conv1Parameters<'_>,
    pool: Pool,
    blank: Blank,
    scratch: &mut Scratch,
    output: &mut Pool1Output,
) {
    let Some(packed) = parameters.packed() else { return plain_conv1_pool(pixels, parameters, pool, scratch, output) };
    let ink = scratch.unpack(pixels);
    let mut tiles = [[[0; 2]; 2]; TILES1];
    let (maps, _) = output.0.as_chunks_mut::<2>();
    let pairs = channel_pairs(parameters.channels(), packed.offsets(), pool);
    for (index, ((start, finish), maps)) in pairs.zip(maps).enumerate() {
        for y in 0..POOL1_SIDE {
            let active = match blank {
                Blank::Compute => {
                    conv1_tiles(&scratch.0, y, packed.words(), index, &start, None, &mut tiles);
                    u32::MAX
                }
                Blank::Skip => {
                    let columns = ink.iter().skip(2 * y).take(WINDOW_SIDE).fold(0, |all, row| all | row);
                    conv1_tiles(&scratch.0, y, packed.words(), index, &start, Some(columns), &mut tiles);
                    // A tile reads its own pair of columns, the one before and the one after.
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
    input: &Pool1Output,
    parameters: &Conv2Parameters<'_>,
    pool: Pool,
    scratch: &mut Scratch,
    output: &mut [[[u8; CONV2_CHANNELS]; POOL2_SIDE]; POOL2_SIDE],
) {
    let Some(packed) = parameters.packed() else { return plain_conv2_pool(input, parameters, pool, scratch, output) };
    let mut tiles = [[[0; 2]; 2]; TILES2];
    let pairs = channel_pairs(parameters.channels(), packed.offsets(), pool);
    for (index, (start, finish)) in pairs.enumerate() {
        for (y, pixels) in output.iter_mut().enumerate() {
            conv2_tiles(&input.0, y, packed.words(), index, &start, &mut tiles);
            for (channel, finish) in finish.iter().enumerate() {
                conv2_finish(pool, &tiles, channel, finish, pixels, 2 * index + channel);
            }
        }
    }
}

/// For models without packed weights: the plain convolution, with the maps in HWC order in the scratch memory.
#[cold]
#[inline(never)]
fn plain_conv1_pool(
    pixels: &Pixels,
    parameters: &Conv1Parameters<'_>,
    pool: Pool,
    scratch: &mut Scratch,
    output: &mut Pool1Output,
) {
    let values = scratch.bytes();
    plain::conv1_pool(pixels, parameters, pool, values);
    output.set(values);
}

#[cold]
#[inline(never)]
fn plain_conv2_pool(
    input: &Pool1Output,
    parameters: &Conv2Parameters<'_>,
    pool: Pool,
    scratch: &mut Scratch,
    output: &mut [[[u8; CONV2_CHANNELS]; POOL2_SIDE]; POOL2_SIDE],
) {
    let values = scratch.bytes();
    for (place, u) in values.iter_mut().zip(input.hwc()) {
        *place = u;
    }
    plain::conv2_pool(values, parameters, pool, output.as_flattened_mut().as_flattened_mut());
}
