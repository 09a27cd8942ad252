#!/usr/bin/env python3
"""Writes a .tflite file of LeNet-5 with TensorFlow's converter, for the tests of `lenet import-tflite`.

Keras trains the network briefly on data/digits-10k. The batch size is variable and inputs and outputs are float, which
is the converter's default. So the file has operators that compute the shape for RESHAPE, and QUANTIZE and DEQUANTIZE
at its ends. This script wrote host-trainer/tests/data/converter.tflite, with seed 3.
Needs tensorflow (tensorflow-cpu 2.21 was used).

usage: litert_convert.py OUTPUT.tflite [SEED]
"""

import gzip
import pathlib
import sys

import numpy as np
import tensorflow as tf

DATA = pathlib.Path(__file__).resolve().parents[2] / "data/digits-10k"


def read(name, header):
    return np.frombuffer(gzip.decompress((DATA / name).read_bytes()), np.uint8, offset=header)


def network():
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(6, 5, activation="relu"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(10),
        ]
    )


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    tf.keras.utils.set_random_seed(int(sys.argv[2]) if len(sys.argv) == 3 else 3)
    images = read("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28, 1) / np.float32(255)
    labels = read("train-labels-idx1-ubyte.gz", 8)
    model = network()
    model.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(images, labels, batch_size=64, epochs=3, verbose=2)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([images[i : i + 1]] for i in range(500))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    pathlib.Path(sys.argv[1]).write_bytes(converter.convert())


if __name__ == "__main__":
    main()
