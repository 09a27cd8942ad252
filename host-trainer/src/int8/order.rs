//! Converts between the two orders of values: channels last in the int8 network, channels first in the float network.
//!
//! The int8 network stores a feature map as HWC, the weights of a convolution as OHWI and the columns of fc1 as HWC.
//! The float network uses PyTorch's order: CHW, OIHW and CHW. One map, or the weights of one output channel, can be
//! seen as a matrix of positions by channels; the other order is its transpose. Biases and scales have the same order
//! in both.

use lenet_core::Layer;
use lenet_core::architecture::{CONV1_CHANNELS, CONV2_CHANNELS};

/// The index in CHW order of the value that has the index `hwc` in HWC order.
///
/// - `hwc`: below `values`.
/// - `channels`: number of channels of the map.
/// - `values`: number of values in the whole map, a multiple of `channels`.
pub const fn chw_index(hwc: usize, channels: usize, values: usize) -> usize {
    let positions = values / channels;
    hwc % channels * positions + hwc / channels
}

/// The index in PyTorch's order of an int8 weight, both counted among the weights of its output channel.
///
/// - `index`: in HWI order for convolutions, in HWC order for fc1; below [`Layer::weights_per_output`].
pub const fn weight_index(layer: Layer, index: usize) -> usize {
    let values = layer.weights_per_output();
    let channels = match layer {
        Layer::Conv1 => 1,
        Layer::Conv2 => CONV1_CHANNELS,
        Layer::Fc1 => CONV2_CHANNELS,
        // There is only one position, so both orders are the same.
        Layer::Fc2 | Layer::Fc3 => values,
    };
    chw_index(index, channels, values)
}

/// Reorders the weights of a layer from PyTorch's order to that of the int8 network.
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

/// Reorders the weights of a layer from the order of the int8 network to PyTorch's.
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

/// Pairs of slices with the weights of each output channel, from two copies of a layer's weights.
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
        // Positions a, b, c with channels 0 and 1: a0 a1 b0 b1 c0 c1 becomes a0 b0 c0 a1 b1 c1.
        assert_eq!([0, 1, 2, 3, 4, 5].map(|hwc| chw_index(hwc, 2, 6)), [0, 3, 1, 4, 2, 5]);
    }

    #[test]
    fn weights_go_where_pytorch_has_them_and_come_back() {
        for layer in Layer::ALL {
            let pytorch: Vec<usize> = (0..2 * layer.weights_per_output()).collect();
            let int8 = int8_order(layer, &pytorch);
            assert_eq!(pytorch_order(layer, &int8), pytorch, "{layer}");
            // The second weight is the next input channel at the same position. In PyTorch's order that is a whole
            // kernel or map further on.
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
