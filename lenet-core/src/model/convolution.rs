//! The parameters of the convolutions.

use super::channels::Channels;
use super::packed::PackedConv;
use crate::architecture::{CONV1_CHANNELS, CONV2_CHANNELS, KERNEL_SIDE, Layer};
use crate::format::{BlockReader, CONV2_GROUP, ConvWeights, Error};

/// The parameters of a convolution with `OUTPUTS = PER_GROUP * GROUPS` output channels.
#[derive(Clone, Copy, Debug)]
pub struct ConvParameters<'a, const INPUTS: usize, const PER_GROUP: usize, const GROUPS: usize, const OUTPUTS: usize> {
    channels: Channels<'a>,
    weights: &'a ConvWeights<INPUTS, OUTPUTS>,
    packed: Option<PackedConv<'a, INPUTS, PER_GROUP, GROUPS, OUTPUTS>>,
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
    pub fn channels(&self) -> Channels<'a> {
        self.channels
    }

    /// The weights in [-127, 127], OHWI.
    pub fn weights(&self) -> &'a ConvWeights<INPUTS, OUTPUTS> {
        self.weights
    }

    /// The weights of all output channels one after the other, each HWI.
    pub fn flat_weights(&self) -> &'a [i8] {
        self.weights.as_flattened().as_flattened().as_flattened()
    }

    /// The same weights for kernels that multiply with `SMLAL`, if the file has them.
    pub fn packed(&self) -> Option<PackedConv<'a, INPUTS, PER_GROUP, GROUPS, OUTPUTS>> {
        self.packed
    }

    pub(super) fn read(block: &mut BlockReader<'a>) -> Result<Self, Error> {
        const { assert!(OUTPUTS == PER_GROUP * GROUPS) };
        let channels = Channels::new(block.slice(OUTPUTS)?);
        Ok(Self { channels, weights: block.array()?, packed: None })
    }

    pub(super) fn check(&self, layer: Layer) -> Result<(), Error> {
        let weights = self.flat_weights();
        let per_output = KERNEL_SIDE * KERNEL_SIDE * INPUTS;
        self.channels.check(layer, |channel| weights.iter().skip(channel * per_output).take(per_output).copied())
    }

    /// Reads this layer's part of the section and checks it against the weights.
    pub(super) fn read_packed(&mut self, layer: Layer, section: &mut BlockReader<'a>) -> Result<(), Error> {
        let packed = PackedConv::read(section)?;
        packed.check(layer, self.channels, self.weights)?;
        self.packed = Some(packed);
        Ok(())
    }
}
