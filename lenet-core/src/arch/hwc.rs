//! The buffers of kernels that need no special layout.

use crate::architecture::{CONV1_CHANNELS, POOL1_SIDE};

/// Scratch memory: these kernels need none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scratch;

impl Scratch {
    pub(crate) const fn new() -> Self {
        Self
    }
}

/// Pool1's output in HWC order, activations `u` in [0, 255].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pool1Output(pub(super) [[[u8; CONV1_CHANNELS]; POOL1_SIDE]; POOL1_SIDE]);

impl Pool1Output {
    pub(crate) const fn new() -> Self {
        Self([[[0; CONV1_CHANNELS]; POOL1_SIDE]; POOL1_SIDE])
    }

    /// In HWC order.
    pub(crate) fn hwc(&self) -> impl Iterator<Item = u8> {
        self.values().iter().copied()
    }

    pub(super) fn values(&self) -> &[u8] {
        self.0.as_flattened().as_flattened()
    }

    pub(super) fn values_mut(&mut self) -> &mut [u8] {
        self.0.as_flattened_mut().as_flattened_mut()
    }
}
