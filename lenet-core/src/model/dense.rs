//! The parameters of the fully connected layers.

use super::channels::Channels;
use crate::architecture::Layer;
use crate::format::{BlockReader, DenseWord, Error, dense_inputs, halfwords, split_halfword};

const _: () = {
    let layers = [Layer::Fc1, Layer::Fc2, Layer::Fc3];
    let mut i = 0;
    while i < layers.len() {
        let input_pairs = dense_inputs(layers[i].weights_per_output()) / 2;
        assert!(input_pairs >= 16 && input_pairs.is_multiple_of(4));
        i += 1;
    }
};

/// The parameters of a fully connected layer.
#[derive(Clone, Copy, Debug)]
pub struct DenseParameters<'a> {
    channels: Channels<'a>,
    words: &'a [DenseWord],
    input_pairs: usize,
}

impl<'a> DenseParameters<'a> {
    /// Bias, multiplier and weight scale of each output.
    pub fn channels(&self) -> Channels<'a> {
        self.channels
    }

    /// The weights as stored in the file, for every two outputs. If the number of outputs is odd, the last one is paired
    /// with zero weights.
    pub fn rows(&self) -> Rows<'a> {
        Rows { words: self.words, input_pairs: self.input_pairs }
    }

    /// The weights of an output, input by input, including the zeros that pad the inputs to a multiple of 8. Empty if
    /// there is no such output.
    pub fn weights(&self, output: usize) -> impl Iterator<Item = i8> + use<'a> {
        let words = self.rows().nth(output / 2).into_iter().flatten();
        words.flat_map(|word| halfwords(*word)).map(move |halfword| {
            let [even, odd] = split_halfword(halfword);
            if output.is_multiple_of(2) { even } else { odd }
        })
    }

    pub(super) fn read(layer: Layer, classes: usize, block: &mut BlockReader<'a>) -> Result<Self, Error> {
        let outputs = layer.outputs(classes);
        let input_pairs = dense_inputs(layer.weights_per_output()) / 2;
        let channels = Channels::new(block.slice(outputs)?);
        Ok(Self { channels, words: block.slice(outputs.div_ceil(2) * input_pairs)?, input_pairs })
    }

    pub(super) fn check(&self, layer: Layer) -> Result<(), Error> {
        let inputs = layer.weights_per_output();
        for output in 0..self.channels.len().next_multiple_of(2) {
            // A partner without a channel has no weights.
            let used = if output < self.channels.len() { inputs } else { 0 };
            if self.weights(output).skip(used).any(|weight| weight != 0) {
                return Err(Error::Padding);
            }
        }
        self.channels.check(layer, |channel| self.weights(channel))
    }
}

/// The words of every two outputs. `chunks_exact` would divide, which a Cortex-M0 cannot.
///
/// A row has at least 16 words, a multiple of 4: the kernels in assembly rely on it.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    words: &'a [DenseWord],
    input_pairs: usize,
}

impl Rows<'_> {
    /// Words in a row: half of the padded inputs.
    #[inline]
    pub fn input_pairs(&self) -> usize {
        self.input_pairs
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = &'a [DenseWord];

    #[inline]
    fn next(&mut self) -> Option<&'a [DenseWord]> {
        let (row, rest) = self.words.split_at_checked(self.input_pairs)?;
        self.words = rest;
        Some(row)
    }
}
