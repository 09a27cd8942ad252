//! [`Lanes`], one value for each of sixteen images, and the vector operations on it.

use std::any::TypeId;

use bytemuck::{Pod, Zeroable};
use pulp::{Scalar512b, Simd};

/// Number of images that are computed at once.
pub const LANES: usize = 16;

/// One value for each of sixteen images.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Lanes(pub [f32; LANES]);

impl Lanes {
    /// Zero in every lane.
    pub const ZERO: Self = Self([0.0; LANES]);
}

/// A feature map, `[C, SIDE, SIDE]`.
pub type Map<const C: usize, const SIDE: usize> = [[[Lanes; SIDE]; SIDE]; C];

/// The indices of the vectors of `S` that make up a [`Lanes`].
#[inline(always)]
pub(super) fn parts<S: Simd>() -> std::ops::Range<usize> {
    0..LANES / S::F32_LANES
}

#[inline(always)]
pub(super) fn load<S: Simd>(_: S, lanes: &Lanes, part: usize) -> S::f32s {
    S::as_simd_f32s(&lanes.0).0[part]
}

#[inline(always)]
pub(super) fn store<S: Simd>(_: S, lanes: &mut Lanes, part: usize, value: S::f32s) {
    S::as_mut_simd_f32s(&mut lanes.0).0[part] = value;
}

/// `a * b + c`, rounded only once if the instruction set has a fused multiply-add.
#[inline(always)]
pub(super) fn mul_add<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
    // Without that instruction, a fused multiply-add would take a function call for each lane.
    if TypeId::of::<S>() == TypeId::of::<Scalar512b>() {
        simd.add_f32s(simd.mul_f32s(a, b), c)
    } else {
        simd.mul_add_f32s(a, b, c)
    }
}

/// The sum over the lanes. It adds one half of the lanes to the other until one is left, in the same order for every
/// instruction set.
#[inline(always)]
pub(super) fn sum<S: Simd>(simd: S, lanes: &Lanes) -> f32 {
    let mut lanes = *lanes;
    let vectors = S::as_mut_simd_f32s(&mut lanes.0).0;
    let mut half = parts::<S>().len() / 2;
    while half > 0 {
        for part in 0..half {
            vectors[part] = simd.add_f32s(vectors[part], vectors[part + half]);
        }
        half /= 2;
    }
    simd.reduce_sum_f32s(vectors[0])
}
