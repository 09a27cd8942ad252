//! The kernels of this build, selected by the target.

#[cfg(kernels = "armv6m")]
pub(crate) use super::armv6m::{Pool1Output, Scratch, conv1_pool, conv2_pool, sums_of_products};
#[cfg(kernels = "armv7em")]
pub(crate) use super::armv7em::{Pool1Output, Scratch, conv1_pool, conv2_pool, sums_of_products};
#[cfg(kernels = "armv7m")]
pub(crate) use super::armv7m::{Pool1Output, Scratch, conv1_pool, conv2_pool, sums_of_products};
#[cfg(kernels = "portable")]
pub(crate) use super::portable::{Pool1Output, Scratch, conv1_pool, conv2_pool, sums_of_products};
