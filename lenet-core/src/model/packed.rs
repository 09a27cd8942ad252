//! The convolutions' weights as 32-bit words, from an optional section of the file.

use super::channels::Channels;
use crate::architecture::Layer;
use crate::format::{BlockReader, ConvWeights, ConvWords, Error, FIELD_BITS, PACKED_EXPONENT_MAX, WEIGHT_SUM_MAX};

/// The weights of one convolution, packed for kernels that multiply with `SMLAL` (see [`arch`](crate::arch)).
///
/// It exists only if each channel's weight magnitudes add up to at most [`WEIGHT_SUM_MAX`] and its multiplier is below
/// 1/4.
#[derive(Clone, Copy, Debug)]
pub struct PackedConv<'a, const INPUTS: usize, const PER_GROUP: usize, const GROUPS: usize, const OUTPUTS: usize> {
    offset: &'a [i32; OUTPUTS],
    words: &'a ConvWords<INPUTS, PER_GROUP, GROUPS>,
}

impl<'a, const INPUTS: usize, const PER_GROUP: usize, const GROUPS: usize, const OUTPUTS: usize>
    PackedConv<'a, INPUTS, PER_GROUP, GROUPS, OUTPUTS>
{
    /// For each output channel, 255 times the sum of the magnitudes of its negative weights. A kernel that must keep
    /// its sums from going below zero starts them here.
    pub fn offsets(&self) -> &'a [i32; OUTPUTS] {
        self.offset
    }

    /// The weights as stored in the file.
    pub fn words(&self) -> &'a ConvWords<INPUTS, PER_GROUP, GROUPS> {
        self.words
    }

    pub(super) fn read(section: &mut BlockReader<'a>) -> Result<Self, Error> {
        Ok(Self { offset: section.array()?, words: section.array()? })
    }

    pub(super) fn check(
        &self,
        layer: Layer,
        channels: Channels<'_>,
        weights: &ConvWeights<INPUTS, OUTPUTS>,
    ) -> Result<(), Error> {
        for (channel, ((values, weights), offset)) in channels.iter().zip(weights).zip(self.offset).enumerate() {
            if values.multiplier.exponent > PACKED_EXPONENT_MAX {
                return Err(Error::LargeMultiplier { layer, channel });
            }
            let (mut magnitudes, mut negative) = (0, 0);
            let rows = self.words.get(channel / PER_GROUP).into_iter().flatten();
            for (words, weights) in rows.zip(weights) {
                for (input, columns) in words.iter().enumerate() {
                    let mut before = 0;
                    for (outputs, weights) in columns.iter().zip(weights) {
                        let weight = weights.get(input).copied().map_or(0, i32::from);
                        let expected = weight + (before << FIELD_BITS);
                        if outputs.get(channel % PER_GROUP) != Some(&expected) {
                            return Err(Error::Words { layer, channel });
                        }
                        magnitudes += weight.unsigned_abs();
                        negative += weight.min(0);
                        before = weight;
                    }
                }
            }
            if magnitudes > WEIGHT_SUM_MAX {
                return Err(Error::FieldOverflow { layer, channel });
            }
            if *offset != -255 * negative {
                return Err(Error::Offset { layer, channel });
            }
        }
        Ok(())
    }
}
