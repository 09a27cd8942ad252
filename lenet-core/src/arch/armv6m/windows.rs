#![allow(unsafe_code)] // Assembly functions.
//! The multiplications of the convolutions: the four positions of a window.

use core::arch::naked_asm;

use crate::architecture::CONV1_CHANNELS;

/// One weight of three outputs: 7 instructions with the load.
macro_rules! three_outputs {
    ($a:literal, $b:literal, $c:literal) => {
        concat!(
            "ldm r7!, {{r1-r3}}\n",
            "muls r1, r0, r1\n",
            "add ",
            $a,
            ", r1\n",
            "muls r2, r0, r2\n",
            "add ",
            $b,
            ", r2\n",
            "muls r3, r0, r3\n",
            "add ",
            $c,
            ", r3\n",
        )
    };
}

/// One tap of conv1's six outputs: 15 instructions, 2.5 a multiply-accumulate.
macro_rules! conv1_tap {
    ($column:literal) => {
        concat!(
            "ldrb r0, [r6, #",
            $column,
            "]\n",
            three_outputs!("r8", "r9", "r10"),
            three_outputs!("r11", "r12", "lr"),
        )
    };
}

/// The same, but a blank pixel takes 5 instructions and any other pixel 18.
macro_rules! conv1_sparse_tap {
    ($column:literal) => {
        concat!(
            "ldrb r0, [r6, #",
            $column,
            "]\n",
            "cmp r0, #0\n",
            "beq 8f\n",
            three_outputs!("r8", "r9", "r10"),
            three_outputs!("r11", "r12", "lr"),
            "b 9f\n",
            "8: adds r7, #24\n",
            "9:\n",
        )
    };
}

macro_rules! conv1_row {
    ($tap:ident) => {
        concat!($tap!("0"), $tap!("1"), $tap!("2"), $tap!("3"), $tap!("4"))
    };
}

/// The body of a function that computes the four positions of a window of conv1.
///
/// Registers: r0 a pixel, r1 to r3 words and products, r6 the pixels, r7 the words, r8 to r12 and lr the
/// accumulators of six outputs, r4 and r5 temporary values between positions. On the stack: the words, the initial
/// sums, the address of the next sums and the number of remaining positions.
macro_rules! conv1_body {
    ($tap:ident) => {
        concat!(
            save_registers!(),
            "movs r4, #4\n",
            "push {{r1-r4}}\n",
            "movs r6, r0\n",
            "2:\n",
            "ldr r7, [sp, #0]\n",
            "ldr r0, [sp, #4]\n",
            "ldm r0!, {{r1-r5}}\n",
            "mov r8, r1\n",
            "mov r9, r2\n",
            "mov r10, r3\n",
            "mov r11, r4\n",
            "mov r12, r5\n",
            "ldr r1, [r0]\n",
            "mov lr, r1\n",
            conv1_row!($tap),
            "adds r6, #28\n",
            conv1_row!($tap),
            "adds r6, #28\n",
            conv1_row!($tap),
            "adds r6, #28\n",
            conv1_row!($tap),
            "adds r6, #28\n",
            conv1_row!($tap),
            "ldr r0, [sp, #8]\n",
            "mov r1, r8\n",
            "mov r2, r9\n",
            "mov r3, r10\n",
            "mov r4, r11\n",
            "mov r5, r12\n",
            "stm r0!, {{r1-r5}}\n",
            "mov r1, lr\n",
            "stm r0!, {{r1}}\n",
            "str r0, [sp, #8]\n",
            // From four rows below, go back up and one to the right, then to the second row, then to the right.
            "subs r6, #111\n",
            "ldr r4, [sp, #12]\n",
            "cmp r4, #3\n",
            "bne 3f\n",
            "adds r6, #26\n",
            "3:\n",
            "subs r4, #1\n",
            "str r4, [sp, #12]\n",
            "beq 4f\n",
            "b 2b\n",
            "4:\n",
            "add sp, #16\n",
            restore_registers!(),
        )
    };
}

macro_rules! save_registers {
    () => {
        concat!(
            "push {{r4-r7, lr}}\n",
            "mov r4, r8\n",
            "mov r5, r9\n",
            "mov r6, r10\n",
            "mov r7, r11\n",
            "push {{r4-r7}}\n",
        )
    };
}

/// Also returns.
macro_rules! restore_registers {
    () => {
        concat!(
            "pop {{r4-r7}}\n",
            "mov r8, r4\n",
            "mov r9, r5\n",
            "mov r10, r6\n",
            "mov r11, r7\n",
            "pop {{r4-r7, pc}}\n",
        )
    };
}

/// # Safety
/// `window` is the first of 6 x 6 pixels in an image 28 wide, `words` the first of 25 * 6 words.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn conv1_assembly(
    window: *const u8,
    words: *const i32,
    offsets: &[i32; CONV1_CHANNELS],
    sums: &mut [[u32; CONV1_CHANNELS]; 4],
) {
    naked_asm!(conv1_body!(conv1_tap))
}

/// # Safety
/// As [`conv1_assembly`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn conv1_sparse_assembly(
    window: *const u8,
    words: *const i32,
    offsets: &[i32; CONV1_CHANNELS],
    sums: &mut [[u32; CONV1_CHANNELS]; 4],
) {
    naked_asm!(conv1_body!(conv1_sparse_tap))
}

/// One tap of four of conv2's outputs: 10 instructions, 2.5 a multiply-accumulate.
macro_rules! conv2_tap {
    ($offset:literal $(, $more:literal)?) => {
        concat!(
            "ldrb r0, [r6, #(", $offset $(, $more)?, ")]\n",
            "ldm r7!, {{r1-r4}}\n",
            "muls r1, r0, r1\n",
            "add r8, r1\n",
            "muls r2, r0, r2\n",
            "add r9, r2\n",
            "muls r3, r0, r3\n",
            "add r10, r3\n",
            "muls r4, r0, r4\n",
            "add r11, r4\n",
        )
    };
}

/// The five columns of one input channel.
macro_rules! conv2_channel {
    ($channel:literal) => {
        concat!(
            conv2_tap!($channel),
            conv2_tap!($channel, "+ 6"),
            conv2_tap!($channel, "+ 12"),
            conv2_tap!($channel, "+ 18"),
            conv2_tap!($channel, "+ 24"),
        )
    };
}

/// Registers: r0 an input, r1 to r4 words and products, r5 the remaining rows, r6 the inputs, r7 the words, r8 to r11
/// the accumulators of four outputs. On the stack as in `conv1_body`.
///
/// # Safety
/// `window` is the first input of 6 x 6 positions with 6 channels in a feature map 12 wide, `words` the first of
/// 150 * 4 words.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn conv2_assembly(
    window: *const u8,
    words: *const i32,
    offsets: &[i32; 4],
    sums: &mut [[u32; 4]; 4],
) {
    naked_asm!(
        save_registers!(),
        "movs r4, #4",
        "push {{r1-r4}}",
        "movs r6, r0",
        "2:",
        "ldr r7, [sp, #0]",
        "ldr r0, [sp, #4]",
        "ldm r0!, {{r1-r4}}",
        "mov r8, r1",
        "mov r9, r2",
        "mov r10, r3",
        "mov r11, r4",
        "movs r5, #5",
        "3:",
        conv2_channel!("0"),
        conv2_channel!("1"),
        conv2_channel!("2"),
        conv2_channel!("3"),
        conv2_channel!("4"),
        conv2_channel!("5"),
        "adds r6, #72",
        "subs r5, #1",
        "beq 4f",
        "b 3b",
        "4:",
        "ldr r0, [sp, #8]",
        "mov r1, r8",
        "mov r2, r9",
        "mov r3, r10",
        "mov r4, r11",
        "stm r0!, {{r1-r4}}",
        "str r0, [sp, #8]",
        // From five rows below (360), go back up and one to the right, then to the second row, then to the right.
        "subs r6, #180",
        "subs r6, #174",
        "ldr r4, [sp, #12]",
        "cmp r4, #3",
        "bne 5f",
        "adds r6, #60",
        "5:",
        "subs r4, #1",
        "str r4, [sp, #12]",
        "beq 6f",
        "b 2b",
        "6:",
        "add sp, #16",
        restore_registers!(),
    )
}
