//! Pairs of 16-bit values in `i32` lanes, and the instruction that multiplies and adds them.

use core::any::Any;
use core::ops::Range;
use core::slice;

use bytemuck::{must_cast, must_cast_mut};
use pulp::Simd;

/// Values computed together on every instruction set: one vector holds all of them or a part.
pub(super) const LANES: usize = 16;

/// One `i32` in each lane.
pub(super) type Lanes = [i32; LANES];

/// Two values as one `i32`.
#[inline(always)]
pub(super) const fn pair(first: i16, second: i16) -> i32 {
    first as u16 as i32 | (second as i32) << 16
}

/// The two activations of a pair.
#[inline(always)]
pub(super) const fn unpack(pair: i32) -> [u8; 2] {
    [pair as u8, (pair >> 16) as u8]
}

/// Activations of two vectors, each in [0, 255], as pairs.
#[inline(always)]
pub(super) fn pack<S: Simd>(simd: S, first: S::u32s, second: S::u32s) -> S::i32s {
    let second = simd.wrapping_dyn_shl_u32s(second, simd.splat_u32s(16));
    simd.transmute_i32s_u32s(simd.or_u32s(first, second))
}

/// A row of pixels as pairs of neighbours.
#[inline(always)]
pub(super) fn pack_row<const N: usize>(pixels: &[u8], row: &mut [i32; N]) {
    const { assert!(N.is_multiple_of(2)) }
    for (pair, pixels) in row.iter_mut().zip(pixels.as_chunks::<2>().0) {
        let pair: &mut [u16; 2] = must_cast_mut(pair);
        *pair = pixels.map(u16::from);
    }
}

/// The parts of a [`Lanes`] that a vector of `S` holds, one after another.
#[inline(always)]
pub(super) fn parts<S: Simd>() -> Range<usize> {
    0..LANES / S::I32_LANES
}

/// One part of sixteen lanes. They need no alignment beyond that of `i32`.
#[inline(always)]
pub(super) fn load<S: Simd>(_: S, lanes: &Lanes, part: usize) -> S::i32s {
    S::as_simd_i32s(lanes).0[part]
}

#[inline(always)]
pub(super) fn store<S: Simd>(_: S, lanes: &mut Lanes, part: usize, value: S::i32s) {
    S::as_mut_simd_i32s(lanes).0[part] = value;
}

/// `sum + a.first * b.first + a.second * b.second` in each lane.
#[inline(always)]
pub(super) fn multiply_add<S: Simd>(simd: S, a: S::i32s, b: S::i32s, sum: S::i32s) -> S::i32s {
    simd.add_i32s(sum, products::<S>(&simd, a, b))
}

/// pulp has this instruction only on the types of single instruction sets. The compiler knows which one `S` is and
/// removes the other branches.
#[inline(always)]
fn products<S: Simd>(simd: &dyn Any, a: S::i32s, b: S::i32s) -> S::i32s {
    #[cfg(target_arch = "x86_64")]
    {
        use bytemuck::cast;
        if let Some(avx512) = simd.downcast_ref::<pulp::x86::V4>() {
            return cast(avx512.multiply_wrapping_add_adjacent_i16x32(cast(a), cast(b)));
        }
        if let Some(avx2) = simd.downcast_ref::<pulp::x86::V3>() {
            return cast(avx2.multiply_wrapping_add_adjacent_i16x16(cast(a), cast(b)));
        }
    }
    let _ = simd;
    let mut products = a;
    let (ones, others): (&mut [i32], &[i32]) =
        (bytemuck::cast_slice_mut(slice::from_mut(&mut products)), bytemuck::cast_slice(slice::from_ref(&b)));
    for (one, other) in ones.iter_mut().zip(others) {
        let (a, b): ([i16; 2], [i16; 2]) = (must_cast(*one), must_cast(*other));
        *one = i32::from(a[0]) * i32::from(b[0]) + i32::from(a[1]) * i32::from(b[1]);
    }
    products
}
