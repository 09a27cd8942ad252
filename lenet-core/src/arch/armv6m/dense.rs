#![allow(unsafe_code)] // Assembly functions and their calls.
//! The multiplications of the fully connected layers.

use core::arch::naked_asm;

use crate::arch::blank::Blank;
use crate::arch::hwc::Scratch;
use crate::arch::nonzero;
use crate::arch::separate::separate_words;
use crate::architecture::FC1_INPUTS;
use crate::model::Rows;

/// Calls `each` with the sums of products of every two outputs, in order.
///
/// `input` holds the layer's activations in [0, 255], a multiple of 4; missing inputs count as zero.
pub(crate) fn sums_of_products(
    input: &[u8],
    rows: Rows<'_>,
    blank: Blank,
    _scratch: &mut Scratch,
    mut each: impl FnMut([i32; 2]),
) {
    // Further inputs would have no weights.
    let input = input.get(..2 * rows.input_pairs()).unwrap_or(input);
    // Enough for the largest layer, of whose inputs at most two thirds are listed.
    let mut room = [0; (2 * FC1_INPUTS / 3).next_multiple_of(nonzero::UNROLLED)];
    let (sparse, inputs) = if blank == Blank::Skip
        && let Some(inputs) = nonzero::list(input, &mut room)
    {
        (true, bytemuck::must_cast_slice::<u32, u8>(inputs).as_ptr_range())
    } else {
        let (fours, _) = input.as_chunks::<4>();
        if fours.is_empty() {
            return rows.for_each(|_| each([0; 2]));
        }
        (false, fours.as_flattened().as_ptr_range())
    };
    for words in rows {
        // SAFETY: there are at least four inputs, a multiple of 4, and at least two words for every four inputs; or the
        // number of nonzero inputs is a multiple of 4, and each offset is that of a halfword in the words.
        let sums = unsafe {
            if sparse {
                sparse_assembly(inputs.start, words.as_ptr(), inputs.end)
            } else {
                dense_assembly(inputs.start, words.as_ptr(), inputs.end)
            }
        };
        each(separate_words(sums));
    }
}

/// Two inputs of two outputs: 14 instructions for 4 multiply-accumulates, 3.5 each.
macro_rules! two_inputs {
    ($word:literal, $first:literal, $second:literal) => {
        concat!(
            "ldrb r6, [r0, #",
            $first,
            "]\n",
            "sxth r5, ",
            $word,
            "\n",
            "muls r5, r6, r5\n",
            "adds r2, r2, r5\n",
            "sxtb r5, ",
            $word,
            "\n",
            "muls r5, r6, r5\n",
            "adds r3, r3, r5\n",
            "ldrb r6, [r0, #",
            $second,
            "]\n",
            "asrs ",
            $word,
            ", ",
            $word,
            ", #16\n",
            "sxtb r5, ",
            $word,
            "\n",
            "muls r5, r6, r5\n",
            "adds r3, r3, r5\n",
            "muls ",
            $word,
            ", r6, ",
            $word,
            "\n",
            "adds r2, r2, ",
            $word,
            "\n",
        )
    };
}

/// Registers: r0 the inputs, r1 the words, r2 the sum with whole halfwords (`256 * odd + even`), r3 the sum with
/// lower bytes (`even`), r4 and r7 words, r5 a weight or a product, r6 an input, r12 the end of the inputs.
///
/// # Safety
/// From `inputs` to `end` there are at least four inputs, a multiple of 4, and at `words` half as many words.
#[unsafe(naked)]
unsafe extern "C" fn dense_assembly(inputs: *const u8, words: *const u32, end: *const u8) -> u64 {
    naked_asm!(
        "push {{r4-r7, lr}}",
        "mov r12, r2",
        "movs r2, #0",
        "movs r3, #0",
        "2:",
        "ldm r1!, {{r4, r7}}",
        two_inputs!("r4", "0", "1"),
        two_inputs!("r7", "2", "3"),
        "adds r0, #4",
        "cmp r0, r12",
        "bne 2b",
        "movs r0, r2",
        "movs r1, r3",
        "pop {{r4-r7, pc}}",
    )
}

/// One nonzero input of two outputs: 8 instructions for 2 multiply-accumulates.
macro_rules! nonzero_input {
    ($place:literal) => {
        concat!(
            "ldrh r5, [r0, #(",
            $place,
            " * 4)]\n",
            "ldrh r6, [r0, #(",
            $place,
            " * 4 + 2)]\n",
            "ldrsh r4, [r1, r5]\n",
            "ldrsb r7, [r1, r5]\n",
            "muls r4, r6, r4\n",
            "adds r2, r2, r4\n",
            "muls r7, r6, r7\n",
            "adds r3, r3, r7\n",
        )
    };
}

/// Registers: r0 the inputs, r1 the words, r2 and r3 the sums as in [`dense_assembly`], r4 a halfword, r5 its offset,
/// r6 an activation, r7 the halfword's lower byte, r12 the end of the inputs.
///
/// # Safety
/// From `inputs` to `end` there are values of the type [`nonzero::Input`], a multiple of 4. Each offset is that of a
/// halfword, counted from `words`.
#[unsafe(naked)]
unsafe extern "C" fn sparse_assembly(inputs: *const u8, words: *const u32, end: *const u8) -> u64 {
    naked_asm!(
        "push {{r4-r7, lr}}",
        "mov r12, r2",
        "movs r2, #0",
        "movs r3, #0",
        "2:",
        nonzero_input!("0"),
        nonzero_input!("1"),
        nonzero_input!("2"),
        nonzero_input!("3"),
        "adds r0, #16",
        "cmp r0, r12",
        "bne 2b",
        "movs r0, r2",
        "movs r1, r3",
        "pop {{r4-r7, pc}}",
    )
}
