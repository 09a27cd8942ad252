//! A model file, checked once and read in place.

mod channels;
mod convolution;
mod dense;

pub use channels::{Channel, Channels};
pub use convolution::{Conv1Parameters, Conv2Parameters, ConvParameters};
pub use dense::{DenseParameters, Fc1Parameters, Fc2Parameters, Fc3Parameters};

use crate::architecture::{Layer, Pool, Tensor};
use crate::checksum::crc32;
use crate::format::{
    ALIGNMENT, BlockReader, CHECKSUM_BYTES, Description, Error, MAGIC, Message, PARAMETER_BYTES, Prefix, VERSION,
};
use crate::quantization::{ACTIVATION_ZERO_POINT, Quantization, is_valid_scale};

/// A quantized LeNet-5, borrowed from the bytes of its file.
///
/// A `Model` exists only if every check passed, so functions that take one cannot fail.
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
    /// Reads a model file. `bytes` must be the whole file and start at an address that is a multiple of 4;
    /// [`include_model!`](crate::include_model) takes care of that for a file that is built in.
    ///
    /// This checks magic number, version, checksum, length and every value: scales, zero points, weights and
    /// multipliers. It also proves that no accumulator can overflow.
    ///
    /// # Errors
    /// The first problem found.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        let (model, length) = Self::from_prefix(bytes)?;
        match bytes.len() - length {
            0 => Ok(model),
            trailing => Err(Error::TrailingBytes(trailing)),
        }
    }

    /// Reads a model that starts at `bytes[0]` and may end before `bytes` does, as in a flash slot. Returns the model
    /// and the length of its file in bytes.
    ///
    /// # Errors
    /// As for [`from_bytes`](Self::from_bytes), except that more bytes may follow the file.
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
            if !is_valid_scale(quantization.scale) {
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
        let mut block = BlockReader::new(message.parameters);
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
