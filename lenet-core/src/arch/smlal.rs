#![allow(unsafe_code)] // Assembly functions, and their calls.
//! Convolutions by `SMLAL`, four multiply-accumulates in one instruction, as derived in the
//! [module above](super); for Armv7-M, Armv7E-M and Armv8-M mainline.
//!
//! The assembly multiplies and adds, nothing else: fields are taken apart, requantized and pooled in Rust.

use core::arch::naked_asm;

use crate::architecture::{
    CONV1_CHANNELS, CONV2_CHANNELS, IMAGE_SIDE, KERNEL_SIDE, POOL1_SIDE, POOL2_SIDE, Pixels, Pool,
};
use crate::kernels::pool_window;
use crate::model::{Channel, Channels, Conv1Parameters, Conv2Parameters, FIELD_BITS};
use crate::network::Blank;

/// Two activations side by side, the right one 2^21 times the left one.
type Pair = u32;

const IMAGE_PAIRS: usize = IMAGE_SIDE / 2;
const MAP_PAIRS: usize = POOL1_SIDE / 2;

/// The image as `[pair of columns][row]`, or the inputs of a fully connected layer as words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scratch([[Pair; IMAGE_SIDE]; IMAGE_PAIRS]);

impl Scratch {
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
    pub(super) fn words(&mut self) -> &mut [u32] {
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
    pub(crate) fn to_hwc(&self) -> [[[u8; CONV1_CHANNELS]; POOL1_SIDE]; POOL1_SIDE] {
        let mut hwc = [[[0; CONV1_CHANNELS]; POOL1_SIDE]; POOL1_SIDE];
        for (channel, pairs) in self.0.iter().enumerate() {
            for (pair, rows) in pairs.iter().enumerate() {
                for (pixels, word) in hwc.iter_mut().zip(rows) {
                    for (pixel, u) in pixels.iter_mut().skip(2 * pair).zip([*word as u8, (*word >> FIELD_BITS) as u8]) {
                        pixel[channel] = u;
                    }
                }
            }
        }
        hwc
    }
}

#[inline]
fn pair(left: u8, right: u8) -> Pair {
    u32::from(left) | u32::from(right) << FIELD_BITS
}

/// The accumulators of one pair of columns: for two rows of outputs, those of two channels.
type Tile = [[u64; 2]; 2];

/// What a tile starts from, as words: the offset in all three fields, for both rows.
type Start = [[[u32; 2]; 2]; 2];

fn start(offsets: [i32; 2]) -> Start {
    let fields = offsets.map(|offset| {
        // Below 2^21, so no two of the three overlap.
        let offset = offset as u32;
        [offset | offset << FIELD_BITS, offset >> (32 - FIELD_BITS) | offset << (2 * FIELD_BITS - 32)]
    });
    [fields, fields]
}

/// What makes the fields of one channel's accumulators activations.
#[derive(Clone, Copy)]
struct Finish {
    channel: Channel,
    /// The bias, less the one offset that is in an odd column's field.
    odd: i32,
    /// The bias, less the two offsets in an even column's sum of two fields.
    even: i32,
}

impl Finish {
    fn new(channel: Channel, offset: i32) -> Self {
        // The bias alone may be so low that it leaves 32 bits here and comes back later.
        let odd = channel.bias.wrapping_sub(offset);
        Self { channel, odd, even: odd.wrapping_sub(offset) }
    }

    /// The pooled activation of the window between two tiles.
    #[inline(always)]
    fn window(&self, pool: Pool, left: &Tile, right: &Tile, channel: usize) -> u8 {
        const FIELD: u64 = (1 << FIELD_BITS) - 1;
        let [[a, b], [c, d]] = [0, 1].map(|row| {
            let (left, right) = (left[row][channel], right[row][channel]);
            let even = (left >> (2 * FIELD_BITS)) as u32 + (right & FIELD) as u32;
            let odd = (right >> FIELD_BITS & FIELD) as u32;
            [(even as i32).wrapping_add(self.even), (odd as i32).wrapping_add(self.odd)]
        });
        pool_window(pool, [a, b, c, d], |accumulator| self.channel.multiplier.apply_relu(accumulator))
    }

    /// The pooled activation of a window without any ink.
    fn blank(&self, pool: Pool) -> u8 {
        pool_window(pool, [self.channel.bias; 4], |accumulator| self.channel.multiplier.apply_relu(accumulator))
    }
}

/// The channels two by two, with what their tiles start from.
fn channel_pairs<const OUTPUTS: usize>(
    channels: &Channels<'_, OUTPUTS>,
    offsets: &[i32; OUTPUTS],
) -> impl Iterator<Item = (Start, [Finish; 2])> {
    let (offsets, _) = offsets.as_chunks::<2>();
    let mut channels = channels.iter();
    offsets.iter().map_while(move |offsets| {
        let finish = [Finish::new(channels.next()?, offsets[0]), Finish::new(channels.next()?, offsets[1])];
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
    for (index, ((start, finish), maps)) in
        channel_pairs(parameters.channels(), parameters.offsets()).zip(maps).enumerate()
    {
        for y in 0..POOL1_SIDE {
            let columns = match blank {
                Blank::Compute => u32::MAX,
                Blank::Skip => ink.iter().skip(2 * y).take(WINDOW_SIDE).fold(0, |all, row| all | row),
            };
            // A tile needs the pair of columns of its own, the one before and the one after.
            let active = columns | columns << 1 | columns >> 1;
            conv1_tiles(&scratch.0, y, parameters.words(), index, &start, active, &mut tiles);
            match pool {
                Pool::Average => conv1_finish(Pool::Average, &tiles, active, &finish, y, maps),
                Pool::Maximum => conv1_finish(Pool::Maximum, &tiles, active, &finish, y, maps),
            }
        }
    }
}

#[inline(always)]
fn conv1_finish(
    pool: Pool,
    tiles: &[Tile; TILES1],
    active: u32,
    finish: &[Finish; 2],
    y: usize,
    maps: &mut [[[Pair; POOL1_SIDE]; MAP_PAIRS]; 2],
) {
    for (channel, (finish, map)) in finish.iter().zip(maps).enumerate() {
        let blank = finish.blank(pool);
        for (x, place) in map.iter_mut().enumerate() {
            let [left, right] = [2 * x, 2 * x + 1].map(|x| {
                if active >> x & 3 == 0 { blank } else { finish.window(pool, &tiles[x], &tiles[x + 1], channel) }
            });
            if let Some(place) = place.get_mut(y) {
                *place = pair(left, right);
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
    for (index, (start, finish)) in channel_pairs(parameters.channels(), parameters.offsets()).enumerate() {
        for (y, pixels) in output.iter_mut().enumerate() {
            conv2_tiles(&input.0, y, parameters.words(), index, &start, &mut tiles);
            for (x, pixel) in pixels.iter_mut().enumerate() {
                for (channel, (finish, place)) in finish.iter().zip(pixel.iter_mut().skip(2 * index)).enumerate() {
                    *place = finish.window(pool, &tiles[x], &tiles[x + 1], channel);
                }
            }
        }
    }
}

type Words1 = [[[[[i32; CONV1_CHANNELS]; KERNEL_SIDE]; 1]; KERNEL_SIDE]; 1];
type Words2 = [[[[[i32; 4]; KERNEL_SIDE]; CONV1_CHANNELS]; KERNEL_SIDE]; 4];

/// The tiles of conv1 for the pooled row `y`, less than 12, and the pair of channels `channels`, less than 3.
/// Tiles whose bit of `active` is zero stay as they start.
fn conv1_tiles(
    image: &[[Pair; IMAGE_SIDE]; IMAGE_PAIRS],
    y: usize,
    words: &Words1,
    channels: usize,
    start: &Start,
    active: u32,
    tiles: &mut [Tile; TILES1],
) {
    // The assembly takes the tiles' bits from the top; a last bit says where they end.
    let active = active.reverse_bits() & !(u32::MAX >> TILES1) | 1 << (31 - TILES1);
    let image = image.as_flattened().as_ptr().wrapping_add(2 * y);
    let words = words.as_flattened().as_flattened().as_flattened().as_flattened().as_ptr().wrapping_add(2 * channels);
    // SAFETY: with `y` below 12 rows up to 2 * 11 + 5 = 27 of each of the 14 pairs of columns are read, with
    // `channels` below 3 two of a tap's 6 words, and 13 tiles of 32 bytes are written.
    debug_assert!(y < POOL1_SIDE && channels < CONV1_CHANNELS / 2);
    unsafe { conv1_assembly(image, words, start, tiles, active) }
}

/// The tiles of conv2 for the pooled row `y`, less than 4, and the pair of channels `channels`, less than 8.
fn conv2_tiles(
    map: &[[[Pair; POOL1_SIDE]; MAP_PAIRS]; CONV1_CHANNELS],
    y: usize,
    words: &Words2,
    channels: usize,
    start: &Start,
    tiles: &mut [Tile; TILES2],
) {
    let map = map.as_flattened().as_flattened().as_ptr().wrapping_add(2 * y);
    let words = words.as_ptr().wrapping_add(channels / 2).cast::<i32>().wrapping_add(channels % 2 * 2);
    // SAFETY: with `y` below 4 rows up to 2 * 3 + 5 = 11 of each of the 6 pairs of columns of the 6 channels
    // are read, with `channels` below 8 two of a tap's 4 words in one of the 4 groups, and 5 tiles of 32 bytes
    // are written.
    debug_assert!(y < POOL2_SIDE && channels < CONV2_CHANNELS / 2);
    unsafe { conv2_assembly(map, words, start, tiles) }
}

/// One row of one pair of the kernel's columns, for both rows of outputs and both channels: 4 `SMLAL`.
///
/// `$upper` and `$lower` hold the inputs of the two rows of outputs, `$w` is where the two channels' words are.
macro_rules! kernel_row {
    ($upper:literal, $lower:literal, $w:literal, $row:literal, $index:literal) => {
        concat!(
            "ldrd r2, r3, [r1, #(",
            $w,
            " + ",
            $row,
            " * ",
            $index,
            ")]\n",
            "smlal r4, r5, ",
            $upper,
            ", r2\n",
            "smlal r6, r7, ",
            $upper,
            ", r3\n",
            "smlal r8, r9, ",
            $lower,
            ", r2\n",
            "smlal r10, r11, ",
            $lower,
            ", r3\n",
        )
    };
}

/// One pair of the kernel's columns: 30 instructions, 20 of them `SMLAL`. Three such
/// columns do the 200 multiply-accumulates of 8 outputs and 25 taps: 0.45 instructions each.
///
/// `$u` is where the inputs of the first row are, six rows below each other; `$w` is where the words are, a
/// kernel row `$row` after the other.
macro_rules! kernel_columns {
    ($u:literal, $w:literal, $row:literal) => {
        concat!(
            "ldrd r12, lr, [r0, #(",
            $u,
            ")]\n",
            kernel_row!("r12", "lr", $w, $row, 0),
            "ldr r12, [r0, #(",
            $u,
            "+8)]\n",
            kernel_row!("lr", "r12", $w, $row, 1),
            "ldr lr, [r0, #(",
            $u,
            "+12)]\n",
            kernel_row!("r12", "lr", $w, $row, 2),
            "ldr r12, [r0, #(",
            $u,
            "+16)]\n",
            kernel_row!("lr", "r12", $w, $row, 3),
            "ldr lr, [r0, #(",
            $u,
            "+20)]\n",
            kernel_row!("r12", "lr", $w, $row, 4),
        )
    };
}

/// Registers: r0 the inputs of the pair of columns before the tile's own, r1 the words, r2 and r3 the words of
/// two channels, r12 and lr inputs of two rows, r4 to r11 the accumulators of a tile. On the stack: where the
/// start is, where the next tile goes, and the bits of the tiles to come.
///
/// A tile takes 90 instructions for its products and 16 around them.
///
/// # Safety
/// `image` is the first of 14 * 28 pairs less two times the pooled row, `words` the first of 25 times 6 words
/// less two times the pair of channels; the bits of `active` end in a one after 13 bits.
#[unsafe(naked)]
unsafe extern "C" fn conv1_assembly(
    image: *const Pair,
    words: *const i32,
    start: &Start,
    tiles: &mut [Tile; TILES1],
    active: u32,
) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "ldr r12, [sp, #36]",
        "sub sp, sp, #12",
        "strd r2, r3, [sp]",
        // Nothing is left of the first tile, whose word of the first column would be one more to the left.
        "sub r0, r0, #112",
        "lsls r12, r12, #1",
        "str r12, [sp, #8]",
        "ldm r2, {{r4-r11}}",
        "bcc.w 3f",
        kernel_columns!("112", "48", "120"),
        kernel_columns!("224", "96", "120"),
        "b.w 3f",
        "2:",
        "ldr r3, [sp, #0]",
        "str r2, [sp, #8]",
        "ldm r3, {{r4-r11}}",
        "bcc.w 3f",
        kernel_columns!("0", "0", "120"),
        kernel_columns!("112", "48", "120"),
        kernel_columns!("224", "96", "120"),
        "3:",
        "ldrd r3, r2, [sp, #4]",
        "add r0, r0, #112",
        "stm r3!, {{r4-r11}}",
        "str r3, [sp, #4]",
        "lsls r2, r2, #1",
        "bne.w 2b",
        "add sp, sp, #12",
        "pop {{r4-r11, pc}}",
    )
}

/// Registers as in [`conv1_assembly`], but r1 points between the words, as all are then in reach. On the stack:
/// where the start is, where the next tile goes, where the words end, and how many tiles are to come.
///
/// A tile takes 95 instructions for each of the 6 input channels and 16 around them.
///
/// # Safety
/// `map` is the first of 6 * 6 * 12 pairs less two times the pooled row, `words` the first of a group's 150
/// times 4 words, less two for the second pair of channels.
#[unsafe(naked)]
unsafe extern "C" fn conv2_assembly(map: *const Pair, words: *const i32, start: &Start, tiles: &mut [Tile; TILES2]) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "sub sp, sp, #20",
        "strd r2, r3, [sp]",
        "ldm r2, {{r4-r11}}",
        "sub r0, r0, #48",
        "add r1, r1, #992",
        "add r2, r1, #480",
        "movs r3, #4",
        "strd r2, r3, [sp, #8]",
        // As in conv1 the first tile lacks the first columns.
        "2:",
        kernel_columns!("48", "-992 + 32", "480"),
        kernel_columns!("96", "-992 + 64", "480"),
        "ldr r2, [sp, #8]",
        "add r0, r0, #288",
        "add r1, r1, #80",
        "cmp r1, r2",
        "bne.w 2b",
        "b.w 5f",
        "3:",
        "ldr r2, [sp, #0]",
        "ldm r2, {{r4-r11}}",
        "4:",
        kernel_columns!("0", "-992", "480"),
        kernel_columns!("48", "-992 + 32", "480"),
        kernel_columns!("96", "-992 + 64", "480"),
        "ldr r2, [sp, #8]",
        "add r0, r0, #288",
        "add r1, r1, #80",
        "cmp r1, r2",
        "bne.w 4b",
        "5:",
        "ldr r3, [sp, #4]",
        // Back over the 6 channels, and one pair of columns on.
        "subw r0, r0, #(6 * 288 - 48)",
        "sub r1, r1, #480",
        "stm r3!, {{r4-r11}}",
        "str r3, [sp, #4]",
        "ldr r2, [sp, #12]",
        "subs r2, r2, #1",
        "str r2, [sp, #12]",
        "bpl.w 3b",
        "add sp, sp, #20",
        "pop {{r4-r11, pc}}",
    )
}

/// The two sums in `256 * odd + even`, the lower word, given `even`, the upper one. With up to 256 products of
/// magnitude 255 * 127 neither the one nor the other leaves 32 bits: 255 * 127 * 256 * 257 is less than 2^31.
#[inline]
pub(super) fn separate(sums: u64) -> [i32; 2] {
    let (sum, even) = (sums as i32, (sums >> 32) as i32);
    [even, (sum - even) >> 8]
}
