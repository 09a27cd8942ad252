//! The kernels, once for every architecture that deserves its own; the target decides at compile time.
//!
//! Each module has the same items with the same signatures:
//!
//! - `Scratch`: memory a kernel uses while it runs.
//! - `Map`: pool1's output, in the form in which conv2 reads it.
//! - `conv1_pool`, `conv2_pool`: a convolution with ReLU, fused with its pool.
//! - `sums_of_products`: those of a fully connected layer.
//!
//! `portable` is the definition. The others compute the same bits, which the firmware tests prove for
//! random networks and images on every emulated board.
//!
//! # Convolution as multiplication of polynomials
//!
//! The kernels of Armv7-M do four multiply-accumulates in one `SMLAL`, which multiplies 32 by 32 bits and
//! adds to 64. With `X = 2^21`, two neighbouring activations and two neighbouring weights,
//!
//! ```text
//! (u[x] + u[x+1] X) * (w[k] + w[k-1] X) = u[x] w[k] + (u[x] w[k-1] + u[x+1] w[k]) X + u[x+1] w[k-1] X^2
//! ```
//!
//! and each coefficient is part of one output, since `out[d]` is the sum of all `u[d + k] w[k]`: with
//! `d = x - k`, of `out[d]`, `out[d + 1]` and `out[d + 2]`. All products of one `d` go to one accumulator,
//! which for even `x` and `k` of 0, 2 and 4 holds
//!
//! ```text
//! bits  0 to 20   what the weights 0, 2 and 4 contribute to out[d]
//! bits 21 to 41   all of out[d + 1]
//! bits 42 to 63   what the weights 1 and 3 contribute to out[d + 2]
//! ```
//!
//! An accumulator for each even `d`, from -2 on, yields every output: the odd ones are its middle field,
//! the even ones the upper field of one and the lower field of the next. (This is Kronecker's
//! substitution.) It is exact as long as no field leaves its bits. The two lower fields start from the
//! channel's offset, 255 times the sum of its negative weights' magnitudes, so that they never fall below
//! zero and never borrow from their neighbour; and they never reach 2^21, because the loader has checked the
//! sum of all magnitudes, [`WEIGHT_SUM_MAX`](crate::format::WEIGHT_SUM_MAX). The upper one is the topmost: it
//! starts from zero and has a sign.

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
