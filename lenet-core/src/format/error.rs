//! What is wrong with bytes that are not a valid model.

use core::fmt;

use super::layout::VERSION;
use super::words::{PACKED_EXPONENT_MAX, WEIGHT_SUM_MAX};
use crate::architecture::{Layer, Tensor};
use crate::labels::LabelsError;

/// Why bytes were not accepted as a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The bytes do not start at an address that is a multiple of 4. [`include_model!`](crate::include_model) aligns
    /// them.
    Misaligned,
    /// The bytes do not start with the magic number: this is an empty flash slot or another kind of file.
    NotAModel,
    /// The file has a format version that this build cannot read.
    UnsupportedVersion(u16),
    /// The message is cut short or contains an impossible value.
    Malformed,
    /// This many bytes follow the checksum.
    TrailingBytes(usize),
    /// The CRC-32 at the end of the file does not match the file.
    Checksum {
        /// The CRC-32 in the file.
        stored: u32,
        /// The CRC-32 computed from its bytes.
        computed: u32,
    },
    /// The parameter block has the wrong length.
    ParameterLength {
        /// Bytes that the network's parameters take.
        expected: usize,
        /// Bytes in the file.
        found: usize,
    },
    /// Padding is not zero or too long, or it does not bring the parameters or the sections to a multiple of 4.
    Padding,
    /// The labels break a rule.
    Labels(LabelsError),
    /// The class for anything else does not exist.
    NoneOfThese {
        /// The class.
        class: u8,
        /// The number of classes.
        classes: usize,
    },
    /// The rule that refuses unfamiliar inputs is unknown to this build.
    Rejection(u8),
    /// The preparation of inputs is unknown to this build.
    Preparation(u8),
    /// The sections do not end where they should, or a known section has the wrong length or occurs twice.
    Sections,
    /// A tensor's scale is not a positive, finite, normal number.
    Scale(Tensor),
    /// A tensor that needs the zero point -128 has another one.
    ZeroPoint {
        /// The tensor.
        tensor: Tensor,
        /// Its zero point in the file.
        found: i8,
    },
    /// A channel's weight scale is not a positive, finite, normal number.
    WeightScale {
        /// The layer.
        layer: Layer,
        /// The output channel.
        channel: usize,
    },
    /// The words of a section contradict the channel's weights.
    Words {
        /// The layer.
        layer: Layer,
        /// The output channel.
        channel: usize,
    },
    /// The offset of a section does not match the channel's weights.
    Offset {
        /// The layer.
        layer: Layer,
        /// The output channel.
        channel: usize,
    },
    /// There is a section with packed words, but the weight magnitudes of a convolution channel add up to more than
    /// [`WEIGHT_SUM_MAX`](super::words::WEIGHT_SUM_MAX), so its sums could overflow a field of the accumulator.
    FieldOverflow {
        /// The layer.
        layer: Layer,
        /// The output channel.
        channel: usize,
    },
    /// A weight is -128. Weights are symmetric, in [-127, 127].
    Weight {
        /// The layer.
        layer: Layer,
        /// The output channel.
        channel: usize,
    },
    /// There is a section with packed words, but a convolution channel's multiplier is 1/4 or more.
    LargeMultiplier {
        /// The layer.
        layer: Layer,
        /// The output channel.
        channel: usize,
    },
    /// A mantissa is outside [2^30, 2^31) or an exponent is outside [-31, 0].
    Multiplier {
        /// The layer.
        layer: Layer,
        /// The output channel.
        channel: usize,
    },
    /// The 32-bit accumulator could overflow for some input.
    AccumulatorOverflow {
        /// The layer.
        layer: Layer,
        /// The output channel.
        channel: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Misaligned => {
                f.write_str("the model does not start at a multiple of 4 bytes: include_model! aligns it")
            }
            Self::NotAModel => f.write_str("not a .lenet model: the magic number is missing"),
            Self::UnsupportedVersion(version) => {
                write!(
                    f,
                    "the model has format version {version}, but this build reads version {VERSION}: \
                     make a new file with `lenet quantize`"
                )
            }
            Self::Malformed => f.write_str("the model is truncated or damaged: its message cannot be decoded"),
            Self::TrailingBytes(count) => write!(f, "the file has {count} extra bytes after the end of the model"),
            Self::Checksum { stored, computed } => {
                write!(f, "the model is damaged: its CRC-32 is {computed:08x}, but the file says {stored:08x}")
            }
            Self::ParameterLength { expected, found } => {
                write!(f, "the parameters take {found} bytes instead of {expected}")
            }
            Self::Padding => f.write_str("the padding is not zero or has the wrong length"),
            Self::Labels(error) => write!(f, "the labels are not valid: {error}"),
            Self::NoneOfThese { class, classes } => {
                write!(f, "the class for none of these is {class}, but the classes are 0 to {}", classes - 1)
            }
            Self::Rejection(rule) => {
                write!(f, "the model has rejection rule {rule}, which this program does not know: update the program")
            }
            Self::Preparation(kind) => {
                write!(
                    f,
                    "the model needs preparation {kind} of its inputs, which this program does not know: update the program"
                )
            }
            Self::Sections => f.write_str("the sections are damaged: a length is wrong, or one occurs twice"),
            Self::Scale(tensor) => write!(f, "the scale of {tensor} is not a positive, finite, normal number"),
            Self::ZeroPoint { tensor, found } => {
                write!(f, "the zero point of {tensor} is {found} instead of -128")
            }
            Self::WeightScale { layer, channel } => {
                write!(f, "the weight scale of {layer} channel {channel} is not a positive, finite, normal number")
            }
            Self::Words { layer, channel } => {
                write!(f, "the packed words of {layer} channel {channel} contradict its weights")
            }
            Self::Offset { layer, channel } => {
                write!(f, "the packed offset of {layer} channel {channel} does not match its weights")
            }
            Self::FieldOverflow { layer, channel } => {
                write!(
                    f,
                    "the weights of {layer} channel {channel} are packed, but add up to more than {WEIGHT_SUM_MAX} steps in \
                     magnitude"
                )
            }
            Self::Weight { layer, channel } => {
                write!(f, "a weight of {layer} channel {channel} is -128, outside [-127, 127]")
            }
            Self::Multiplier { layer, channel } => {
                write!(
                    f,
                    "the multiplier of {layer} channel {channel} is out of range: \
                     the mantissa must be in [2^30, 2^31) and the exponent in [-31, 0]"
                )
            }
            Self::LargeMultiplier { layer, channel } => {
                write!(f, "{layer} channel {channel} is packed, but its exponent is above {PACKED_EXPONENT_MAX}")
            }
            Self::AccumulatorOverflow { layer, channel } => {
                write!(
                    f,
                    "the accumulator of {layer} channel {channel} could overflow: its bias and weights are too large for 32 bits"
                )
            }
        }
    }
}

impl core::error::Error for Error {}
