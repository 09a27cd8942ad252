#![allow(unsafe_code)] // An assembly function and its call.
//! Armv7E-M (Cortex-M4, M7), which has the DSP extension. Fully connected layers use `SMLAD`, two multiply-accumulates
//! in one instruction; convolutions use [`SMLAL`](super::smlal), four in one instruction.

use core::arch::naked_asm;

use super::blank::Blank;
use super::separate::separate_words;
pub(crate) use super::smlal::{Pool1Output, Scratch, conv1_pool, conv2_pool};
use crate::model::Rows;

/// Calls `each` with the sums of products of every two outputs, in order.
///
/// `input` holds the layer's activations in [0, 255]; missing inputs count as zero.
pub(crate) fn sums_of_products(
    input: &[u8],
    rows: Rows<'_>,
    _blank: Blank,
    scratch: &mut Scratch,
    mut each: impl FnMut([i32; 2]),
) {
    let count = rows.input_pairs();
    let Some(inputs) = scratch.words().get_mut(..count) else { return };
    let (pairs, _) = input.as_chunks::<2>();
    inputs.fill(0);
    for (place, [first, second]) in inputs.iter_mut().zip(pairs) {
        *place = u32::from(*first) | u32::from(*second) << 16;
    }
    for words in rows {
        // SAFETY: `Rows` gives `count` words, and there are as many pairs of inputs; the assembly takes 16 or more, a
        // multiple of 4.
        each(separate_words(unsafe { dense_assembly(inputs.as_ptr(), words.as_ptr(), count / 4) }));
    }
}

/// Eight inputs of two outputs: 14 instructions for 16 multiply-accumulates, 0.88 each.
macro_rules! eight_inputs {
    () => {
        concat!(
            "ldm r1!, {{r4-r7}}\n",
            "ldm r0!, {{r8-r11}}\n",
            two_inputs!("r4", "r8"),
            two_inputs!("r5", "r9"),
            two_inputs!("r6", "r10"),
            two_inputs!("r7", "r11"),
        )
    };
}

/// Multiplies by the whole halfwords of a word, then by their lower bytes alone.
macro_rules! two_inputs {
    ($word:literal, $inputs:literal) => {
        concat!(
            "smlad r3, ",
            $word,
            ", ",
            $inputs,
            ", r3\n",
            "sxtb16 ",
            $word,
            ", ",
            $word,
            "\n",
            "smlad r12, ",
            $word,
            ", ",
            $inputs,
            ", r12\n",
        )
    };
}

/// Registers: r0 the inputs, r1 the words, r2 the remaining blocks of eight inputs, r3 the sum with whole halfwords
/// (`256 * odd + even`), r12 the sum with lower bytes (`even`), r4 to r7 words, r8 to r11 inputs.
///
/// # Safety
/// There are `4 * eights` words and `4 * eights` pairs of inputs.
#[unsafe(naked)]
unsafe extern "C" fn dense_assembly(inputs: *const u32, words: *const u32, eights: usize) -> u64 {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "movs r3, #0",
        "mov r12, #0",
        "subs r2, r2, #4",
        "2:",
        eight_inputs!(),
        eight_inputs!(),
        eight_inputs!(),
        eight_inputs!(),
        "subs r2, r2, #4",
        "bpl.w 2b",
        "adds r2, r2, #4",
        "beq 4f",
        "3:",
        eight_inputs!(),
        "subs r2, r2, #1",
        "bne.w 3b",
        "4:",
        "mov r0, r3",
        "mov r1, r12",
        "pop {{r4-r11, pc}}",
    )
}
