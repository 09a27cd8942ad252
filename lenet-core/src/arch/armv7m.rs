#![allow(unsafe_code)] // Assembly functions and their calls.
//! Armv7-M (Cortex-M3) and Armv8-M mainline (M33, M55), without the DSP extension. Fully connected layers use `MLA`,
//! convolutions use [`SMLAL`](super::smlal).

use core::arch::naked_asm;

use super::blank::Blank;
use super::nonzero;
use super::separate::separate_words;
pub(crate) use super::smlal::{Pool1Output, Scratch, conv1_pool, conv2_pool};
use crate::model::Rows;

/// Calls `each` with the sums of products of every two outputs, in order.
///
/// `input` holds the layer's activations in [0, 255]; missing inputs count as zero.
pub(crate) fn sums_of_products(
    input: &[u8],
    rows: Rows<'_>,
    blank: Blank,
    scratch: &mut Scratch,
    mut each: impl FnMut([i32; 2]),
) {
    let padded = 2 * rows.input_pairs();
    // Further inputs would have no weights.
    let input = input.get(..padded).unwrap_or(input);
    let room = scratch.words();
    let mut listed = None;
    if blank == Blank::Skip
        && let Some(inputs) = nonzero::list(input, room)
    {
        listed = Some(inputs.len());
    } else {
        let Some(inputs) = room.get_mut(..padded) else { return };
        inputs.fill(0);
        for (place, u) in inputs.iter_mut().zip(input) {
            *place = u32::from(*u);
        }
    }
    for words in rows {
        // SAFETY: `Rows` gives half as many words as there are inputs, `padded`, of which the assembly takes 32 or more,
        // a multiple of 4. Or there are `count` nonzero inputs, a multiple of 4, each with the offset of a halfword in the
        // words.
        let sums = unsafe {
            match listed {
                None => dense_assembly(room.as_ptr(), words.as_ptr(), padded / 4),
                Some(count) => sparse_assembly(room.as_ptr(), words.as_ptr(), count),
            }
        };
        each(separate_words(sums));
    }
}

/// Four inputs of two outputs: 18 instructions for 8 multiply-accumulates, 2.25 each.
macro_rules! four_inputs {
    () => {
        concat!(
            "ldm r0!, {{r4-r7}}\n",
            "ldrd r8, r9, [r1], #8\n",
            two_inputs!("r8", "r4", "r5"),
            two_inputs!("r9", "r6", "r7"),
        )
    };
}

/// For both halfwords of `$w`, multiplies by the whole halfword, then by its lower byte alone.
macro_rules! two_inputs {
    ($w:literal, $first:literal, $second:literal) => {
        concat!(
            "sxth r10, ",
            $w,
            "\n",
            "mla r3, r10, ",
            $first,
            ", r3\n",
            "sxtb r10, ",
            $w,
            "\n",
            "mla r12, r10, ",
            $first,
            ", r12\n",
            "asr r10, ",
            $w,
            ", #16\n",
            "mla r3, r10, ",
            $second,
            ", r3\n",
            "sbfx r10, ",
            $w,
            ", #16, #8\n",
            "mla r12, r10, ",
            $second,
            ", r12\n",
        )
    };
}

/// Registers: r0 the inputs, r1 the words, r2 the remaining blocks of four inputs, r3 the sum with whole halfwords
/// (`256 * odd + even`), r12 the sum with lower bytes (`even`), r4 to r7 inputs, r8 and r9 words.
///
/// # Safety
/// There are `4 * fours` inputs and `2 * fours` words.
#[unsafe(naked)]
unsafe extern "C" fn dense_assembly(inputs: *const u32, words: *const u32, fours: usize) -> u64 {
    naked_asm!(
        "push {{r4-r10, lr}}",
        "movs r3, #0",
        "mov r12, #0",
        "subs r2, r2, #8",
        "2:",
        four_inputs!(),
        four_inputs!(),
        four_inputs!(),
        four_inputs!(),
        four_inputs!(),
        four_inputs!(),
        four_inputs!(),
        four_inputs!(),
        "subs r2, r2, #8",
        "bpl.w 2b",
        "adds r2, r2, #8",
        "beq 4f",
        "3:",
        four_inputs!(),
        "subs r2, r2, #1",
        "bne.w 3b",
        "4:",
        "mov r0, r3",
        "mov r1, r12",
        "pop {{r4-r10, pc}}",
    )
}

/// One nonzero input of two outputs: 6 instructions for 2 multiply-accumulates.
macro_rules! nonzero_input {
    ($place:literal) => {
        concat!(
            "ldrh r4, [r0, #(",
            $place,
            " * 4)]\n",
            "ldrh r5, [r0, #(",
            $place,
            " * 4 + 2)]\n",
            "ldrsh r6, [r1, r4]\n",
            "ldrsb r7, [r1, r4]\n",
            "mla r3, r6, r5, r3\n",
            "mla r12, r7, r5, r12\n",
        )
    };
}

/// Registers: r0 the inputs, r1 the words, r2 the number of remaining inputs, r3 and r12 the sums as in
/// [`dense_assembly`], r4 an offset, r5 an activation, r6 a halfword, r7 its lower byte.
///
/// # Safety
/// There are `count` inputs of the type [`nonzero::Input`], a multiple of 4. Each offset is that of a halfword, counted
/// from `words`.
#[unsafe(naked)]
unsafe extern "C" fn sparse_assembly(inputs: *const u32, words: *const u32, count: usize) -> u64 {
    naked_asm!(
        "push {{r4-r7, lr}}",
        "movs r3, #0",
        "mov r12, #0",
        "2:",
        nonzero_input!("0"),
        nonzero_input!("1"),
        nonzero_input!("2"),
        nonzero_input!("3"),
        "adds r0, r0, #16",
        "subs r2, r2, #4",
        "bne 2b",
        "mov r0, r3",
        "mov r1, r12",
        "pop {{r4-r7, pc}}",
    )
}
