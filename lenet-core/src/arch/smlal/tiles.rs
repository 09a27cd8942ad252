#![allow(unsafe_code)] // Assembly functions and their calls.
//! The multiplications. Each step computes the accumulators of one pair of columns.

use core::arch::naked_asm;

use super::buffers::{COLUMN_PAIRS, IMAGE_PAIRS, Pair, Start, TILES1, TILES2, Tile};
use crate::architecture::{CONV1_CHANNELS, CONV2_CHANNELS, IMAGE_SIDE, KERNEL_SIDE, POOL1_SIDE, POOL2_SIDE};

type Words1 = [[[[[i32; CONV1_CHANNELS]; KERNEL_SIDE]; 1]; KERNEL_SIDE]; 1];
type Words2 = [[[[[i32; 4]; KERNEL_SIDE]; CONV1_CHANNELS]; KERNEL_SIDE]; 4];

/// Computes the tiles of conv1 for the pooled row `y`, below 12, and the pair of channels `channels`, below 3.
///
/// `columns`, if given, are the pairs of columns with ink in these rows: bit `p` is set for pair `p`.
pub(super) fn conv1_tiles(
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
    // SAFETY: `y` is below 12, so the assembly reads rows up to 2 * 11 + 5 = 27 in each of the 14 pairs of columns.
    // `channels` is below 3, so it reads two of the 6 words of each tap. It writes 13 tiles of 32 bytes. The pair
    // before the first one does not exist; its bit says that it has no ink, so it is not read.
    unsafe {
        match columns {
            None => conv1_assembly(image, words, start, tiles),
            Some(columns) => conv1_sparse_assembly(image, words, start, tiles, columns.reverse_bits() >> 1),
        }
    }
}

/// Computes the tiles of conv2 for the pooled row `y`, below 4, and the pair of channels `channels`, below 8.
pub(super) fn conv2_tiles(
    map: &[[[Pair; POOL1_SIDE]; COLUMN_PAIRS]; CONV1_CHANNELS],
    y: usize,
    words: &Words2,
    channels: usize,
    start: &Start,
    tiles: &mut [Tile; TILES2],
) {
    let map = map.as_flattened().as_flattened().as_ptr().wrapping_add(2 * y);
    let words = words.as_ptr().wrapping_add(channels / 2).cast::<i32>().wrapping_add(channels % 2 * 2);
    // SAFETY: `y` is below 4, so the assembly reads rows up to 2 * 3 + 5 = 11 in each of the 6 pairs of columns of the
    // 6 channels. `channels` is below 8, so it reads two of the 4 words of each tap in one of the 4 groups. It writes 5
    // tiles of 32 bytes.
    debug_assert!(y < POOL2_SIDE && channels < CONV2_CHANNELS / 2);
    unsafe { conv2_assembly(map, words, start, tiles) }
}

/// One row of one pair of the kernel's columns, for both rows of outputs and both channels: 4 `SMLAL`.
///
/// `$upper` and `$lower` hold the inputs of the two rows of outputs; `$w` is the offset of the two channels' words.
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
/// `$u` is the offset of the six rows of inputs, `$w` that of the first kernel row's words, and `$row` the distance
/// from one kernel row to the next.
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
/// two channels, r12 and lr inputs of two rows, r4 to r11 the accumulators of a tile. On the stack: the addresses of
/// the initial tile, of the next tile and of the end of the tiles.
///
/// A tile takes 90 instructions for its products and 10 others.
///
/// # Safety
/// `image` is a row, below 23, of the first of 14 pairs of columns of 28 rows. `words` is the first, second or third
/// pair of words of the first tap, of 25 taps with 6 words each.
#[unsafe(naked)]
unsafe extern "C" fn conv1_assembly(image: *const Pair, words: *const i32, start: &Start, tiles: &mut [Tile; TILES1]) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "add r12, r3, #416",
        "sub sp, sp, #12",
        "strd r2, r3, [sp]",
        "str r12, [sp, #8]",
        "ldm r2, {{r4-r11}}",
        // The first tile skips its first pair of columns, which would be left of the image.
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

/// Like [`conv1_assembly`], but skips pairs of columns without ink.
///
/// The registers are the same. The stack also has the pairs of columns with ink; the topmost bit is for the pair before
/// the tile's own. A tile takes 30 instructions for each pair with ink and 17 others.
///
/// # Safety
/// As for [`conv1_assembly`]; and the topmost bit of `columns` is zero.
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
        // The topmost bit becomes the carry flag and the next bit the negative flag. Both keep their values until they
        // are tested.
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

/// Registers as in [`conv1_assembly`], but r1 points into the middle of the words, so that offsets reach all of them.
/// On the stack: the addresses of the initial tile, of the next tile and of the end of the words, and the number of
/// remaining tiles.
///
/// A tile takes 186 instructions for every two of the 6 input channels and 16 others.
///
/// # Safety
/// `map` is row `2 * y` of the first of 6 * 6 pairs of columns of 12 rows, with the pooled row `y` below 4. `words` is
/// the first of a group's 150 * 4 words, or the third for the second pair of channels.
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
        // As in conv1, the first tile skips its first pair of columns.
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
        // Back over the 6 channels, and on to the next pair of columns.
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
