//! The network's shapes. All other modules take their sizes from here.
//!
//! | layer | output (height x width x channels) | parameters |
//! |---|---|---|
//! | input | 28 x 28 x 1 | |
//! | conv1 5x5 + ReLU | 24 x 24 x 6 | 156 |
//! | pool1 2x2 | 12 x 12 x 6 | |
//! | conv2 5x5 + ReLU | 8 x 8 x 16 | 2,416 |
//! | pool2 2x2 | 4 x 4 x 16 | |
//! | fc1 + ReLU | 120 | 30,840 |
//! | fc2 + ReLU | 84 | 10,164 |
//! | fc3 (logits) | classes, 2 to 64 | 85 a class |

use core::fmt;

use serde::{Deserialize, Serialize};

/// Height and width of the input image, pixels.
pub const IMAGE_SIDE: usize = 28;
/// Bytes of one input image.
pub const IMAGE_BYTES: usize = IMAGE_SIDE * IMAGE_SIDE;
/// Height and width of both convolutions' kernels.
pub const KERNEL_SIDE: usize = 5;
/// Output channels of conv1.
pub const CONV1_CHANNELS: usize = 6;
/// Height and width of pool1's output.
pub const POOL1_SIDE: usize = 12;
/// Output channels of conv2.
pub const CONV2_CHANNELS: usize = 16;
/// Height and width of pool2's output.
pub const POOL2_SIDE: usize = 4;
/// Inputs of fc1: pool2's output flattened in HWC order.
pub const FC1_INPUTS: usize = POOL2_SIDE * POOL2_SIDE * CONV2_CHANNELS;
/// Outputs of fc1.
pub const FC1_OUTPUTS: usize = 120;
/// Outputs of fc2.
pub const FC2_OUTPUTS: usize = 84;

/// One image, row by row from the top. 0 is background, 255 is full ink, and the real value is `p / 255`.
pub type Pixels = [u8; IMAGE_BYTES];

/// How pooling turns a 2x2 window, at stride 2, into one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pool {
    /// The mean, rounded half away from zero.
    Average,
    /// The largest value.
    Maximum,
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Average => "average",
            Self::Maximum => "maximum",
        })
    }
}

/// The kinds of both pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pools {
    /// After conv1.
    pub pool1: Pool,
    /// After conv2.
    pub pool2: Pool,
}

impl Default for Pools {
    fn default() -> Self {
        Self { pool1: Pool::Average, pool2: Pool::Maximum }
    }
}

/// The tensors that have a scale and a zero point, in the order of the model file.
///
/// Pooling keeps scale and zero point, so conv1 and pool1 share an entry, as do conv2 and pool2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tensor {
    /// The input image.
    Input,
    /// Output of conv1 and of pool1.
    Conv1,
    /// Output of conv2 and of pool2.
    Conv2,
    /// Output of fc1.
    Fc1,
    /// Output of fc2.
    Fc2,
    /// Output of fc3.
    Logits,
}

impl Tensor {
    /// Every tensor, in order.
    pub const ALL: [Self; 6] = [Self::Input, Self::Conv1, Self::Conv2, Self::Fc1, Self::Fc2, Self::Logits];
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Conv1 => "conv1",
            Self::Conv2 => "conv2",
            Self::Fc1 => "fc1",
            Self::Fc2 => "fc2",
            Self::Logits => "logits",
        })
    }
}

/// The layers with parameters, in the order of the model file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// 5x5 convolution, 1 to 6 channels.
    Conv1,
    /// 5x5 convolution, 6 to 16 channels.
    Conv2,
    /// Fully connected, 256 to 120.
    Fc1,
    /// Fully connected, 120 to 84.
    Fc2,
    /// Fully connected, 84 to the number of classes.
    Fc3,
}

impl Layer {
    /// Every layer, in order.
    pub const ALL: [Self; 5] = [Self::Conv1, Self::Conv2, Self::Fc1, Self::Fc2, Self::Fc3];

    /// Its name, such as `conv1`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conv1 => "conv1",
            Self::Conv2 => "conv2",
            Self::Fc1 => "fc1",
            Self::Fc2 => "fc2",
            Self::Fc3 => "fc3",
        }
    }

    /// Number of output channels in a network with this many classes. Each has one bias, one multiplier and one weight
    /// scale.
    pub const fn outputs(self, classes: usize) -> usize {
        match self {
            Self::Conv1 => CONV1_CHANNELS,
            Self::Conv2 => CONV2_CHANNELS,
            Self::Fc1 => FC1_OUTPUTS,
            Self::Fc2 => FC2_OUTPUTS,
            Self::Fc3 => classes,
        }
    }

    /// Number of weights of one output channel.
    pub const fn weights_per_output(self) -> usize {
        match self {
            Self::Conv1 => KERNEL_SIDE * KERNEL_SIDE,
            Self::Conv2 => KERNEL_SIDE * KERNEL_SIDE * CONV1_CHANNELS,
            Self::Fc1 => FC1_INPUTS,
            Self::Fc2 => FC1_OUTPUTS,
            Self::Fc3 => FC2_OUTPUTS,
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
