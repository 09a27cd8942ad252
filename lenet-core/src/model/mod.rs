//! A model file, checked once and read in place.

mod channels;
mod convolution;
mod dense;
mod packed;

pub use channels::{Channel, Channels};
pub use convolution::{Conv1Parameters, Conv2Parameters, ConvParameters};
pub use dense::{DenseParameters, Rows};
pub use packed::PackedConv;

use crate::architecture::{Layer, Pool, Tensor};
use crate::checksum::Crc32;
use crate::format::{
    ALIGNMENT, BlockReader, CHECKSUM_BYTES, Description, Error, Extras, MAGIC, Network, Prefix, SMLAL, SMLAL_BYTES,
    VERSION, parameter_bytes,
};
use crate::labels::Labels;
use crate::logits::Logits;
use crate::preparation::Preparation;
use crate::quantization::{ACTIVATION_ZERO_POINT, Quantization, is_valid_scale};

/// A quantized LeNet-5, borrowed from the bytes of its file.
///
/// A `Model` exists only if every check passed, so functions that take one cannot fail.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    pool1: Pool,
    pool2: Pool,
    activations: [Quantization; 6],
    labels: Labels<'a>,
    none_of_these: Option<u8>,
    preparation: Preparation,
    identity: u32,
    conv1: Conv1Parameters<'a>,
    conv2: Conv2Parameters<'a>,
    fc1: DenseParameters<'a>,
    fc2: DenseParameters<'a>,
    fc3: DenseParameters<'a>,
    /// The message with the description, which is decoded when it is asked for: that takes less RAM.
    extras: &'a [u8],
}

impl<'a> Model<'a> {
    /// Reads a model file. `bytes` must be the whole file and start at an address that is a multiple of 4;
    /// [`include_model!`](crate::include_model) takes care of that for a file that is built in.
    ///
    /// This checks magic number, version, checksum, length and every value: labels, scales, zero points, weights,
    /// multipliers and the sections that it knows. It also proves that no accumulator can overflow.
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
        let (network, extras) = postcard::take_from_bytes::<Network<'a>>(bytes).map_err(|_| Error::Malformed)?;
        let (Extras { padding, sections, .. }, rest) =
            postcard::take_from_bytes::<Extras<'a>>(extras).map_err(|_| Error::Malformed)?;
        let (stored, after) = rest.split_first_chunk::<CHECKSUM_BYTES>().ok_or(Error::Malformed)?;
        let stored = u32::from_le_bytes(*stored);
        let mut crc = Crc32::new();
        crc.update(bytes.get(..bytes.len() - extras.len()).ok_or(Error::Malformed)?);
        let identity = crc.clone().finish();
        crc.update(extras.get(..extras.len() - rest.len()).ok_or(Error::Malformed)?);
        let computed = crc.finish();
        if stored != computed {
            return Err(Error::Checksum { stored, computed });
        }
        let mut model = Self::from_network(&network, identity, extras)?;
        model.read_sections(BlockReader::new(padding, sections)?)?;
        Ok((model, bytes.len() - after.len()))
    }

    fn from_network(network: &Network<'a>, identity: u32, extras: &'a [u8]) -> Result<Self, Error> {
        for (tensor, quantization) in Tensor::ALL.into_iter().zip(network.activations) {
            if !is_valid_scale(quantization.scale) {
                return Err(Error::Scale(tensor));
            }
            if tensor != Tensor::Logits && quantization.zero_point != ACTIVATION_ZERO_POINT {
                return Err(Error::ZeroPoint { tensor, found: quantization.zero_point });
            }
        }
        let labels = Labels::new(network.labels).map_err(Error::Labels)?;
        let classes = labels.len();
        if let Some(class) = network.none_of_these
            && usize::from(class) >= classes
        {
            return Err(Error::NoneOfThese { class, classes });
        }
        if let Some(rule) = network.rejection.first() {
            return Err(Error::Rejection(*rule));
        }
        let preparation = Preparation::from_code(network.preparation).ok_or(Error::Preparation(network.preparation))?;
        let mut block = BlockReader::new(network.padding, network.parameters)?;
        if block.remaining() != parameter_bytes(classes) {
            return Err(Error::ParameterLength { expected: parameter_bytes(classes), found: block.remaining() });
        }
        let model = Self {
            pool1: network.pool1,
            pool2: network.pool2,
            activations: network.activations,
            labels,
            none_of_these: network.none_of_these,
            preparation,
            identity,
            conv1: ConvParameters::read(&mut block)?,
            conv2: ConvParameters::read(&mut block)?,
            fc1: DenseParameters::read(Layer::Fc1, classes, &mut block)?,
            fc2: DenseParameters::read(Layer::Fc2, classes, &mut block)?,
            fc3: DenseParameters::read(Layer::Fc3, classes, &mut block)?,
            extras,
        };
        model.conv1.check(Layer::Conv1)?;
        model.conv2.check(Layer::Conv2)?;
        model.fc1.check(Layer::Fc1)?;
        model.fc2.check(Layer::Fc2)?;
        model.fc3.check(Layer::Fc3)?;
        Ok(model)
    }

    /// Reads the sections that this build knows and skips the others.
    fn read_sections(&mut self, mut sections: BlockReader<'a>) -> Result<(), Error> {
        while sections.remaining() > 0 {
            let (tag, length) = sections.header()?;
            let mut content = sections.part(length)?;
            if tag == SMLAL {
                if length != SMLAL_BYTES || self.conv1.packed().is_some() {
                    return Err(Error::Sections);
                }
                self.conv1.read_packed(Layer::Conv1, &mut content)?;
                self.conv2.read_packed(Layer::Conv2, &mut content)?;
            }
        }
        Ok(())
    }

    /// Number of classes, in [2, 64].
    pub fn classes(&self) -> usize {
        self.fc3.channels().len()
    }

    /// The names of the classes.
    pub fn labels(&self) -> Labels<'a> {
        self.labels
    }

    /// The class that stands for anything else, if there is one.
    pub fn none_of_these(&self) -> Option<usize> {
        self.none_of_these.map(usize::from)
    }

    /// The class that these logits stand for, or `None` if it is the one for anything else.
    pub fn answer(&self, logits: &Logits) -> Option<usize> {
        Some(logits.class()).filter(|class| self.none_of_these() != Some(*class))
    }

    /// How inputs are prepared.
    pub fn preparation(&self) -> Preparation {
        self.preparation
    }

    /// One number over everything that determines answers: the CRC-32 of the file up to the end of the parameters.
    /// Description and sections do not change it.
    pub fn identity(&self) -> u32 {
        self.identity
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
    pub fn fc1(&self) -> &DenseParameters<'a> {
        &self.fc1
    }

    /// Parameters of fc2.
    pub fn fc2(&self) -> &DenseParameters<'a> {
        &self.fc2
    }

    /// Parameters of fc3.
    pub fn fc3(&self) -> &DenseParameters<'a> {
        &self.fc3
    }

    /// Scale and zero point of a tensor.
    pub fn quantization(&self, tensor: Tensor) -> Quantization {
        self.activations[tensor as usize]
    }

    /// Where the model comes from.
    pub fn description(&self) -> Description<'a> {
        postcard::take_from_bytes(self.extras).map(|(description, _)| description).unwrap_or_default()
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
