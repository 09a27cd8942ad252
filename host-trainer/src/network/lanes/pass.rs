//! The forward and backward pass through either network.

use lenet_core::Pools;

use super::{Group, InstructionSet, Lanes, SimulatedInt8};
use crate::network::Parameters;

/// The network to run images through.
#[derive(Clone, Copy)]
pub enum Pass<'a> {
    /// The float network.
    Float(&'a Parameters<f32>, Pools),
    /// The int8 network that the float network would be quantized to, simulated to get gradients for training.
    SimulatedInt8(&'a SimulatedInt8),
}

impl Pass<'_> {
    /// Number of classes.
    pub fn classes(self) -> usize {
        match self {
            Self::Float(parameters, _) => parameters.classes(),
            Self::SimulatedInt8(int8) => int8.real.classes(),
        }
    }

    /// Computes every activation of the images in `group`.
    pub fn forward(self, set: InstructionSet, group: &mut Group) {
        match self {
            Self::Float(parameters, pools) => group.forward(set, parameters, pools),
            Self::SimulatedInt8(int8) => group.forward_int8(set, int8),
        }
    }

    /// Adds the gradient with respect to every parameter to `gradient`, see [`Group::backward`]. Call it right after
    /// [`forward`](Self::forward) on the same `group`.
    pub fn backward(self, set: InstructionSet, group: &mut Group, d_logits: &[Lanes], gradient: &mut Parameters<f32>) {
        match self {
            Self::Float(parameters, pools) => group.backward(set, parameters, pools, d_logits, gradient),
            Self::SimulatedInt8(int8) => group.backward_int8(set, int8, d_logits, gradient),
        }
    }
}
