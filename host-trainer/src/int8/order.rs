//! The order of values: channels last in the int8 network, channels first in the float network.
//!
//! The int8 network stores an activation map as HWC, a convolution's weights as OHWI, and fc1's columns as HWC. The
//! float network has PyTorch's order: CHW, OIHW, and CHW. Within one map, or within the weights of one output channel,
//! both are a table of positions and channels, and one is the other transposed. Biases and scales are in the same order
//! in both.

use lenet_core::Layer;
use lenet_core::architecture::{CONV1_CHANNELS, CONV2_CHANNELS};

/// The index in CHW order of the value with the index `hwc` in HWC order.
///
/// - `channels`: of the map.
/// - `values`: in the whole map, a multiple of `channels`; `hwc` is below it.
pub const fn chw_index(hwc: usize, channels: usize, values: usize) -> usize {
    let positions = values / channels;
    hwc % channels * positions + hwc / channels
}

/// The index, among the weights of an output channel, that the int8 weight `index` has in PyTorch's order.
///
/// - `index`: in OHWI order for convolutions, in HWC order for fc1; below [`Layer::weights_per_output`].
pub const fn weight_index(layer: Layer, index: usize) -> usize {
    let values = layer.weights_per_output();
    let channels = match layer {
        Layer::Conv1 => 1,
        Layer::Conv2 => CONV1_CHANNELS,
        Layer::Fc1 => CONV2_CHANNELS,
        // A single position: both orders are the same.
        Layer::Fc2 | Layer::Fc3 => values,
    };
    chw_index(index, channels, values)
}

/// The weights of a layer, given in PyTorch's order, in the order of the int8 network.
///
/// # Panics
/// When `weights` is not a whole number of output channels.
pub fn int8_order<T: Copy>(layer: Layer, weights: &[T]) -> Vec<T> {
    let mut ordered = weights.to_vec();
    for (to, from) in channels(layer, &mut ordered, weights) {
        for (index, value) in to.iter_mut().enumerate() {
            *value = from[weight_index(layer, index)];
        }
    }
    ordered
}

/// The weights of a layer, given in the order of the int8 network, in PyTorch's order.
///
/// # Panics
/// When `weights` is not a whole number of output channels.
pub fn pytorch_order<T: Copy>(layer: Layer, weights: &[T]) -> Vec<T> {
    let mut ordered = weights.to_vec();
    for (to, from) in channels(layer, &mut ordered, weights) {
        for (index, value) in from.iter().enumerate() {
            to[weight_index(layer, index)] = *value;
        }
    }
    ordered
}

/// The weights of each output channel, in two copies of a layer's weights.
fn channels<'a, T>(
    layer: Layer,
    to: &'a mut [T],
    from: &'a [T],
) -> impl Iterator<Item = (&'a mut [T], &'a [T])> + use<'a, T> {
    let length = layer.weights_per_output();
    assert_eq!(from.len() % length, 0, "{layer} has {length} weights for each output channel");
    to.chunks_exact_mut(length).zip(from.chunks_exact(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_of_two_channels_is_transposed() {
        // Positions a, b, c with channels 0 and 1: a0 a1 b0 b1 c0 c1 to a0 b0 c0 a1 b1 c1.
        assert_eq!([0, 1, 2, 3, 4, 5].map(|hwc| chw_index(hwc, 2, 6)), [0, 3, 1, 4, 2, 5]);
    }

    #[test]
    fn weights_go_where_pytorch_has_them_and_come_back() {
        for layer in Layer::ALL {
            let pytorch: Vec<usize> = (0..2 * layer.weights_per_output()).collect();
            let int8 = int8_order(layer, &pytorch);
            assert_eq!(pytorch_order(layer, &int8), pytorch, "{layer}");
            // The second weight is the next input channel at the same position, a whole kernel or map further on.
            let second = match layer {
                Layer::Conv1 | Layer::Fc2 | Layer::Fc3 => 1,
                Layer::Conv2 => 25,
                Layer::Fc1 => 16,
            };
            assert_eq!(int8[1], second, "{layer}");
            assert_eq!(int8[layer.weights_per_output()], layer.weights_per_output(), "{layer}");
        }
    }

    #[test]
    #[should_panic(expected = "conv1 has 25 weights")]
    fn half_a_channel_is_refused() {
        int8_order(Layer::Conv1, &[0; 24]);
    }
}
