//! The parameters of the fully connected layers.

use super::channels::{Channels, WeightSums};
use crate::architecture::{CLASSES, FC1_INPUTS, FC1_OUTPUTS, FC2_OUTPUTS, Layer};
use crate::format::{BlockReader, DenseWords, Error, dense_inputs, halfwords, split_halfword};

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

    /// The weights as stored in the file.
    pub fn words(&self) -> &'a DenseWords<INPUT_PAIRS, OUTPUT_PAIRS> {
        self.words
    }

    /// The weights of an output, input by input, including the zeros that pad the inputs to a multiple of 8. Empty if
    /// there is no such output.
    pub fn weights(&self, output: usize) -> impl Iterator<Item = i8> + use<'a, INPUT_PAIRS, OUTPUT_PAIRS, OUTPUTS> {
        let words = self.words.get(output / 2).into_iter().flatten();
        words.flat_map(|word| halfwords(*word)).map(move |halfword| {
            let [even, odd] = split_halfword(halfword);
            (if output.is_multiple_of(2) { even } else { odd }) as i8
        })
    }

    pub(super) fn read(block: &mut BlockReader<'a>) -> Result<Self, Error> {
        const { assert!(OUTPUTS == OUTPUT_PAIRS * 2) };
        Ok(Self { channels: Channels::read(block)?, words: block.array()? })
    }

    pub(super) fn check(&self, layer: Layer) -> Result<(), Error> {
        self.channels.check(layer, |channel| {
            let mut sums = WeightSums::default();
            let words = self.words.get(channel / 2).into_iter().flatten();
            for (input, halfword) in words.flat_map(|word| halfwords(*word)).enumerate() {
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
