//! The kernels: one family for each kind of processor, selected by the target at compile time.
//!
//! Each family has the same items with the same signatures:
//!
//! - `Scratch`: memory that a kernel uses while it runs.
//! - `Pool1Output`: pool1's output, in the layout in which conv2 reads it.
//! - `conv1_pool`, `conv2_pool`: a convolution with ReLU, fused with its pool.
//! - `sums_of_products`: the sums of products of a fully connected layer.
//!
//! `portable` defines the results. The others compute the same bits: the firmware tests prove it on every emulated
//! board, for random networks and images. Convolutions for Cortex-M need the weights that the section
//! [`SMLAL`](crate::format::SMLAL) of the file holds; for a model without it, these families run `plain`, the convolution
//! of the portable one. The workstation's kernels (feature `workstation`) are a family of their own, with another
//! interface.
//!
//! # Convolution as multiplication of polynomials
//!
//! The kernels of Armv7-M do four multiply-accumulates with one `SMLAL`, which multiplies 32 by 32 bits and adds to 64.
//! With `X = 2^21`, two neighbouring activations and two neighbouring weights,
//!
//! ```text
//! (u[x] + u[x+1] X) * (w[k] + w[k-1] X) = u[x] w[k] + (u[x] w[k-1] + u[x+1] w[k]) X + u[x+1] w[k-1] X^2
//! ```
//!
//! An output is `out[d] = sum(u[d + k] w[k])`. With `d = x - k`, the three coefficients are parts of `out[d]`,
//! `out[d + 1]` and `out[d + 2]`. All products with the same `d` go to one accumulator. For even `x` and `k` = 0, 2, 4
//! it holds
//!
//! ```text
//! bits  0 to 20   what the weights 0, 2 and 4 contribute to out[d]
//! bits 21 to 41   all of out[d + 1]
//! bits 42 to 63   what the weights 1 and 3 contribute to out[d + 2]
//! ```
//!
//! One accumulator for each even `d`, starting at -2, gives every output: an odd output is a middle field, an even
//! output is the upper field of one accumulator plus the lower field of the next. (This is Kronecker's substitution.)
//!
//! It is exact as long as no field overflows. The two lower fields start at the channel's offset, 255 times the sum of
//! the magnitudes of its negative weights, so they never fall below zero and never borrow from their neighbour. They
//! never reach 2^21 either, because loading the section has checked the sum of all magnitudes against
//! [`WEIGHT_SUM_MAX`](crate::format::WEIGHT_SUM_MAX). The upper field has no neighbour above it, so it starts at zero
//! and may be negative.

#[cfg(kernels = "armv6m")]
mod armv6m;
#[cfg(kernels = "armv7em")]
mod armv7em;
#[cfg(kernels = "armv7m")]
mod armv7m;
mod blank;
#[cfg(any(kernels = "armv6m", kernels = "portable"))]
mod hwc;
#[cfg(any(kernels = "armv6m", kernels = "armv7m"))]
mod nonzero;
mod plain;
#[cfg(kernels = "portable")]
mod portable;
mod selected;
mod separate;
#[cfg(any(kernels = "armv7m", kernels = "armv7em"))]
mod smlal;
mod workspace;
#[cfg(workstation)]
pub mod workstation;

pub use blank::Blank;
pub(crate) use selected::{Scratch, conv1_pool, conv2_pool, sums_of_products};
pub use workspace::Workspace;
