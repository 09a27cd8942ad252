//! The parameters of the fully connected layers.

use super::channels::Channels;
use crate::architecture::{FC1_INPUTS, FC1_OUTPUTS, FC2_OUTPUTS, Layer};
use crate::format::{BlockReader, DenseWords, Error, dense_inputs, halfwords, split_halfword};

/// The parameters of a fully connected layer.
#[derive(Clone, Copy, Debug)]
pub struct DenseParameters<'a, const INPUT_PAIRS: usize> {
    channels: Channels<'a>,
    words: &'a DenseWords<INPUT_PAIRS>,
}

/// Parameters of fc1.
pub type Fc1Parameters<'a> = DenseParameters<'a, { dense_inputs(FC1_INPUTS) / 2 }>;

/// Parameters of fc2.
pub type Fc2Parameters<'a> = DenseParameters<'a, { dense_inputs(FC1_OUTPUTS) / 2 }>;

/// Parameters of fc3. It has one output for each class.
pub type Fc3Parameters<'a> = DenseParameters<'a, { dense_inputs(FC2_OUTPUTS) / 2 }>;

impl<'a, const INPUT_PAIRS: usize> DenseParameters<'a, INPUT_PAIRS> {
    /// Bias, multiplier and weight scale of each output.
    pub fn channels(&self) -> Channels<'a> {
        self.channels
    }

    /// The weights as stored in the file, for every two outputs. If the number of outputs is odd, the last has a partner
    /// with zero weights.
    pub fn words(&self) -> &'a DenseWords<INPUT_PAIRS> {
        self.words
    }

    /// The weights of an output, input by input, including the zeros that pad the inputs to a multiple of 8. Empty if
    /// there is no such output.
    pub fn weights(&self, output: usize) -> impl Iterator<Item = i8> + use<'a, INPUT_PAIRS> {
        let words = self.words.get(output / 2).into_iter().flatten();
        words.flat_map(|word| halfwords(*word)).map(move |halfword| {
            let [even, odd] = split_halfword(halfword);
            if output.is_multiple_of(2) { even } else { odd }
        })
    }

    pub(super) fn read(outputs: usize, block: &mut BlockReader<'a>) -> Result<Self, Error> {
        let channels = Channels::new(block.slice(outputs)?);
        Ok(Self { channels, words: block.slice(outputs.div_ceil(2))? })
    }

    pub(super) fn check(&self, layer: Layer) -> Result<(), Error> {
        let inputs = layer.weights_per_output();
        for output in 0..2 * self.words.len() {
            // A partner without a channel has no weights.
            let used = if output < self.channels.len() { inputs } else { 0 };
            if self.weights(output).skip(used).any(|weight| weight != 0) {
                return Err(Error::Padding);
            }
        }
        self.channels.check(layer, |channel| self.weights(channel))
    }
}
