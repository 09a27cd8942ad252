//! The network: a model and the buffers one inference needs.

use crate::arch::{self, Map, Scratch};
use crate::architecture::{
    CLASSES, CONV1_CHANNELS, CONV2_CHANNELS, FC1_INPUTS, FC1_OUTPUTS, FC2_OUTPUTS, IMAGE_BYTES, Layer, POOL1_SIDE,
    POOL2_SIDE, Pixels, Tensor,
};
use crate::kernels::{fully_connected, fully_connected_logits};
use crate::model::Model;
use crate::prediction::Logits;

/// Every buffer of an inference, besides the image: the outputs of the layers, as `u = q + 128`, and what
/// the kernels of this architecture need besides.
///
/// After [`LeNet5::classify`] it holds that image's activations, which is how the tests compare two
/// implementations layer by layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    scratch: Scratch,
    pool1: Map,
    pool2: [[[u8; CONV2_CHANNELS]; POOL2_SIDE]; POOL2_SIDE],
    fc1: [u8; FC1_OUTPUTS],
    fc2: [u8; FC2_OUTPUTS],
}

/// Outputs of pool1.
const POOL1_BYTES: usize = POOL1_SIDE * POOL1_SIDE * CONV1_CHANNELS;
/// Outputs of pool2, fc1 and fc2.
const OTHER_BYTES: usize = FC1_INPUTS + FC1_OUTPUTS + FC2_OUTPUTS;
const _: () = assert!(Workspace::BYTES == Workspace::BYTES_ARMV6M || Workspace::BYTES == Workspace::BYTES_ARMV7M);

impl Workspace {
    /// Bytes of RAM it takes, with the kernels of this build.
    pub const BYTES: usize = size_of::<Self>();

    /// Bytes of RAM it takes with the kernels of Armv6-M, as in a Cortex-M0, and with the portable ones.
    pub const BYTES_ARMV6M: usize = POOL1_BYTES + OTHER_BYTES;

    /// Bytes of RAM it takes with the kernels of Armv7-M and Armv8-M mainline, as in a Cortex-M3 to M7, M33 and M55:
    /// two bytes for each pixel and each output of pool1.
    pub const BYTES_ARMV7M: usize = 2 * (IMAGE_BYTES + POOL1_BYTES) + OTHER_BYTES;

    const fn new() -> Self {
        Self {
            scratch: Scratch::new(),
            pool1: Map::new(),
            pool2: [[[0; CONV2_CHANNELS]; POOL2_SIDE]; POOL2_SIDE],
            fc1: [0; FC1_OUTPUTS],
            fc2: [0; FC2_OUTPUTS],
        }
    }

    /// Output of pool1, 12 x 12 x 6 in HWC order. Kernels may keep it in another order, so there is no slice of it.
    pub fn pool1(&self) -> impl Iterator<Item = u8> {
        self.pool1.hwc()
    }

    /// Output of pool2, 4 x 4 x 16 in HWC order; the input of fc1.
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

/// What becomes of input that is known to be blank. The logits are the same either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blank {
    /// It is computed as any other, so that an inference takes the same time for every image.
    Compute,
    /// Its result, which follows from the bias alone, is filled in.
    Skip,
}

/// LeNet-5, ready to classify: a checked model and its [`Workspace`].
#[derive(Clone, Debug)]
pub struct LeNet5<'m> {
    model: Model<'m>,
    workspace: Workspace,
}

impl<'m> LeNet5<'m> {
    /// A network that runs `model`.
    pub const fn new(model: Model<'m>) -> Self {
        Self { model, workspace: Workspace::new() }
    }

    /// Runs the network on one image. It cannot fail, and takes no floating-point operation.
    pub fn classify(&mut self, pixels: &Pixels) -> Logits {
        self.classify_with(pixels, Blank::Skip, |_| ())
    }

    /// As [`classify`](Self::classify), with a choice about blank input, and a call of `finished` after
    /// each layer. It is how a benchmark takes the time of the layers.
    #[inline(always)]
    pub fn classify_with(&mut self, pixels: &Pixels, blank: Blank, mut finished: impl FnMut(Layer)) -> Logits {
        let Self { model, workspace: Workspace { scratch, pool1, pool2, fc1, fc2 } } = self;
        arch::conv1_pool(pixels, model.conv1(), model.pool1(), blank, scratch, pool1);
        finished(Layer::Conv1);
        arch::conv2_pool(pool1, model.conv2(), model.pool2(), pool2);
        finished(Layer::Conv2);
        fully_connected(pool2.as_flattened().as_flattened(), model.fc1(), blank, scratch, fc1);
        finished(Layer::Fc1);
        fully_connected(fc1, model.fc2(), blank, scratch, fc2);
        finished(Layer::Fc2);
        let mut values = [0; CLASSES];
        let quantization = model.quantization(Tensor::Logits);
        fully_connected_logits(fc2, model.fc3(), blank, scratch, quantization.zero_point, &mut values);
        finished(Layer::Fc3);
        Logits::new(values, quantization)
    }

    /// The model it runs.
    pub fn model(&self) -> &Model<'m> {
        &self.model
    }

    /// The activations of the last image classified.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }
}
