#!/usr/bin/env python3
"""Computes the loss of a fixed batch from the definition of LeNet-5, in plain Python.

This is where the expected value in host-trainer/tests/gradients.rs comes from: parameters given by a formula, the
first four training images of data/digits-10k, average then maximum pooling, mean softmax cross-entropy.
Needs only Python 3 and takes a few seconds.
"""

import gzip
import math
import pathlib

DATA = pathlib.Path(__file__).resolve().parent.parent / "data" / "digits-10k"
BATCH = 4


def parameters():
    """Yields the ten arrays of the network as flat lists, in PyTorch's order and layout."""
    number = 0
    for length in (150, 6, 2400, 16, 256 * 120, 120, 120 * 84, 84, 840, 10):
        amplitude = 1 / math.sqrt(length)
        array = []
        for _ in range(length):
            number += 1
            array.append(amplitude * math.sin(number * 0.7))
        yield array


def convolve(maps, weight, bias):
    """5x5, no padding, stride 1, then ReLU; `maps` is a list of square maps."""
    size = len(maps[0]) - 4
    result = []
    for channel, offset in enumerate(bias):
        kernel = weight[channel * len(maps) * 25:]
        result.append([
            [
                max(0.0, offset + math.fsum(
                    kernel[i * 25 + ky * 5 + kx] * maps[i][y + ky][x + kx]
                    for i in range(len(maps)) for ky in range(5) for kx in range(5)))
                for x in range(size)
            ]
            for y in range(size)
        ])
    return result


def pool(maps, combine):
    """2x2 at stride 2."""
    return [
        [
            [combine((m[y][x], m[y][x + 1], m[y + 1][x], m[y + 1][x + 1])) for x in range(0, len(m), 2)]
            for y in range(0, len(m), 2)
        ]
        for m in maps
    ]


def connect(values, weight, bias):
    """A fully connected layer, without activation."""
    n = len(values)
    return [b + math.fsum(w * v for w, v in zip(weight[o * n:(o + 1) * n], values)) for o, b in enumerate(bias)]


def relu(values):
    return [max(0.0, v) for v in values]


def loss(image, label, p):
    maps = pool(convolve([image], p[0], p[1]), lambda window: sum(window) / 4)
    maps = pool(convolve(maps, p[2], p[3]), max)
    values = [v for m in maps for row in m for v in row]
    values = relu(connect(values, p[4], p[5]))
    values = relu(connect(values, p[6], p[7]))
    logits = connect(values, p[8], p[9])
    return math.log(math.fsum(math.exp(v) for v in logits)) - logits[label]


def main():
    pixels = gzip.decompress((DATA / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((DATA / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    p = list(parameters())
    losses = []
    for n in range(BATCH):
        flat = [byte / 255 for byte in pixels[n * 784:(n + 1) * 784]]
        losses.append(loss([flat[y * 28:(y + 1) * 28] for y in range(28)], labels[n], p))
    print(repr(math.fsum(losses) / BATCH))


if __name__ == "__main__":
    main()
