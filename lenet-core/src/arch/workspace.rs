//! The buffers of an inference.

use super::selected::{Pool1Output, Scratch};
use crate::architecture::{
    CONV1_CHANNELS, CONV2_CHANNELS, FC1_INPUTS, FC1_OUTPUTS, FC2_OUTPUTS, IMAGE_BYTES, POOL1_SIDE, POOL2_SIDE,
};

/// Every buffer of an inference except the image: the outputs of the layers, as `u = q + 128` in [0, 255], and the
/// scratch memory of this build's kernels.
///
/// After [`LeNet5::classify`](crate::LeNet5::classify) it holds that image's activations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    pub(crate) scratch: Scratch,
    pub(crate) pool1: Pool1Output,
    pub(crate) pool2: [[[u8; CONV2_CHANNELS]; POOL2_SIDE]; POOL2_SIDE],
    pub(crate) fc1: [u8; FC1_OUTPUTS],
    pub(crate) fc2: [u8; FC2_OUTPUTS],
}

/// Outputs of pool1.
const POOL1_BYTES: usize = POOL1_SIDE * POOL1_SIDE * CONV1_CHANNELS;
/// Outputs of pool2, fc1 and fc2.
const OTHER_BYTES: usize = FC1_INPUTS + FC1_OUTPUTS + FC2_OUTPUTS;
const _: () = assert!(Workspace::BYTES == Workspace::BYTES_ARMV6M || Workspace::BYTES == Workspace::BYTES_ARMV7M);

impl Workspace {
    /// Bytes of RAM it takes with the kernels of this build.
    pub const BYTES: usize = size_of::<Self>();

    /// Bytes of RAM it takes with the portable kernels and with those of Armv6-M (Cortex-M0).
    pub const BYTES_ARMV6M: usize = POOL1_BYTES + OTHER_BYTES;

    /// Bytes of RAM it takes with the kernels of Armv7-M and Armv8-M mainline (Cortex-M3 to M7, M33, M55): they use
    /// two bytes for each pixel and for each output of pool1.
    pub const BYTES_ARMV7M: usize = 2 * (IMAGE_BYTES + POOL1_BYTES) + OTHER_BYTES;

    /// All zeros.
    pub const fn new() -> Self {
        Self {
            scratch: Scratch::new(),
            pool1: Pool1Output::new(),
            pool2: [[[0; CONV2_CHANNELS]; POOL2_SIDE]; POOL2_SIDE],
            fc1: [0; FC1_OUTPUTS],
            fc2: [0; FC2_OUTPUTS],
        }
    }

    /// Output of pool1, 12 x 12 x 6 in HWC order. An iterator, because some kernels store it in another order.
    pub fn pool1(&self) -> impl Iterator<Item = u8> {
        self.pool1.hwc()
    }

    /// Output of pool2, 4 x 4 x 16 in HWC order: the input of fc1.
    pub fn pool2(&self) -> &[u8; FC1_INPUTS] {
        bytemuck::must_cast_ref(&self.pool2)
    }

    /// Output of fc1.
    pub fn fc1(&self) -> &[u8; FC1_OUTPUTS] {
        &self.fc1
    }

    /// Output of fc2.
    pub fn fc2(&self) -> &[u8; FC2_OUTPUTS] {
        &self.fc2
    }
}

impl Default for Workspace {
    fn default() -> Self {
        Self::new()
    }
}
