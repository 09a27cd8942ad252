//! Bias, multiplier and weight scale of a layer's output channels.

use crate::architecture::Layer;
use crate::format::{Error, Record};
use crate::quantization::{Multiplier, is_valid_scale};

/// What every output channel of a layer has besides its weights, borrowed from the file.
#[derive(Clone, Copy, Debug)]
pub struct Channels<'a>(&'a [Record]);

/// Bias and multiplier of one output channel.
#[derive(Clone, Copy, Debug)]
pub struct Channel {
    /// Added to the sum of the products; its scale is `s_in * s_w`.
    pub bias: i32,
    /// The real multiplier `s_in * s_w / s_out`.
    pub multiplier: Multiplier,
}

impl From<&Record> for Channel {
    #[inline]
    fn from(&[bias, mantissa, _, exponent]: &Record) -> Self {
        Self { bias, multiplier: Multiplier { mantissa, exponent } }
    }
}

impl<'a> Channels<'a> {
    pub(super) const fn new(records: &'a [Record]) -> Self {
        Self(records)
    }

    /// Number of output channels.
    #[expect(clippy::len_without_is_empty, reason = "every layer has some")]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// The output channels, in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Channel> + use<'a> {
        self.0.iter().map(Channel::from)
    }

    /// The output channels two by two. If their number is odd, the last one is left out.
    #[inline]
    pub(crate) fn pairs(&self) -> impl Iterator<Item = [Channel; 2]> + use<'a> {
        let (pairs, _) = self.0.as_chunks::<2>();
        pairs.iter().map(|[even, odd]| [even.into(), odd.into()])
    }

    /// The scale of each channel's weights. Inference does not need it: the multiplier already contains it.
    pub fn weight_scales(&self) -> impl Iterator<Item = f32> + use<'a> {
        self.0.iter().map(|&[_, _, weight_scale, _]| f32::from_bits(weight_scale as u32))
    }

    /// Checks every channel; `weights` gives the weights of one channel.
    ///
    /// `|bias| + 255 * sum(|w|) <= i32::MAX` proves that the accumulator cannot overflow: not for any input in
    /// [0, 255], not in any order of summation and not at any step of it.
    pub(super) fn check<W: IntoIterator<Item = i8>>(
        &self,
        layer: Layer,
        weights: impl Fn(usize) -> W,
    ) -> Result<(), Error> {
        for (channel, (record, scale)) in self.0.iter().zip(self.weight_scales()).enumerate() {
            let [bias, mantissa, _, exponent] = *record;
            if !is_valid_scale(scale) {
                return Err(Error::WeightScale { layer, channel });
            }
            if !(Multiplier { mantissa, exponent }).is_valid() {
                return Err(Error::Multiplier { layer, channel });
            }
            let mut sum = 0;
            for weight in weights(channel) {
                if weight == i8::MIN {
                    return Err(Error::Weight { layer, channel });
                }
                sum += u32::from(weight.unsigned_abs());
            }
            // At most 2^31 plus 2^23: no overflow in u32.
            if bias.unsigned_abs() + 255 * sum > i32::MAX as u32 {
                return Err(Error::AccumulatorOverflow { layer, channel });
            }
        }
        Ok(())
    }
}
