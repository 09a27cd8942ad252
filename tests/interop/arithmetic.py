"""lenet's int8 arithmetic in numpy, applied to the numbers in an ONNX file in QDQ form.

Runtimes round the mean of a pool differently, so the function that does it is an argument. Activations are stored as
q + 128: since every tensor except the logits has zero point -128, 0 means the real value 0.
"""

import numpy as np
from onnx import numpy_helper

LAYERS = ["conv1", "conv2", "fc1", "fc2", "fc3"]
BATCH = 500


def corners(maps):
    """The four corners of all 2x2 windows, each [N, C, H / 2, W / 2]."""
    return [maps[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1)]


def mean_away_from_zero(maps, _scale):
    """The mean of int8 values with ties away from zero, as lenet and TFLite compute it."""
    total = sum(corners(maps - 128))
    return np.sign(total) * ((np.abs(total) + 2) // 4) + 128


def real_corners(maps, scale):
    return [corner.astype(np.float32) * scale for corner in corners(maps)]


def mean_value_by_value(maps, scale):
    """The mean of the real values in f32, added one after the other, as ONNX Runtime's integer kernel computes it.

    The scale and the sum are rounded, so a tie between two steps may go either way.
    """
    a, b, c, d = real_corners(maps, scale)
    return np.rint((a + b + c + d) / np.float32(4) / scale).astype(np.int64)


def mean_by_columns(maps, scale):
    """The same with each column added first, as ONNX Runtime's float kernel computes it."""
    a, b, c, d = real_corners(maps, scale)
    return np.rint(((a + c) + (b + d)) / np.float32(4) / scale).astype(np.int64)


def patches(maps):
    """The 5x5 windows of [N, C, H, W] as rows in the order of OIHW weights, [N, H - 4, W - 4, C * 25]."""
    view = np.lib.stride_tricks.sliding_window_view(maps, (5, 5), (2, 3)).transpose(0, 2, 3, 1, 4, 5)
    return view.reshape(*view.shape[:3], -1)


class Network:
    """The int8 network of an ONNX model."""

    def __init__(self, model):
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        self.pools = [node.op_type for node in model.graph.node if node.op_type in ("AveragePool", "MaxPool")]

    def layer(self, rows, index):
        """The requantized outputs of a layer, [..., outputs], for rows [..., inputs]; the zero point is not added."""
        name, before = LAYERS[index], ["input", *LAYERS][index]
        part = {key: self.constants[f"{name}_{key}"] for key in ("weight_int8", "weight_scale", "bias_int32", "scale")}
        weight = part["weight_int8"].reshape(len(part["bias_int32"]), -1).astype(np.float64)
        # All of these sums are exact in f64.
        sums = (rows.astype(np.float64) @ weight.T).astype(np.int64) + part["bias_int32"]
        real = np.float64(self.constants[f"{before}_scale"]) * part["weight_scale"].astype(np.float64)
        fraction, exponent = np.frexp(real / np.float64(part["scale"]))
        mantissa, shift = np.floor(fraction * 2.0**31 + 0.5).astype(np.int64), 31 - exponent.astype(np.int64)
        return (sums * mantissa + (1 << (shift - 1))) >> shift

    def batch(self, images, mean):
        maps = images.astype(np.int64)
        for index, pool in enumerate(self.pools):
            maps = self.layer(patches(maps), index).clip(0, 255).transpose(0, 3, 1, 2)
            scale = self.constants[f"{LAYERS[index]}_scale"]
            maps = mean(maps, scale) if pool == "AveragePool" else np.maximum.reduce(corners(maps))
        rows = maps.reshape(len(maps), -1)
        for index in (2, 3):
            rows = self.layer(rows, index).clip(0, 255)
        return (self.layer(rows, 4) + self.constants["fc3_zero_point"]).clip(-128, 127).astype(np.int8)

    def logits(self, images, mean=mean_away_from_zero):
        """int8 logits, [N, classes], of images as bytes, [N, 1, 28, 28]."""
        return np.concatenate([self.batch(images[i : i + BATCH], mean) for i in range(0, len(images), BATCH)])
