//! The parameters of the convolutions.

use super::channels::{Channels, WeightSums};
use crate::architecture::{CONV1_CHANNELS, CONV2_CHANNELS, Layer};
use crate::format::{BlockReader, CONV2_GROUP, ConvWords, Error, FIELD_BITS, WEIGHT_SUM_MAX, low_field};

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

impl<'a, const INPUTS: usize, const PER_GROUP: usize, const GROUPS: usize, const OUTPUTS: usize>
    ConvParameters<'a, INPUTS, PER_GROUP, GROUPS, OUTPUTS>
{
    /// Bias, multiplier and weight scale of each output channel.
    pub fn channels(&self) -> &Channels<'a, OUTPUTS> {
        &self.channels
    }

    /// For each output channel, 255 times the sum of the magnitudes of its negative weights. A kernel that must keep
    /// its sums from going below zero starts them here, see [`arch`](crate::arch).
    pub fn offsets(&self) -> &'a [i32; OUTPUTS] {
        self.offset
    }

    /// The weights as stored in the file.
    pub fn words(&self) -> &'a ConvWords<INPUTS, PER_GROUP, GROUPS> {
        self.words
    }

    /// The weights of an output channel, each with its `[row, column, input channel]`, row by row. Empty if there is
    /// no such channel.
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

    pub(super) fn read(block: &mut BlockReader<'a>) -> Result<Self, Error> {
        const { assert!(OUTPUTS == PER_GROUP * GROUPS) };
        Ok(Self { channels: Channels::read(block)?, offset: block.array()?, words: block.array()? })
    }

    pub(super) fn check(&self, layer: Layer) -> Result<(), Error> {
        self.channels.check(layer, |channel| {
            let mut sums = WeightSums::default();
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
