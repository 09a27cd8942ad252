"""An int8 LeNet-5 as a .tflite file with the operators and shapes of lenet's network, and random weights."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

# Shapes of the weights: OHWI, or outputs and inputs.
CONV1, CONV2 = (6, 5, 5, 1), (16, 5, 5, 6)
FC1, FC2, FC3 = (120, 256), (84, 120), (10, 84)
SCALE = 0.02
# The least that know int8, with a scale for each channel where there are weights.
VERSIONS = {
    schema.BuiltinOperator.CONV_2D: 3,
    schema.BuiltinOperator.AVERAGE_POOL_2D: 2,
    schema.BuiltinOperator.MAX_POOL_2D: 2,
    schema.BuiltinOperator.RESHAPE: 1,
    schema.BuiltinOperator.FULLY_CONNECTED: 5,
}


class Builder:
    """Tensors, buffers and operators in the order they are added."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        # Buffer 0 is empty by convention; activations have no data either.
        self.buffers, self.tensors, self.operators, self.codes = [schema.BufferT()], [], [], []

    def tensor(self, name, shape, kind, scales, zero_point, data=None):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), kind, 0
        if scales is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = [float(scale) for scale in scales]
            tensor.quantization.zeroPoint = [zero_point] * len(scales)
            tensor.quantization.quantizedDimension = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), dtype=np.uint8)
            tensor.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def activation(self, name, shape, zero_point=-128):
        return self.tensor(name, shape, schema.TensorType.INT8, [SCALE], zero_point)

    def operator(self, code, inputs, output, kind, options):
        if code not in [known.builtinCode for known in self.codes]:
            new = schema.OperatorCodeT()
            new.builtinCode = new.deprecatedBuiltinCode = code
            new.version = VERSIONS[code]
            self.codes.append(new)
        operator = schema.OperatorT()
        operator.opcodeIndex = [known.builtinCode for known in self.codes].index(code)
        operator.inputs, operator.outputs = inputs, [output]
        operator.builtinOptionsType, operator.builtinOptions = kind, options
        self.operators.append(operator)
        return output

    def parameters(self, name, shape):
        """Random weights with a scale for each channel such that activations spread over their range."""
        fan_in = int(np.prod(shape[1:]))
        scales = self.random.uniform(0.5, 1.0, shape[0]) / (64 * fan_in**0.5)
        weights = self.random.integers(-127, 128, shape, dtype=np.int8)
        bias = self.random.integers(-1000, 1000, shape[0], dtype=np.int32)
        return [
            self.tensor(f"{name}.weight", shape, schema.TensorType.INT8, scales, 0, weights),
            self.tensor(f"{name}.bias", shape[:1], schema.TensorType.INT32, SCALE * scales, 0, bias),
        ]

    def convolution(self, name, source, shape, side):
        options = schema.Conv2DOptionsT()
        options.padding = schema.Padding.VALID
        options.strideW = options.strideH = options.dilationWFactor = options.dilationHFactor = 1
        options.fusedActivationFunction = schema.ActivationFunctionType.RELU
        output = self.activation(name, [1, side, side, shape[0]])
        inputs = [source, *self.parameters(name, shape)]
        kind = schema.BuiltinOptions.Conv2DOptions
        return self.operator(schema.BuiltinOperator.CONV_2D, inputs, output, kind, options)

    def pool(self, name, code, source, channels, side):
        options = schema.Pool2DOptionsT()
        options.padding = schema.Padding.VALID
        options.strideW = options.strideH = options.filterWidth = options.filterHeight = 2
        output = self.activation(name, [1, side, side, channels])
        return self.operator(code, [source], output, schema.BuiltinOptions.Pool2DOptions, options)

    def reshape(self, source, shape):
        options = schema.ReshapeOptionsT()
        options.newShape = shape
        new_shape = np.array(shape, dtype=np.int32)
        inputs = [source, self.tensor("shape", [len(shape)], schema.TensorType.INT32, None, 0, new_shape)]
        kind = schema.BuiltinOptions.ReshapeOptions
        return self.operator(schema.BuiltinOperator.RESHAPE, inputs, self.activation("flat", shape), kind, options)

    def fully_connected(self, name, source, shape, activation):
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = activation
        inputs = [source, *self.parameters(name, shape)]
        kind = schema.BuiltinOptions.FullyConnectedOptions
        output = self.activation(name, [1, shape[0]], -128 if activation else 0)
        return self.operator(schema.BuiltinOperator.FULLY_CONNECTED, inputs, output, kind, options)


def build(seed=1):
    """Returns the bytes of the .tflite file."""
    b = Builder(seed)
    operators, relu = schema.BuiltinOperator, schema.ActivationFunctionType.RELU
    image = b.activation("image", [1, 28, 28, 1])
    x = b.convolution("conv1", image, CONV1, 24)
    x = b.pool("pool1", operators.AVERAGE_POOL_2D, x, 6, 12)
    x = b.convolution("conv2", x, CONV2, 8)
    x = b.pool("pool2", operators.MAX_POOL_2D, x, 16, 4)
    x = b.reshape(x, [1, 256])
    x = b.fully_connected("fc1", x, FC1, relu)
    x = b.fully_connected("fc2", x, FC2, relu)
    logits = b.fully_connected("fc3", x, FC3, schema.ActivationFunctionType.NONE)

    graph = schema.SubGraphT()
    graph.tensors, graph.operators, graph.inputs, graph.outputs = b.tensors, b.operators, [image], [logits]
    model = schema.ModelT()
    model.version, model.description = 3, "LeNet-5, random weights"
    model.subgraphs, model.buffers, model.operatorCodes = [graph], b.buffers, b.codes
    builder = flatbuffers.Builder(1 << 17)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
