//! A model file, checked once and read where it lies.

use crate::architecture::{
    CLASSES, CONV1_CHANNELS, CONV2_CHANNELS, FC1_INPUTS, FC1_OUTPUTS, FC2_OUTPUTS, KERNEL_SIDE, Layer, Pool, Tensor,
};
use crate::checksum::crc32;
use crate::error::Error;
use crate::format::{ALIGNMENT, CHECKSUM_BYTES, Description, MAGIC, Message, PARAMETER_BYTES, Prefix, VERSION};
use crate::quantization::{ACTIVATION_ZERO_POINT, Multiplier, Quantization};

/// Weights of one output channel of a convolution, `[row][column][input channel]`.
pub type ConvKernel<const INPUTS: usize> = [[[i8; INPUTS]; KERNEL_SIDE]; KERNEL_SIDE];

/// The parameters of one layer with `OUTPUTS` output channels, borrowed from the file. `W` is the
/// weights of one channel.
#[derive(Clone, Copy, Debug)]
pub struct Parameters<'a, W, const OUTPUTS: usize> {
    bias: &'a [i32; OUTPUTS],
    mantissa: &'a [i32; OUTPUTS],
    weight_scale: &'a [f32; OUTPUTS],
    exponent: &'a [i8; OUTPUTS],
    weights: &'a [W; OUTPUTS],
}

/// Parameters of a convolution.
pub type ConvParameters<'a, const INPUTS: usize, const OUTPUTS: usize> = Parameters<'a, ConvKernel<INPUTS>, OUTPUTS>;

/// Parameters of a fully connected layer.
pub type DenseParameters<'a, const INPUTS: usize, const OUTPUTS: usize> = Parameters<'a, [i8; INPUTS], OUTPUTS>;

/// The parameters of one output channel.
#[derive(Clone, Copy, Debug)]
pub struct Channel<'a, W> {
    /// What the accumulator starts from, at scale `s_in * s_w`.
    pub bias: i32,
    /// The real multiplier `s_in * s_w / s_out`.
    pub multiplier: Multiplier,
    /// The weights, each in [-127, 127].
    pub weights: &'a W,
}

impl<'a, W: bytemuck::Pod, const OUTPUTS: usize> Parameters<'a, W, OUTPUTS> {
    /// The output channels, in order.
    #[inline]
    pub fn channels(&self) -> impl Iterator<Item = Channel<'a, W>> + use<'a, W, OUTPUTS> {
        let Self { bias, mantissa, exponent, weights, .. } = *self;
        bias.iter().zip(mantissa).zip(exponent).zip(weights).map(|(((&bias, &mantissa), &exponent), weights)| Channel {
            bias,
            multiplier: Multiplier { mantissa, exponent },
            weights,
        })
    }

    /// The scale of each channel's weights. Inference does not need it: it is part of the multiplier.
    pub fn weight_scales(&self) -> &'a [f32; OUTPUTS] {
        self.weight_scale
    }

    fn read(block: &mut Block<'a>) -> Result<Self, Error> {
        Ok(Self {
            bias: block.array()?,
            mantissa: block.array()?,
            weight_scale: block.array()?,
            exponent: block.array()?,
            weights: block.array()?,
        })
    }
}

impl<W: bytemuck::Pod, const OUTPUTS: usize> Parameters<'_, W, OUTPUTS> {
    fn check(&self, layer: Layer) -> Result<(), Error> {
        if let Some(channel) = self.weight_scale.iter().position(|scale| !is_positive_normal(*scale)) {
            return Err(Error::WeightScale { layer, channel });
        }
        for (index, channel) in self.channels().enumerate() {
            if !channel.multiplier.is_valid() {
                return Err(Error::Multiplier { layer, channel: index });
            }
            let weights: &[i8] = bytemuck::cast_slice(core::slice::from_ref(channel.weights));
            if weights.contains(&i8::MIN) {
                return Err(Error::Weight { layer, channel: index });
            }
            if largest_accumulator(channel.bias, weights) > i32::MAX as u32 {
                return Err(Error::AccumulatorOverflow { layer, channel: index });
            }
        }
        Ok(())
    }
}

/// The bound that proves an accumulator safe: its greatest possible magnitude, at any step of the
/// sum and in any order, over all inputs in [0, 255]. It must not exceed `i32::MAX`.
pub fn largest_accumulator(bias: i32, weights: &[i8]) -> u32 {
    weights.iter().fold(bias.unsigned_abs(), |sum, w| sum.saturating_add(255 * u32::from(w.unsigned_abs())))
}

/// The parameter block, consumed from the front.
struct Block<'a>(&'a [u8]);

impl<'a> Block<'a> {
    fn array<T: bytemuck::Pod, const N: usize>(&mut self) -> Result<&'a [T; N], Error> {
        let (array, rest) = self.0.split_at_checked(size_of::<[T; N]>()).ok_or(Error::Malformed)?;
        let filler = size_of::<[T; N]>().next_multiple_of(ALIGNMENT) - size_of::<[T; N]>();
        let (filler, rest) = rest.split_at_checked(filler).ok_or(Error::Malformed)?;
        if filler.iter().any(|byte| *byte != 0) {
            return Err(Error::Padding);
        }
        self.0 = rest;
        bytemuck::try_from_bytes(array).map_err(|_| Error::Misaligned)
    }
}

/// Compares bits, so that loading a model takes no floating-point code.
const fn is_positive_normal(x: f32) -> bool {
    const SMALLEST: u32 = f32::MIN_POSITIVE.to_bits();
    const INFINITY: u32 = f32::INFINITY.to_bits();
    matches!(x.to_bits(), SMALLEST..INFINITY)
}

/// A quantized LeNet-5, borrowed from the bytes of its file.
///
/// A value of this type is proof that every check passed, so nothing that takes one can fail.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    pool1: Pool,
    pool2: Pool,
    activations: [Quantization; 6],
    description: Description<'a>,
    pub(crate) conv1: ConvParameters<'a, 1, CONV1_CHANNELS>,
    pub(crate) conv2: ConvParameters<'a, CONV1_CHANNELS, CONV2_CHANNELS>,
    pub(crate) fc1: DenseParameters<'a, FC1_INPUTS, FC1_OUTPUTS>,
    pub(crate) fc2: DenseParameters<'a, FC1_OUTPUTS, FC2_OUTPUTS>,
    pub(crate) fc3: DenseParameters<'a, FC2_OUTPUTS, CLASSES>,
}

impl<'a> Model<'a> {
    /// Reads a model file that is exactly `bytes`, which must start at a multiple of 4.
    ///
    /// Checked are magic number, version, checksum, length and every value: scales, zero points,
    /// weights, multipliers, and that no accumulator can overflow.
    ///
    /// # Errors
    /// The first thing found wrong.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        let (model, length) = Self::from_prefix(bytes)?;
        match bytes.len() - length {
            0 => Ok(model),
            trailing => Err(Error::TrailingBytes(trailing)),
        }
    }

    /// Reads a model that starts at `bytes[0]` and may end before `bytes` does, as in a flash slot;
    /// returns it with the length of its file in bytes.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes); bytes after the file are no error.
    pub fn from_prefix(bytes: &'a [u8]) -> Result<(Self, usize), Error> {
        check_start(bytes)?;
        let (message, rest) = postcard::take_from_bytes::<Message<'a>>(bytes).map_err(|_| Error::Malformed)?;
        let (stored, _) = rest.split_first_chunk::<CHECKSUM_BYTES>().ok_or(Error::Malformed)?;
        let length = bytes.len() - rest.len();
        let (message_bytes, _) = bytes.split_at_checked(length).ok_or(Error::Malformed)?;
        let (stored, computed) = (u32::from_le_bytes(*stored), crc32(message_bytes));
        if stored != computed {
            return Err(Error::Checksum { stored, computed });
        }
        Ok((Self::from_message(&message)?, length + CHECKSUM_BYTES))
    }

    fn from_message(message: &Message<'a>) -> Result<Self, Error> {
        for (tensor, quantization) in Tensor::ALL.into_iter().zip(message.activations) {
            if !is_positive_normal(quantization.scale) {
                return Err(Error::Scale(tensor));
            }
            if tensor != Tensor::Logits && quantization.zero_point != ACTIVATION_ZERO_POINT {
                return Err(Error::ZeroPoint { tensor, found: quantization.zero_point });
            }
        }
        if message.padding.len() >= ALIGNMENT || message.padding.iter().any(|byte| *byte != 0) {
            return Err(Error::Padding);
        }
        if message.parameters.len() != PARAMETER_BYTES {
            return Err(Error::ParameterLength { expected: PARAMETER_BYTES, found: message.parameters.len() });
        }
        if message.parameters.as_ptr().align_offset(ALIGNMENT) != 0 {
            return Err(Error::Padding);
        }
        let mut block = Block(message.parameters);
        let model = Self {
            pool1: message.pool1,
            pool2: message.pool2,
            activations: message.activations,
            description: message.description,
            conv1: Parameters::read(&mut block)?,
            conv2: Parameters::read(&mut block)?,
            fc1: Parameters::read(&mut block)?,
            fc2: Parameters::read(&mut block)?,
            fc3: Parameters::read(&mut block)?,
        };
        model.conv1.check(Layer::Conv1)?;
        model.conv2.check(Layer::Conv2)?;
        model.fc1.check(Layer::Fc1)?;
        model.fc2.check(Layer::Fc2)?;
        model.fc3.check(Layer::Fc3)?;
        Ok(model)
    }

    /// Pooling after conv1.
    pub fn pool1(&self) -> Pool {
        self.pool1
    }

    /// Pooling after conv2.
    pub fn pool2(&self) -> Pool {
        self.pool2
    }

    /// Scale and zero point of a tensor.
    pub fn quantization(&self, tensor: Tensor) -> Quantization {
        self.activations[tensor as usize]
    }

    /// Where the model comes from.
    pub fn description(&self) -> Description<'a> {
        self.description
    }
}

fn check_start(bytes: &[u8]) -> Result<(), Error> {
    if bytes.as_ptr().align_offset(ALIGNMENT) != 0 {
        return Err(Error::Misaligned);
    }
    if !bytes.starts_with(&MAGIC) {
        return Err(Error::NotAModel);
    }
    let (prefix, _) = postcard::take_from_bytes::<Prefix>(bytes).map_err(|_| Error::Malformed)?;
    if prefix.version != VERSION {
        return Err(Error::UnsupportedVersion(prefix.version));
    }
    Ok(())
}
