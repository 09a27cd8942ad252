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

/// What makes a channel's fields activations, as the assembly reads it.
#[repr(C)]
#[derive(Clone, Copy)]
struct Finish {
    /// The bias, less the offset that every field started from.
    bias: i32,
    /// Half of the divisor, in the upper word of a product.
    half: i32,
    mantissa: i32,
    /// By how much the upper word is shifted, in the lowest byte, and at bit 16 the activation of a window
    /// without any ink.
    shift_and_blank: u32,
}

impl Finish {
    fn new(channel: Channel, offset: i32, pool: Pool) -> Self {
        let Channel { bias, multiplier } = channel;
        let blank = pool_window(pool, [bias; 4], |accumulator| multiplier.apply_relu(accumulator));
        Self {
            // Perhaps less than 32 bits hold, which the addition of a field mends.
            bias: bias.wrapping_sub(offset),
            half: multiplier.upper_half(),
            mantissa: multiplier.mantissa,
            shift_and_blank: multiplier.upper_shift() | u32::from(blank) << 16,
        }
    }
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

type Words1 = [[[[[i32; CONV1_CHANNELS]; KERNEL_SIDE]; 1]; KERNEL_SIDE]; 1];
type Words2 = [[[[[i32; 4]; KERNEL_SIDE]; CONV1_CHANNELS]; KERNEL_SIDE]; 4];

/// The tiles of conv1 for the pooled row `y`, less than 12, and the pair of channels `channels`, less than 3.
///
/// `columns`, if given, tells which pairs of columns have ink in these rows, the pair `p` at bit `p`.
fn conv1_tiles(
    image: &[[Pair; IMAGE_SIDE]; IMAGE_PAIRS],
    y: usize,
    words: &Words1,
    channels: usize,
    start: &Start,
    columns: Option<u32>,
    tiles: &mut [Tile; TILES1],
) {
    let image = image.as_flattened().as_ptr().wrapping_add(2 * y);
    let words = words.as_flattened().as_flattened().as_flattened().as_flattened().as_ptr().wrapping_add(2 * channels);
    debug_assert!(y < POOL1_SIDE && channels < CONV1_CHANNELS / 2);
    // SAFETY: with `y` below 12 rows up to 2 * 11 + 5 = 27 of each of the 14 pairs of columns are read, with
    // `channels` below 3 two of a tap's 6 words, and 13 tiles of 32 bytes are written. The pair before the first,
    // which does not exist, has no ink.
    unsafe {
        match columns {
            None => conv1_assembly(image, words, start, tiles),
            Some(columns) => conv1_sparse_assembly(image, words, start, tiles, columns.reverse_bits() >> 1),
        }
    }
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

/// Activations of one channel, 0 or 1 of a pair, in the pooled row `y`, less than 12. A window is blank where
/// the bits of both its tiles are zero in `active`.
fn conv1_finish(
    pool: Pool,
    tiles: &[Tile; TILES1],
    channel: usize,
    finish: &Finish,
    active: u32,
    map: &mut [[Pair; POOL1_SIDE]; MAP_PAIRS],
    y: usize,
) {
    let windows = active | active >> 1;
    let windows = windows.reverse_bits() & !(u32::MAX >> POOL1_SIDE) | 1 << (31 - POOL1_SIDE);
    let tiles = tiles.as_flattened().as_flattened().as_ptr().wrapping_add(channel);
    let map = map.as_flattened_mut().as_mut_ptr().wrapping_add(y);
    debug_assert!(y < POOL1_SIDE && channel < 2);
    // SAFETY: with `channel` below 2 one accumulator of both rows in each of 13 tiles is read, and with `y` below
    // 12 one row of each of 6 pairs of columns is written.
    unsafe {
        match pool {
            Pool::Average => conv1_average_assembly(tiles, finish, windows, map),
            Pool::Maximum => conv1_maximum_assembly(tiles, finish, windows, map),
        }
    }
}

/// Activations of one channel, 0 or 1 of a pair, in one pooled row; `output` is that channel among all 16.
fn conv2_finish(
    pool: Pool,
    tiles: &[Tile; TILES2],
    channel: usize,
    finish: &Finish,
    pixels: &mut [[u8; CONV2_CHANNELS]; POOL2_SIDE],
    output: usize,
) {
    let windows = !(u32::MAX >> POOL2_SIDE) | 1 << (31 - POOL2_SIDE);
    let tiles = tiles.as_flattened().as_flattened().as_ptr().wrapping_add(channel);
    let pixels = pixels.as_flattened_mut().as_mut_ptr().wrapping_add(output);
    debug_assert!(output < CONV2_CHANNELS && channel < 2);
    // SAFETY: with `channel` below 2 one accumulator of both rows in each of 5 tiles is read, and with `output`
    // below 16 one byte of each of 4 pixels is written.
    unsafe {
        match pool {
            Pool::Average => conv2_average_assembly(tiles, finish, windows, pixels),
            Pool::Maximum => conv2_maximum_assembly(tiles, finish, windows, pixels),
        }
    }
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
/// start is, where the next tile goes and where the tiles end.
///
/// A tile takes 90 instructions for its products and 10 around them.
///
/// # Safety
/// `image` is a row, less than 23, of the first of 14 pairs of columns of 28 rows, `words` the first of 25 times 6
/// words or the second or third pair of them.
#[unsafe(naked)]
unsafe extern "C" fn conv1_assembly(image: *const Pair, words: *const i32, start: &Start, tiles: &mut [Tile; TILES1]) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "add r12, r3, #416",
        "sub sp, sp, #12",
        "strd r2, r3, [sp]",
        "str r12, [sp, #8]",
        "ldm r2, {{r4-r11}}",
        // Nothing is left of the first tile, whose first columns would be left of the image.
        "sub r0, r0, #112",
        "b.w 3f",
        "2:",
        "ldr r2, [sp, #0]",
        "str r3, [sp, #4]",
        "ldm r2, {{r4-r11}}",
        kernel_columns!("0", "0", "120"),
        "3:",
        kernel_columns!("112", "48", "120"),
        kernel_columns!("224", "96", "120"),
        "ldrd r3, r2, [sp, #4]",
        "add r0, r0, #112",
        "stm r3!, {{r4-r11}}",
        "cmp r3, r2",
        "bne.w 2b",
        "add sp, sp, #12",
        "pop {{r4-r11, pc}}",
    )
}

/// The same, but pairs of columns without any ink are left out.
///
/// Registers as there. On the stack also the pairs of columns that have ink, the one before the tile's own at the
/// topmost bit. A tile takes 30 instructions for each pair with ink and 17 around them.
///
/// # Safety
/// As [`conv1_assembly`]; and the topmost bit of `columns` is zero.
#[unsafe(naked)]
unsafe extern "C" fn conv1_sparse_assembly(
    image: *const Pair,
    words: *const i32,
    start: &Start,
    tiles: &mut [Tile; TILES1],
    columns: u32,
) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "ldr lr, [sp, #36]",
        "add r12, r3, #416",
        "sub sp, sp, #20",
        "strd r2, r3, [sp]",
        "strd r12, lr, [sp, #8]",
        "sub r0, r0, #112",
        "2:",
        "ldr r2, [sp, #0]",
        "ldr r3, [sp, #12]",
        "ldm r2, {{r4-r11}}",
        // The topmost bit becomes the carry and the next one the sign, which nothing changes for some time.
        "lsls r3, r3, #1",
        "str r3, [sp, #12]",
        "bcc.w 3f",
        kernel_columns!("0", "0", "120"),
        "3:",
        "bpl.w 4f",
        kernel_columns!("112", "48", "120"),
        "4:",
        "ldr r3, [sp, #12]",
        "lsls r3, r3, #2",
        "bcc.w 5f",
        kernel_columns!("224", "96", "120"),
        "5:",
        "ldrd r3, r2, [sp, #4]",
        "add r0, r0, #112",
        "stm r3!, {{r4-r11}}",
        "str r3, [sp, #4]",
        "cmp r3, r2",
        "bne.w 2b",
        "add sp, sp, #20",
        "pop {{r4-r11, pc}}",
    )
}

/// Registers as in [`conv1_assembly`], but r1 points between the words, as all are then in reach. On the stack:
/// where the start is, where the next tile goes, where the words end, and how many tiles are to come.
///
/// A tile takes 186 instructions for every two of the 6 input channels and 16 around them.
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
        "add r1, r1, #80",
        kernel_columns!("288", "-992", "480"),
        kernel_columns!("336", "-992 + 32", "480"),
        kernel_columns!("384", "-992 + 64", "480"),
        "ldr r2, [sp, #8]",
        "add r0, r0, #576",
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

/// The activation in r12 and r6 of two fields in r12 and r6; r4 and r5 are lost. With the DSP extension 4
/// instructions each, else 5.
#[cfg(kernels = "armv7em")]
macro_rules! requantize {
    ($field:literal) => {
        concat!(
            "add ",
            $field,
            ", ",
            $field,
            ", r7\n",
            "smmla ",
            $field,
            ", ",
            $field,
            ", r9, r8\n",
            "asr ",
            $field,
            ", ",
            $field,
            ", r10\n",
            "usat ",
            $field,
            ", #8, ",
            $field,
            "\n",
        )
    };
}
#[cfg(not(kernels = "armv7em"))]
macro_rules! requantize {
    ($field:literal) => {
        concat!(
            "add ",
            $field,
            ", ",
            $field,
            ", r7\n",
            "smull r4, ",
            $field,
            ", ",
            $field,
            ", r9\n",
            "add ",
            $field,
            ", ",
            $field,
            ", r8\n",
            "asr ",
            $field,
            ", ",
            $field,
            ", r10\n",
            "usat ",
            $field,
            ", #8, ",
            $field,
            "\n",
        )
    };
}

/// The two fields of one row: the even column's in `$even`, the odd one's in `$odd`. `$before` is the upper field
/// of the tile to the left, and becomes that of this one. 6 instructions.
macro_rules! fields {
    ($load:literal, $even:literal, $odd:literal, $before:literal) => {
        concat!(
            $load,
            "ubfx ",
            $even,
            ", r4, #0, #21\n",
            "add ",
            $even,
            ", ",
            $even,
            ", ",
            $before,
            "\n",
            "asr ",
            $before,
            ", r5, #10\n",
            "lsr ",
            $odd,
            ", r4, #21\n",
            "bfi ",
            $odd,
            ", r5, #11, #10\n",
        )
    };
}

/// The average of a window, in r6: four activations, then `(sum + 1 + (sum >= 512)) >> 2`, as derived at
/// [`average`](crate::kernels::average).
macro_rules! average_window {
    () => {
        concat!(
            fields!("ldrd r4, r5, [r0], #16\n", "r12", "r6", "r11"),
            requantize!("r12"),
            requantize!("r6"),
            "add lr, r12, r6\n",
            fields!("ldrd r4, r5, [r0], #16\n", "r12", "r6", "r1"),
            requantize!("r12"),
            requantize!("r6"),
            "add r6, r6, r12\n",
            "add r6, r6, lr\n",
            "cmp r6, #512\n",
            "adc r6, r6, #1\n",
            "lsr r6, r6, #2\n",
        )
    };
}

/// The activation of a window's largest field, in r6.
macro_rules! maximum_window {
    () => {
        concat!(
            fields!("ldrd r4, r5, [r0], #16\n", "r12", "lr", "r11"),
            "cmp lr, r12\n",
            "it lt\n",
            "movlt lr, r12\n",
            fields!("ldrd r4, r5, [r0], #16\n", "r12", "r6", "r1"),
            "cmp r6, r12\n",
            "it lt\n",
            "movlt r6, r12\n",
            "cmp r6, lr\n",
            "it lt\n",
            "movlt r6, lr\n",
            requantize!("r6"),
        )
    };
}

/// One window, blank or not: the next bit of r2 tells. Labels: `$blank` is that of the matching `blank_window`,
/// `$next` where it comes back to.
macro_rules! window {
    ($window:ident, $blank:literal, $next:literal) => {
        concat!("lsls r2, r2, #1\n", "bcc.w ", $blank, "f\n", $window!(), $next, ":\n")
    };
}

/// A blank window is between two tiles as they started, so nothing goes over to the next.
macro_rules! blank_window {
    ($blank:literal, $next:literal) => {
        concat!(
            $blank,
            ":\n",
            "add r0, r0, #32\n",
            "ubfx r6, r10, #16, #8\n",
            "mov r11, #0\n",
            "mov r1, #0\n",
            "b.w ",
            $next,
            "b\n",
        )
    };
}

/// What comes before the windows. Registers from then on: r0 the tiles to the right of the window, r2 the windows
/// to come, r3 where they go, r7 to r10 what [`Finish`] has, r11 and r1 the upper fields of the tile to the left;
/// r4 to r6, r12 and lr fields.
macro_rules! before_windows {
    () => {
        concat!(
            "push {{r4-r11, lr}}\n",
            "ldm r1, {{r7-r10}}\n",
            "ldr r11, [r0, #4]\n",
            "ldr r1, [r0, #20]\n",
            "asr r11, r11, #10\n",
            "asr r1, r1, #10\n",
            "add r0, r0, #32\n",
        )
    };
}

/// Two windows at a time make a pair of columns.
macro_rules! conv1_finish_body {
    ($window:ident) => {
        concat!(
            before_windows!(),
            "2:\n",
            window!($window, "3", "4"),
            "str r6, [r3]\n",
            window!($window, "5", "6"),
            "ldr r12, [r3]\n",
            "orr r6, r12, r6, lsl #21\n",
            "str r6, [r3], #48\n",
            "cmp r2, #0x80000000\n",
            "bne.w 2b\n",
            "pop {{r4-r11, pc}}\n",
            blank_window!("3", "4"),
            blank_window!("5", "6"),
        )
    };
}

macro_rules! conv2_finish_body {
    ($window:ident) => {
        concat!(
            before_windows!(),
            "2:\n",
            window!($window, "3", "4"),
            "strb r6, [r3], #16\n",
            "cmp r2, #0x80000000\n",
            "bne.w 2b\n",
            "pop {{r4-r11, pc}}\n",
            blank_window!("3", "4"),
        )
    };
}

/// # Safety
/// `tiles` is the first accumulator of a channel in 13 tiles, `map` a row of the first of 6 pairs of columns; the
/// bits of `windows` end in a one after 12 bits.
#[unsafe(naked)]
unsafe extern "C" fn conv1_average_assembly(tiles: *const u64, finish: &Finish, windows: u32, map: *mut Pair) {
    naked_asm!(conv1_finish_body!(average_window))
}

/// # Safety
/// As [`conv1_average_assembly`].
#[unsafe(naked)]
unsafe extern "C" fn conv1_maximum_assembly(tiles: *const u64, finish: &Finish, windows: u32, map: *mut Pair) {
    naked_asm!(conv1_finish_body!(maximum_window))
}

/// # Safety
/// `tiles` is the first accumulator of a channel in 5 tiles, `pixels` a channel of the first of 4 pixels; the bits
/// of `windows` end in a one after 4 bits.
#[unsafe(naked)]
unsafe extern "C" fn conv2_average_assembly(tiles: *const u64, finish: &Finish, windows: u32, pixels: *mut u8) {
    naked_asm!(conv2_finish_body!(average_window))
}

/// # Safety
/// As [`conv2_average_assembly`].
#[unsafe(naked)]
unsafe extern "C" fn conv2_maximum_assembly(tiles: *const u64, finish: &Finish, windows: u32, pixels: *mut u8) {
    naked_asm!(conv2_finish_body!(maximum_window))
}

/// The two sums in `256 * odd + even`, the lower word, given `even`, the upper one. With up to 256 products of
/// magnitude 255 * 127 neither the one nor the other leaves 32 bits: 255 * 127 * 256 * 257 is less than 2^31.
#[inline]
pub(super) fn separate(sums: u64) -> [i32; 2] {
    let (sum, even) = (sums as i32, (sums >> 32) as i32);
    [even, (sum - even) >> 8]
}
