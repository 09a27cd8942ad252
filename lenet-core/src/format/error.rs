use core::fmt;

use super::layout::VERSION;
use super::words::WEIGHT_SUM_MAX;
use crate::architecture::{Layer, Tensor};

/// Why bytes were refused as a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The bytes do not start at an address that is a multiple of 4.
    Misaligned,
    /// The bytes do not start with the magic number: an empty flash slot, or another kind of file.
    NotAModel,
    /// The file's format version is not the one this build reads.
    UnsupportedVersion(u16),
    /// The message ends too early or holds a value no field can have.
    Malformed,
    /// The file goes on after its checksum, by this many bytes.
    TrailingBytes(usize),
    /// The CRC-32 at the end of the file is not that of the bytes before it.
    Checksum {
        /// What the file says.
        stored: u32,
        /// What its bytes give.
        computed: u32,
    },
    /// The parameter block has a length other than this network's.
    ParameterLength {
        /// Bytes this network's parameters take.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// The parameter block does not start at a multiple of 4, or padding is not zero.
    Padding,
    /// A tensor's scale is not a positive, finite, normal number.
    Scale(Tensor),
    /// A tensor that must have the zero point -128 has this one.
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
    /// The words of a channel's weights do not agree with each other, so they stand for no weights.
    Words {
        /// The layer.
        layer: Layer,
        /// The output channel.
        channel: usize,
    },
    /// A convolution channel's offset is not the one its weights need.
    Offset {
        /// The layer.
        layer: Layer,
        /// The output channel.
        channel: usize,
    },
    /// The magnitudes of a convolution channel's weights add up to more than a field of the
    /// accumulator holds.
    FieldOverflow {
        /// The layer.
        layer: Layer,
        /// The output channel.
        channel: usize,
    },
    /// A weight is -128; weights are symmetric, in [-127, 127].
    Weight {
        /// The layer.
        layer: Layer,
        /// The output channel.
        channel: usize,
    },
    /// A multiplier is outside [2^30, 2^31) or its exponent outside [-31, -2].
    Multiplier {
        /// The layer.
        layer: Layer,
        /// The output channel.
        channel: usize,
    },
    /// Some input could overflow the 32-bit accumulator.
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
            Self::Misaligned => f.write_str("the model does not start at a multiple of 4 bytes"),
            Self::NotAModel => f.write_str("no .lenet model here: the first bytes are not its magic number"),
            Self::UnsupportedVersion(version) => {
                write!(f, "the model has format version {version}, this build reads version {VERSION}")
            }
            Self::Malformed => f.write_str("the model is cut short or damaged: its message cannot be decoded"),
            Self::TrailingBytes(count) => write!(f, "{count} bytes follow the end of the model"),
            Self::Checksum { stored, computed } => {
                write!(f, "the model is damaged: its CRC-32 is {computed:08x}, the file says {stored:08x}")
            }
            Self::ParameterLength { expected, found } => {
                write!(f, "the parameters take {found} bytes, this network's take {expected}")
            }
            Self::Padding => f.write_str("the padding of the parameters is wrong"),
            Self::Scale(tensor) => write!(f, "the scale of {tensor} is not a positive normal number"),
            Self::ZeroPoint { tensor, found } => {
                write!(f, "the zero point of {tensor} is {found}, it must be -128")
            }
            Self::WeightScale { layer, channel } => {
                write!(f, "the weight scale of {layer} channel {channel} is not a positive normal number")
            }
            Self::Words { layer, channel } => {
                write!(f, "the weight words of {layer} channel {channel} do not agree with each other")
            }
            Self::Offset { layer, channel } => {
                write!(f, "the offset of {layer} channel {channel} is not the one its weights need")
            }
            Self::FieldOverflow { layer, channel } => {
                write!(f, "the weights of {layer} channel {channel} add up to more than {WEIGHT_SUM_MAX} steps")
            }
            Self::Weight { layer, channel } => {
                write!(f, "a weight of {layer} channel {channel} is -128, outside [-127, 127]")
            }
            Self::Multiplier { layer, channel } => {
                write!(f, "the multiplier of {layer} channel {channel} is out of range")
            }
            Self::AccumulatorOverflow { layer, channel } => {
                write!(f, "the accumulator of {layer} channel {channel} could overflow 32 bits")
            }
        }
    }
}

impl core::error::Error for Error {}
