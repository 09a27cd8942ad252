#![allow(unsafe_code)] // Calls of assembly functions.
//! Armv6-M (Cortex-M0) and Armv8-M baseline (M23). They multiply 32-bit values without accumulation, in the lower eight
//! registers only.
//!
//! `LDM` loads several words of a convolution at a time, and each serves as a plain 32-bit weight: only the lowest 21
//! bits of a sum are used, and those do not depend on the bits above. The accumulators are in the upper registers,
//! which additions can use.

mod dense;
mod finish;
mod windows;

use finish::{finish_pixel, finishes};
use windows::{conv1_assembly, conv1_sparse_assembly, conv2_assembly};

pub(crate) use self::dense::sums_of_products;
use super::blank::Blank;
pub(crate) use super::hwc::{Pool1Output, Scratch};
use super::plain;
use crate::architecture::{CONV1_CHANNELS, CONV2_CHANNELS, IMAGE_SIDE, POOL1_SIDE, POOL2_SIDE, Pixels, Pool};
use crate::model::{Conv1Parameters, Conv2Parameters};

#[inline(never)]
pub(crate) fn conv1_pool(
    pixels: &Pixels,
    parameters: &Conv1Parameters<'_>,
    pool: Pool,
    blank: Blank,
    _scratch: &mut Scratch,
    output: &mut Pool1Output,
) {
    let Some(packed) = parameters.packed() else {
        return plain::conv1_pool(pixels, parameters, pool, output.values_mut());
    };
    let offsets = packed.offsets();
    let Some(finish) = finishes::<CONV1_CHANNELS>(parameters.channels().iter(), offsets) else { return };
    let ink = match blank {
        Blank::Compute => [u32::MAX; POOL1_SIDE],
        Blank::Skip => ink(pixels),
    };
    for (y, (row, mut ink)) in output.0.iter_mut().zip(ink).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let mut sums = [[0; CONV1_CHANNELS]; 4];
            if ink & 7 == 0 {
                // A blank window: the sums keep their initial values.
                sums = [offsets.map(|offset| offset as u32); 4];
            } else {
                let window = pixels.as_ptr().wrapping_add(2 * y * IMAGE_SIDE + 2 * x);
                let words = packed.words().as_ptr().cast();
                // SAFETY: both coordinates of the pooled position are below 12, so the window of 6 x 6 pixels is inside
                // the image. There are 25 * 6 words, 6 offsets and room for 4 * 6 sums.
                unsafe {
                    match blank {
                        Blank::Compute => conv1_assembly(window, words, offsets, &mut sums),
                        Blank::Skip => conv1_sparse_assembly(window, words, offsets, &mut sums),
                    }
                }
            }
            finish_pixel(pool, &finish, &sums, pixel);
            ink >>= 1;
        }
    }
}

/// For each pooled row, the pairs of columns with ink in its windows: bit `p` is set for pair `p`.
fn ink(pixels: &Pixels) -> [u32; POOL1_SIDE] {
    let mut ink = [0; POOL1_SIDE];
    let (rows, _) = pixels.as_chunks::<IMAGE_SIDE>();
    for (y, row) in rows.iter().enumerate() {
        let (pairs, _) = row.as_chunks::<2>();
        let bits = pairs.iter().rev().fold(0, |bits, pair| bits << 1 | u32::from(*pair != [0, 0]));
        // The windows of pooled row p are the rows 2 p to 2 p + 5.
        for all in ink.iter_mut().skip((y / 2).saturating_sub(2)).take(3 - 2usize.saturating_sub(y / 2)) {
            *all |= bits;
        }
    }
    ink
}

#[inline(never)]
pub(crate) fn conv2_pool(
    input: &Pool1Output,
    parameters: &Conv2Parameters<'_>,
    pool: Pool,
    _scratch: &mut Scratch,
    output: &mut [[[u8; CONV2_CHANNELS]; POOL2_SIDE]; POOL2_SIDE],
) {
    let Some(packed) = parameters.packed() else {
        let output = output.as_flattened_mut().as_flattened_mut();
        return plain::conv2_pool(input.values(), parameters, pool, output);
    };
    let mut channels = parameters.channels().iter();
    let (offsets, _) = packed.offsets().as_chunks::<4>();
    for (group, (words, offsets)) in packed.words().iter().zip(offsets).enumerate() {
        let Some(finish) = finishes::<4>(&mut channels, offsets) else { return };
        for (y, row) in output.iter_mut().enumerate() {
            for (x, pixel) in row.iter_mut().enumerate() {
                let mut sums = [[0; 4]; 4];
                let map = input.0.as_flattened().as_flattened().as_ptr();
                let window = map.wrapping_add((2 * y * POOL1_SIDE + 2 * x) * CONV1_CHANNELS);
                // SAFETY: both coordinates of the pooled position are below 4, so the window of 6 x 6 positions is
                // inside the input. There are 150 * 4 words, 4 offsets and room for 4 * 4 sums.
                unsafe { conv2_assembly(window, words.as_ptr().cast(), offsets, &mut sums) };
                if let Some(pixel) = pixel.get_mut(4 * group..) {
                    finish_pixel(pool, &finish, &sums, pixel);
                }
            }
        }
    }
}
