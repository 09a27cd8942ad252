//! Fully connected layer: input `[I]`, weight `[O, I]`, output `[O]`.
//!
//! `O` is the length of the slices, because that of fc3 is known only at run time. The functions compute `B` outputs at
//! a time, and one at a time those at the end that fill no such block. No output depends on the others, so the blocks do
//! not change any bit.

use std::array::{from_mut, from_ref};

use pulp::Simd;

use super::vector::{LANES, Lanes, load, mul_add, parts, store, sum};

/// `weight . input + bias`, followed by a ReLU if `RELU`.
#[inline(always)]
pub fn forward<S: Simd, const I: usize, const B: usize, const RELU: bool>(
    simd: S,
    input: &[Lanes; I],
    weight: &[[f32; I]],
    bias: &[f32],
    output: &mut [Lanes],
) {
    let (weights, last_weights) = weight.as_chunks::<B>();
    let (biases, last_biases) = bias.as_chunks::<B>();
    let (outputs, last_outputs) = output.as_chunks_mut::<B>();
    for part in parts::<S>() {
        for ((weight, bias), output) in weights.iter().zip(biases).zip(&mut *outputs) {
            forward_block::<S, I, B, RELU>(simd, part, input, weight, bias, output);
        }
        for ((weight, bias), output) in last_weights.iter().zip(last_biases).zip(&mut *last_outputs) {
            forward_block::<S, I, 1, RELU>(simd, part, input, from_ref(weight), from_ref(bias), from_mut(output));
        }
    }
}

#[inline(always)]
fn forward_block<S: Simd, const I: usize, const B: usize, const RELU: bool>(
    simd: S,
    part: usize,
    input: &[Lanes; I],
    weight: &[[f32; I]; B],
    bias: &[f32; B],
    output: &mut [Lanes; B],
) {
    let zero = simd.splat_f32s(0.0);
    let mut sums = [zero; B];
    for b in 0..B {
        sums[b] = simd.splat_f32s(bias[b]);
    }
    for i in 0..I {
        let x = load(simd, &input[i], part);
        for b in 0..B {
            sums[b] = mul_add(simd, simd.splat_f32s(weight[b][i]), x, sums[b]);
        }
    }
    for b in 0..B {
        let negative = simd.less_than_f32s(sums[b], zero);
        let value = if RELU { simd.select_f32s(negative, zero, sums[b]) } else { sums[b] };
        store(simd, &mut output[b], part, value);
    }
}

/// The gradient with respect to the input. Computes `B` inputs at a time, where `B` divides `I`.
///
/// If `RELU`, `input` is the output of a ReLU, and the result is the gradient before that ReLU. Of `input`, only which
/// values are above zero matters.
#[inline(always)]
pub fn backward_input<S: Simd, const I: usize, const B: usize, const RELU: bool>(
    simd: S,
    input: &[Lanes; I],
    weight: &[[f32; I]],
    d_output: &[Lanes],
    d_input: &mut [Lanes; I],
) {
    const { assert!(I.is_multiple_of(B)) }
    let zero = simd.splat_f32s(0.0);
    for part in parts::<S>() {
        let columns = input.as_chunks::<B>().0.iter().zip(d_input.as_chunks_mut::<B>().0).enumerate();
        for (column, (input, d_input)) in columns {
            let mut sums = [zero; B];
            for (weight, d) in weight.iter().zip(d_output) {
                let d = load(simd, d, part);
                let weight = &weight.as_chunks::<B>().0[column];
                for b in 0..B {
                    sums[b] = mul_add(simd, simd.splat_f32s(weight[b]), d, sums[b]);
                }
            }
            for b in 0..B {
                let value = if RELU {
                    let active = simd.greater_than_f32s(load(simd, &input[b], part), zero);
                    simd.select_f32s(active, sums[b], zero)
                } else {
                    sums[b]
                };
                store(simd, &mut d_input[b], part, value);
            }
        }
    }
}

/// Adds the gradients, summed over the images, to `d_weight` and `d_bias`.
///
/// For the weights, vectors run along a row of the weight matrix, so that no sum across lanes is needed. `rows` is the
/// input in that order, `[16, I]`, padded with zeros to whole [`Lanes`].
#[inline(always)]
pub fn backward_parameters<S: Simd, const I: usize, const V: usize, const B: usize>(
    simd: S,
    rows: &[[Lanes; V]; LANES],
    d_output: &[Lanes],
    d_weight: &mut [[f32; I]],
    d_bias: &mut [f32],
) {
    let (blocks, last) = d_output.as_chunks::<B>();
    let (d_weights, last_d_weights) = d_weight.as_chunks_mut::<B>();
    for (d_output, d_weight) in blocks.iter().zip(d_weights) {
        backward_parameters_block(simd, rows, d_output, d_weight);
    }
    for (d_output, d_weight) in last.iter().zip(last_d_weights) {
        backward_parameters_block(simd, rows, from_ref(d_output), from_mut(d_weight));
    }
    for (d_bias, d_output) in d_bias.iter_mut().zip(d_output) {
        *d_bias += sum(simd, d_output);
    }
}

#[inline(always)]
fn backward_parameters_block<S: Simd, const I: usize, const V: usize, const B: usize>(
    simd: S,
    rows: &[[Lanes; V]; LANES],
    d_output: &[Lanes; B],
    d_weight: &mut [[f32; I]; B],
) {
    const { assert!(V == I.div_ceil(LANES)) }
    for v in 0..V {
        let columns = v * LANES..I.min((v + 1) * LANES);
        for part in parts::<S>() {
            let mut sums = [simd.splat_f32s(0.0); B];
            for n in 0..LANES {
                let x = load(simd, &rows[n][v], part);
                for b in 0..B {
                    sums[b] = mul_add(simd, simd.splat_f32s(d_output[b].0[n]), x, sums[b]);
                }
            }
            for b in 0..B {
                add_partial(simd, &mut d_weight[b][columns.clone()], part, sums[b]);
            }
        }
    }
}

/// Adds part `part` of 16 values to `target`, which may have fewer than 16 values.
#[inline(always)]
fn add_partial<S: Simd>(simd: S, target: &mut [f32], part: usize, value: S::f32s) {
    let start = target.len().min(part * S::F32_LANES);
    let end = target.len().min(start + S::F32_LANES);
    let target = &mut target[start..end];
    let sum = simd.add_f32s(simd.partial_load_f32s(target), value);
    simd.partial_store_f32s(target, sum);
}

/// Transposes `[I]` in lanes to one row per image, `[16, I]`.
#[inline(always)]
pub fn rows<const I: usize, const V: usize>(input: &[Lanes; I]) -> [[Lanes; V]; LANES] {
    let mut rows = [[Lanes::ZERO; V]; LANES];
    for (i, lanes) in input.iter().enumerate() {
        for n in 0..LANES {
            rows[n][i / LANES].0[i % LANES] = lanes.0[n];
        }
    }
    rows
}
