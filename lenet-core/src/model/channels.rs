//! Bias, multiplier and weight scale of a layer's output channels.

use crate::architecture::Layer;
use crate::format::{BlockReader, Error};
use crate::quantization::{Multiplier, is_valid_scale};

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
    /// Added to the sum of the products; its scale is `s_in * s_w`.
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

    /// The scale of each channel's weights. Inference does not need it: the multiplier already contains it.
    pub fn weight_scales(&self) -> &'a [f32; OUTPUTS] {
        self.weight_scale
    }

    pub(super) fn read(block: &mut BlockReader<'a>) -> Result<Self, Error> {
        Ok(Self {
            bias: block.array()?,
            mantissa: block.array()?,
            weight_scale: block.array()?,
            exponent: block.array()?,
        })
    }

    /// Checks every channel; `sums` checks the weights of one channel and adds them up.
    ///
    /// `|bias| + 255 * sum(|w|) <= i32::MAX` proves that the accumulator cannot overflow: not for any input in
    /// [0, 255], not in any order of summation and not at any step of it.
    pub(super) fn check(
        &self,
        layer: Layer,
        mut sums: impl FnMut(usize) -> Result<WeightSums, Error>,
    ) -> Result<(), Error> {
        for (index, (channel, scale)) in self.iter().zip(self.weight_scale).enumerate() {
            if !is_valid_scale(*scale) {
                return Err(Error::WeightScale { layer, channel: index });
            }
            if !channel.multiplier.is_valid() {
                return Err(Error::Multiplier { layer, channel: index });
            }
            let WeightSums { positive, negative } = sums(index)?;
            // At most 2^31 plus 2^23: no overflow in u32.
            if channel.bias.unsigned_abs() + 255 * (positive + negative) > i32::MAX as u32 {
                return Err(Error::AccumulatorOverflow { layer, channel: index });
            }
        }
        Ok(())
    }
}

/// Sums of the magnitudes of a channel's positive and negative weights.
#[derive(Clone, Copy, Default)]
pub(super) struct WeightSums {
    pub(super) positive: u32,
    pub(super) negative: u32,
}

impl WeightSums {
    pub(super) fn add(&mut self, weight: i8) {
        let magnitude = u32::from(weight.unsigned_abs());
        if weight > 0 { self.positive += magnitude } else { self.negative += magnitude }
    }
}
