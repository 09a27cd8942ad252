//! 2x2 pooling with stride 2 after a ReLU, `[C, H, H]` to `[C, P, P]` with `P = H / 2`.

use lenet_core::Pool;
use pulp::Simd;

use super::vector::{Lanes, Map, load, parts, store};

/// The mean or maximum of each window.
#[inline(always)]
pub fn forward<S: Simd, const C: usize, const H: usize, const P: usize>(
    simd: S,
    pool: Pool,
    input: &Map<C, H>,
    output: &mut Map<C, P>,
) {
    let quarter = simd.splat_f32s(0.25);
    for part in parts::<S>() {
        for c in 0..C {
            for y in 0..P {
                for x in 0..P {
                    let [a, b, d, e] = window(&input[c], y, x).map_load(simd, part);
                    let value = match pool {
                        Pool::Average => {
                            simd.mul_f32s(simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(d, e)), quarter)
                        }
                        Pool::Maximum => larger(simd, larger(simd, a, b), larger(simd, d, e)),
                    };
                    store(simd, &mut output[c][y][x], part, value);
                }
            }
        }
    }
}

/// Replaces `map`, the ReLU's output that went into [`forward`], by the gradient before the ReLU. `d_output` is the
/// gradient with respect to the pool's output. Of `map`, only the order of values in a window and their signs matter.
///
/// In maximum pooling, if several values share the maximum, the gradient goes to the first in row order, as in PyTorch.
#[inline(always)]
pub fn backward<S: Simd, const C: usize, const H: usize, const P: usize>(
    simd: S,
    pool: Pool,
    map: &mut Map<C, H>,
    d_output: &Map<C, P>,
) {
    let (zero, quarter) = (simd.splat_f32s(0.0), simd.splat_f32s(0.25));
    for part in parts::<S>() {
        for c in 0..C {
            for y in 0..P {
                for x in 0..P {
                    let values = window(&map[c], y, x).map_load(simd, part);
                    let d = load(simd, &d_output[c][y][x], part);
                    let gradients = match pool {
                        Pool::Average => [simd.mul_f32s(d, quarter); 4],
                        Pool::Maximum => {
                            let [a, b, e, f] = values;
                            let largest = larger(simd, larger(simd, a, b), larger(simd, e, f));
                            let mut left = d;
                            let mut gradients = [zero; 4];
                            for k in 0..4 {
                                let here = simd.equal_f32s(values[k], largest);
                                gradients[k] = simd.select_f32s(here, left, zero);
                                left = simd.select_f32s(here, zero, left);
                            }
                            gradients
                        }
                    };
                    for k in 0..4 {
                        let active = simd.greater_than_f32s(values[k], zero);
                        let gradient = simd.select_f32s(active, gradients[k], zero);
                        store(simd, &mut map[c][2 * y + k / 2][2 * x + k % 2], part, gradient);
                    }
                }
            }
        }
    }
}

/// The four values of a window, in row order.
pub(super) struct Window<'a>(pub(super) [&'a Lanes; 4]);

#[inline(always)]
pub(super) fn window<const H: usize>(map: &[[Lanes; H]; H], y: usize, x: usize) -> Window<'_> {
    let (upper, lower) = (&map[2 * y], &map[2 * y + 1]);
    Window([&upper[2 * x], &upper[2 * x + 1], &lower[2 * x], &lower[2 * x + 1]])
}

impl Window<'_> {
    #[inline(always)]
    fn map_load<S: Simd>(self, simd: S, part: usize) -> [S::f32s; 4] {
        let [a, b, c, d] = self.0;
        [load(simd, a, part), load(simd, b, part), load(simd, c, part), load(simd, d, part)]
    }
}

/// The larger value; NaN if `b` is NaN.
#[inline(always)]
fn larger<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
    simd.select_f32s(simd.greater_than_f32s(a, b), a, b)
}
