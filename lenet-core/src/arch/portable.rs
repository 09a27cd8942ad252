//! The portable kernels, in plain Rust for any processor. They define the results. They compute blank input like any
//! other.

use super::blank::Blank;
pub(crate) use super::hwc::{Pool1Output, Scratch};
use super::plain;
use super::separate::separate;
use crate::architecture::{CONV2_CHANNELS, POOL2_SIDE, Pixels, Pool};
use crate::format::halfwords;
use crate::model::{Conv1Parameters, Conv2Parameters, Rows};

pub(crate) fn conv1_pool(
    pixels: &Pixels,
    parameters: &Conv1Parameters<'_>,
    pool: Pool,
    _blank: Blank,
    _scratch: &mut Scratch,
    output: &mut Pool1Output,
) {
    plain::conv1_pool(pixels, parameters, pool, output.values_mut());
}

pub(crate) fn conv2_pool(
    input: &Pool1Output,
    parameters: &Conv2Parameters<'_>,
    pool: Pool,
    _scratch: &mut Scratch,
    output: &mut [[[u8; CONV2_CHANNELS]; POOL2_SIDE]; POOL2_SIDE],
) {
    plain::conv2_pool(input.values(), parameters, pool, output.as_flattened_mut().as_flattened_mut());
}

/// Calls `each` with the sums of products of every two outputs, in order.
///
/// `input` holds the layer's activations in [0, 255]; missing inputs count as zero.
pub(crate) fn sums_of_products(
    input: &[u8],
    rows: Rows<'_>,
    _blank: Blank,
    _scratch: &mut Scratch,
    mut each: impl FnMut([i32; 2]),
) {
    let (pairs, _) = input.as_chunks::<2>();
    for words in rows {
        let (mut sum, mut low_sum) = (0, 0);
        for (pair, word) in pairs.iter().zip(words) {
            for (u, halfword) in pair.iter().zip(halfwords(*word)) {
                sum += i32::from(*u) * i32::from(halfword as i16);
                low_sum += i32::from(*u) * i32::from(halfword as i8);
            }
        }
        each(separate(sum, low_sum));
    }
}
