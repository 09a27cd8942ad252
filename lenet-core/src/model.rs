//! A model file, checked once and read where it lies.

use crate::architecture::{
    CLASSES, CONV1_CHANNELS, CONV2_CHANNELS, FC1_INPUTS, FC1_OUTPUTS, FC2_OUTPUTS, KERNEL_SIDE, Layer, Pool, Tensor,
};
use crate::checksum::crc32;
use crate::error::Error;
use crate::format::{
    ALIGNMENT, CHECKSUM_BYTES, Description, MAGIC, Message, PARAMETER_BYTES, Prefix, VERSION, dense_inputs,
};
use crate::quantization::{ACTIVATION_ZERO_POINT, Multiplier, Quantization};

/// What every output channel of a layer has besides its weights, borrowed from the file.
#[derive(Clone, Copy, Debug)]
pub struct Channels<'a, const OUTPUTS: usize> {
    bias: &'a [i32; OUTPUTS],
    mantissa: &'a [i32; OUTPUTS],
    weight_scale: &'a [f32; OUTPUTS],
    exponent: &'a [i8; OUTPUTS],
}

/// Bias and multiplier of one output channel.
#[derive(Clone, Copy, Debug)]
pub struct Channel {
    /// What the products are added to, at scale `s_in * s_w`.
    pub bias: i32,
    /// The real multiplier `s_in * s_w / s_out`.
    pub multiplier: Multiplier,
}

impl<'a, const OUTPUTS: usize> Channels<'a, OUTPUTS> {
    /// The output channels, in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Channel> + use<'a, OUTPUTS> {
        let Self { bias, mantissa, exponent, .. } = *self;
        bias.iter()
            .zip(mantissa)
            .zip(exponent)
            .map(|((&bias, &mantissa), &exponent)| Channel { bias, multiplier: Multiplier { mantissa, exponent } })
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
        })
    }

    /// Checks every channel. That no accumulator overflows, at any step of its sum and in any order, over
    /// all inputs in [0, 255], is proved by `|bias| + 255 * sum(|w|) <= i32::MAX`.
    fn check(&self, layer: Layer, mut sums: impl FnMut(usize) -> Result<Sums, Error>) -> Result<(), Error> {
        for (index, (channel, scale)) in self.iter().zip(self.weight_scale).enumerate() {
            if !is_positive_normal(*scale) {
                return Err(Error::WeightScale { layer, channel: index });
            }
            if !channel.multiplier.is_valid() {
                return Err(Error::Multiplier { layer, channel: index });
            }
            let Sums { positive, negative } = sums(index)?;
            // At most 2^23 and 2^31: the sum fits.
            if channel.bias.unsigned_abs() + 255 * (positive + negative) > i32::MAX as u32 {
                return Err(Error::AccumulatorOverflow { layer, channel: index });
            }
        }
        Ok(())
    }
}

/// The magnitudes of a channel's positive weights added up, and of its negative ones.
#[derive(Clone, Copy, Default)]
struct Sums {
    positive: u32,
    negative: u32,
}

impl Sums {
    fn add(&mut self, weight: i8) {
        let magnitude = u32::from(weight.unsigned_abs());
        if weight > 0 { self.positive += magnitude } else { self.negative += magnitude }
    }
}

/// Bits of a field: three of them lie side by side in a 64-bit accumulator of a convolution.
pub const FIELD_BITS: u32 = 21;

/// What the magnitudes of a convolution channel's weights may add up to: with activations up to 255 a
/// channel's sums then take fewer than `2^FIELD_BITS` values.
pub const WEIGHT_SUM_MAX: u32 = (1 << FIELD_BITS) / 255;

/// The weights of a convolution, `[group][row][input channel][column][output channel of the group]`.
///
/// Word `c` of a row is `w[c] + w[c - 1] * 2^21`, with `w[-1] = 0`. Two such words multiplied add up
/// the products of several taps, see [`arch`](crate::arch); as a single weight, the word's lowest 21
/// bits are `w[c]`.
pub type ConvWords<const INPUTS: usize, const PER_GROUP: usize, const GROUPS: usize> =
    [[[[[i32; PER_GROUP]; KERNEL_SIDE]; INPUTS]; KERNEL_SIDE]; GROUPS];

/// The weights of a fully connected layer, `[pair of outputs][pair of inputs]`.
///
/// With `w[o][i]` the word of outputs `o`, `o + 1` and inputs `i`, `i + 1` has the lower halfword
/// `256 * w[o + 1][i] + w[o][i]`, and the same with `i + 1` as its upper halfword.
pub type DenseWords<const INPUT_PAIRS: usize, const OUTPUT_PAIRS: usize> = [[u32; INPUT_PAIRS]; OUTPUT_PAIRS];

/// The parameters of a convolution with `OUTPUTS = PER_GROUP * GROUPS` output channels.
#[derive(Clone, Copy, Debug)]
pub struct ConvParameters<'a, const INPUTS: usize, const PER_GROUP: usize, const GROUPS: usize, const OUTPUTS: usize> {
    channels: Channels<'a, OUTPUTS>,
    offset: &'a [i32; OUTPUTS],
    words: &'a ConvWords<INPUTS, PER_GROUP, GROUPS>,
}

/// Parameters of conv1.
pub type Conv1Parameters<'a> = ConvParameters<'a, 1, CONV1_CHANNELS, 1, CONV1_CHANNELS>;

/// Parameters of conv2.
pub type Conv2Parameters<'a> =
    ConvParameters<'a, CONV1_CHANNELS, CONV2_GROUP, { CONV2_CHANNELS / CONV2_GROUP }, CONV2_CHANNELS>;

/// Output channels of conv2 whose weights lie side by side in the file.
pub const CONV2_GROUP: usize = 4;

impl<'a, const INPUTS: usize, const PER_GROUP: usize, const GROUPS: usize, const OUTPUTS: usize>
    ConvParameters<'a, INPUTS, PER_GROUP, GROUPS, OUTPUTS>
{
    /// Bias, multiplier and weight scale of each output channel.
    pub fn channels(&self) -> &Channels<'a, OUTPUTS> {
        &self.channels
    }

    /// 255 times the sum of the magnitudes of each output channel's negative weights: what a sum starts
    /// from where it must never fall below zero, see [`arch`](crate::arch).
    pub fn offsets(&self) -> &'a [i32; OUTPUTS] {
        self.offset
    }

    /// The weights as the file has them.
    pub fn words(&self) -> &'a ConvWords<INPUTS, PER_GROUP, GROUPS> {
        self.words
    }

    /// The weights of an output channel, with their row, column and input channel, row by row; nothing
    /// when there is no such channel.
    pub fn weights(
        &self,
        output: usize,
    ) -> impl Iterator<Item = ([usize; 3], i8)> + use<'a, INPUTS, PER_GROUP, GROUPS, OUTPUTS> {
        let group = self.words.get(output / PER_GROUP).into_iter().flatten();
        group.enumerate().flat_map(move |(row, inputs)| {
            inputs.iter().enumerate().flat_map(move |(input, columns)| {
                columns.iter().enumerate().flat_map(move |(column, outputs)| {
                    outputs.get(output % PER_GROUP).map(|word| ([row, column, input], low_field(*word) as i8))
                })
            })
        })
    }

    fn read(block: &mut Block<'a>) -> Result<Self, Error> {
        const { assert!(OUTPUTS == PER_GROUP * GROUPS) };
        Ok(Self { channels: Channels::read(block)?, offset: block.array()?, words: block.array()? })
    }

    fn check(&self, layer: Layer) -> Result<(), Error> {
        self.channels.check(layer, |channel| {
            let mut sums = Sums::default();
            let rows = self.words.get(channel / PER_GROUP).into_iter().flatten();
            for columns in rows.flatten() {
                let mut before = 0;
                for word in columns.iter().flat_map(|outputs| outputs.get(channel % PER_GROUP)) {
                    let weight = low_field(*word);
                    if weight == i32::from(i8::MIN) {
                        return Err(Error::Weight { layer, channel });
                    }
                    if i64::from(*word) != i64::from(weight) + (i64::from(before) << FIELD_BITS) {
                        return Err(Error::Words { layer, channel });
                    }
                    sums.add(i8::try_from(weight).map_err(|_| Error::Words { layer, channel })?);
                    before = weight;
                }
            }
            if sums.positive + sums.negative > WEIGHT_SUM_MAX {
                return Err(Error::FieldOverflow { layer, channel });
            }
            if self.offset.get(channel) != Some(&(255 * sums.negative as i32)) {
                return Err(Error::Offset { layer, channel });
            }
            Ok(sums)
        })
    }
}

/// A word's lowest field, signed.
#[inline]
pub(crate) const fn low_field(word: i32) -> i32 {
    (word << (32 - FIELD_BITS)) >> (32 - FIELD_BITS)
}

/// The parameters of a fully connected layer with `OUTPUTS = 2 * OUTPUT_PAIRS` outputs.
#[derive(Clone, Copy, Debug)]
pub struct DenseParameters<'a, const INPUT_PAIRS: usize, const OUTPUT_PAIRS: usize, const OUTPUTS: usize> {
    channels: Channels<'a, OUTPUTS>,
    words: &'a DenseWords<INPUT_PAIRS, OUTPUT_PAIRS>,
}

/// Parameters of fc1.
pub type Fc1Parameters<'a> = DenseParameters<'a, { dense_inputs(FC1_INPUTS) / 2 }, { FC1_OUTPUTS / 2 }, FC1_OUTPUTS>;

/// Parameters of fc2.
pub type Fc2Parameters<'a> = DenseParameters<'a, { dense_inputs(FC1_OUTPUTS) / 2 }, { FC2_OUTPUTS / 2 }, FC2_OUTPUTS>;

/// Parameters of fc3.
pub type Fc3Parameters<'a> = DenseParameters<'a, { dense_inputs(FC2_OUTPUTS) / 2 }, { CLASSES / 2 }, CLASSES>;

impl<'a, const INPUT_PAIRS: usize, const OUTPUT_PAIRS: usize, const OUTPUTS: usize>
    DenseParameters<'a, INPUT_PAIRS, OUTPUT_PAIRS, OUTPUTS>
{
    /// Bias, multiplier and weight scale of each output.
    pub fn channels(&self) -> &Channels<'a, OUTPUTS> {
        &self.channels
    }

    /// The weights as the file has them.
    pub fn words(&self) -> &'a DenseWords<INPUT_PAIRS, OUTPUT_PAIRS> {
        self.words
    }

    /// The weights of an output, input by input, with the zeros that fill the inputs up to a multiple
    /// of 8; nothing when there is no such output.
    pub fn weights(&self, output: usize) -> impl Iterator<Item = i8> + use<'a, INPUT_PAIRS, OUTPUT_PAIRS, OUTPUTS> {
        let words = self.words.get(output / 2).into_iter().flatten();
        words.flat_map(|word| [*word as u16, (*word >> 16) as u16]).map(move |halfword| {
            let [even, odd] = split_halfword(halfword);
            (if output.is_multiple_of(2) { even } else { odd }) as i8
        })
    }

    fn read(block: &mut Block<'a>) -> Result<Self, Error> {
        const { assert!(OUTPUTS == OUTPUT_PAIRS * 2) };
        Ok(Self { channels: Channels::read(block)?, words: block.array()? })
    }

    fn check(&self, layer: Layer) -> Result<(), Error> {
        self.channels.check(layer, |channel| {
            let mut sums = Sums::default();
            let words = self.words.get(channel / 2).into_iter().flatten();
            for (input, halfword) in words.flat_map(|word| [*word as u16, (*word >> 16) as u16]).enumerate() {
                let [even, odd] = split_halfword(halfword);
                let weight = if channel.is_multiple_of(2) { even } else { odd };
                let weight = i8::try_from(weight).map_err(|_| Error::Words { layer, channel })?;
                if weight == i8::MIN {
                    return Err(Error::Weight { layer, channel });
                }
                if weight != 0 && input >= layer.weights_per_output() {
                    return Err(Error::Padding);
                }
                sums.add(weight);
            }
            Ok(sums)
        })
    }
}

/// The weights of the even and the odd output in a halfword.
fn split_halfword(halfword: u16) -> [i16; 2] {
    let even = i16::from(halfword as i8);
    [even, (halfword as i16).wrapping_sub(even) >> 8]
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
    conv1: Conv1Parameters<'a>,
    conv2: Conv2Parameters<'a>,
    fc1: Fc1Parameters<'a>,
    fc2: Fc2Parameters<'a>,
    fc3: Fc3Parameters<'a>,
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
            conv1: ConvParameters::read(&mut block)?,
            conv2: ConvParameters::read(&mut block)?,
            fc1: DenseParameters::read(&mut block)?,
            fc2: DenseParameters::read(&mut block)?,
            fc3: DenseParameters::read(&mut block)?,
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

    /// Parameters of conv1.
    pub fn conv1(&self) -> &Conv1Parameters<'a> {
        &self.conv1
    }

    /// Parameters of conv2.
    pub fn conv2(&self) -> &Conv2Parameters<'a> {
        &self.conv2
    }

    /// Parameters of fc1.
    pub fn fc1(&self) -> &Fc1Parameters<'a> {
        &self.fc1
    }

    /// Parameters of fc2.
    pub fn fc2(&self) -> &Fc2Parameters<'a> {
        &self.fc2
    }

    /// Parameters of fc3.
    pub fn fc3(&self) -> &Fc3Parameters<'a> {
        &self.fc3
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
