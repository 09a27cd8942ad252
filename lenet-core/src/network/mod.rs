//! The network: a model and the buffers of one inference.

mod fully_connected;

use fully_connected::{fully_connected, fully_connected_logits};

use crate::arch::{Blank, Workspace, conv1_pool, conv2_pool};
use crate::architecture::{Layer, Pixels, Tensor};
use crate::logits::Logits;
use crate::model::Model;
use crate::quantization::Quantization;

/// LeNet-5, ready to classify: a checked model and its [`Workspace`].
#[derive(Clone, Debug)]
pub struct LeNet5<'m> {
    model: Model<'m>,
    workspace: Workspace,
}

impl<'m> LeNet5<'m> {
    /// A network that runs `model`.
    pub const fn new(model: Model<'m>) -> Self {
        Self { model, workspace: Workspace::new() }
    }

    /// Runs the network on one image. It cannot fail and uses no floating point.
    pub fn classify(&mut self, pixels: &Pixels) -> Logits {
        self.classify_with(pixels, Blank::Skip, |_| ())
    }

    /// Like [`classify`](Self::classify), but lets the caller choose what to do with blank input, and calls `finished`
    /// after each layer. Benchmarks use it to time the layers.
    #[inline(always)]
    pub fn classify_with(&mut self, pixels: &Pixels, blank: Blank, mut finished: impl FnMut(Layer)) -> Logits {
        let Self { model, workspace: Workspace { scratch, pool1, pool2, fc1, fc2 } } = self;
        conv1_pool(pixels, model.conv1(), model.pool1(), blank, scratch, pool1);
        finished(Layer::Conv1);
        conv2_pool(pool1, model.conv2(), model.pool2(), scratch, pool2);
        finished(Layer::Conv2);
        fully_connected(pool2.as_flattened().as_flattened(), model.fc1(), blank, scratch, fc1);
        finished(Layer::Fc1);
        fully_connected(fc1, model.fc2(), blank, scratch, fc2);
        finished(Layer::Fc2);
        let Quantization { scale, zero_point } = model.quantization(Tensor::Logits);
        let logits = fully_connected_logits(fc2, model.fc3(), blank, scratch, scale.to_bits(), zero_point);
        finished(Layer::Fc3);
        logits
    }

    /// The model it runs.
    pub fn model(&self) -> &Model<'m> {
        &self.model
    }

    /// The activations of the last image classified.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }
}
