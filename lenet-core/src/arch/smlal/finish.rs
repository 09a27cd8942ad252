#![allow(unsafe_code)] // Assembly functions and their calls.
//! After the multiplications: extracts the fields, requantizes and pools them.

use core::arch::naked_asm;

use super::buffers::{COLUMN_PAIRS, Pair, TILES1, TILES2, Tile};
use crate::architecture::{CONV2_CHANNELS, POOL1_SIDE, POOL2_SIDE, Pool};
use crate::model::Channel;
use crate::pooling::pool_window;

/// How the fields of a channel become activations, in the layout that the assembly reads.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Finish {
    /// The bias minus the offset that every field starts from.
    bias: i32,
    /// Half of the divisor, in the upper word of a product.
    half: i32,
    mantissa: i32,
    /// Lowest byte: the right shift of the upper word. From bit 16: the activation of a blank window.
    shift_and_blank: u32,
}

impl Finish {
    // Inlined, it would take the stack of all channels at once.
    #[inline(never)]
    pub(super) fn new(channel: Channel, offset: i32, pool: Pool) -> Self {
        let Channel { bias, multiplier } = channel;
        let blank = pool_window(pool, [bias; 4], |accumulator| multiplier.apply_relu(accumulator));
        Self {
            // This may wrap around; adding a field wraps it back.
            bias: bias.wrapping_sub(offset),
            half: multiplier.upper_half(),
            mantissa: multiplier.mantissa,
            shift_and_blank: multiplier.upper_shift() | u32::from(blank) << 16,
        }
    }
}

/// Computes the activations of channel 0 or 1 of a pair in the pooled row `y`, which is below 12. A window is blank if
/// the bits of both its tiles are zero in `active`.
pub(super) fn conv1_finish(
    pool: Pool,
    tiles: &[Tile; TILES1],
    channel: usize,
    finish: &Finish,
    active: u32,
    map: &mut [[Pair; POOL1_SIDE]; COLUMN_PAIRS],
    y: usize,
) {
    let windows = active | active >> 1;
    let windows = windows.reverse_bits() & !(u32::MAX >> POOL1_SIDE) | 1 << (31 - POOL1_SIDE);
    let tiles = tiles.as_flattened().as_flattened().as_ptr().wrapping_add(channel);
    let map = map.as_flattened_mut().as_mut_ptr().wrapping_add(y);
    debug_assert!(y < POOL1_SIDE && channel < 2);
    // SAFETY: `channel` is below 2, so the assembly reads one accumulator of both rows in each of 13 tiles. `y` is
    // below 12, so it writes one row of each of 6 pairs of columns.
    unsafe {
        match pool {
            Pool::Average => conv1_average_assembly(tiles, finish, windows, map),
            Pool::Maximum => conv1_maximum_assembly(tiles, finish, windows, map),
        }
    }
}

/// Computes the activations of channel 0 or 1 of a pair in one pooled row; `output` is the same channel among all 16.
pub(super) fn conv2_finish(
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
    // SAFETY: `channel` is below 2, so the assembly reads one accumulator of both rows in each of 5 tiles. `output` is
    // below 16, so it writes one byte of each of 4 pixels.
    unsafe {
        match pool {
            Pool::Average => conv2_average_assembly(tiles, finish, windows, pixels),
            Pool::Maximum => conv2_maximum_assembly(tiles, finish, windows, pixels),
        }
    }
}

/// Replaces a field by its activation: 4 instructions with the DSP extension; 5 without, and r4 is overwritten. As in
/// [`Multiplier::apply`](crate::quantization::Multiplier::apply), only the upper word of the product is used.
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

/// Extracts the two fields of one row: that of the even column to `$even`, that of the odd column to `$odd`. `$before`
/// is the upper field of the tile to the left and becomes that of this tile. 6 instructions.
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

/// The average of a window, in r6: four activations, then `(sum + 1 + (sum >= 512)) >> 2`, as derived for
/// [`average`](crate::pooling::average).
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

/// One window, which is blank if the next bit of r2 is zero. `$blank` is the label of the matching `blank_window`,
/// `$next` the label where that one returns.
macro_rules! window {
    ($window:ident, $blank:literal, $next:literal) => {
        concat!("lsls r2, r2, #1\n", "bcc.w ", $blank, "f\n", $window!(), $next, ":\n")
    };
}

/// A blank window. Both its tiles have their initial values, so it passes no field on to the next window.
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

/// The code before the windows. Registers from then on: r0 the tiles to the right of the window, r2 the remaining
/// windows, r3 their output, r7 to r10 the content of [`Finish`], r11 and r1 the upper fields of the tile to the left,
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

/// Two windows at a time, which are one pair of columns.
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
/// `tiles` is the first accumulator of a channel in 13 tiles, `map` a row of the first of 6 pairs of columns. `windows`
/// has 12 bits and then a final one.
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
/// `tiles` is the first accumulator of a channel in 5 tiles, `pixels` a channel of the first of 4 pixels. `windows` has
/// 4 bits and then a final one.
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
