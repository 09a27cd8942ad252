#!/usr/bin/env python3
"""Times one epoch of training LeNet-5 in PyTorch on the CPU, with PyTorch's fastest settings.

usage: pytorch_epoch.py DATA_FOLDER --batch N --threads N [--compile]

The network and the hyper-parameters are those of `lenet train --recipe tutorial`. Prints one line of JSON with the
seconds and the settings they were measured with.
"""

import argparse
import gzip
import json
import pathlib
import time

import torch
from torch import nn
from torch.nn import functional

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
# Batches in the warm-up of each memory format and in each of its trials.
WARM_UP = 100
TRIAL = 50
TRIALS = 3
# Batches between two readings of the loss.
LOG_EVERY = 200


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5), nn.ReLU(), nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
        )

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def read(path):
    zipped = path.with_name(f"{path.name}.gz")
    return bytearray(gzip.decompress(zipped.read_bytes()) if zipped.exists() else path.read_bytes())


def load(folder):
    pixels = torch.frombuffer(read(folder / "train-images-idx3-ubyte")[16:], dtype=torch.uint8)
    labels = torch.frombuffer(read(folder / "train-labels-idx1-ubyte")[8:], dtype=torch.uint8)
    return pixels.reshape(-1, 1, 28, 28).float() / 255, labels.long()


def sgd(parameters):
    hyper_parameters = {"lr": 0.001, "momentum": 0.9}
    try:
        return "fused", torch.optim.SGD(parameters, fused=True, **hyper_parameters)
    except (TypeError, RuntimeError):
        # This version has no fused SGD for the CPU.
        return "foreach", torch.optim.SGD(parameters, foreach=True, **hyper_parameters)


class Trainer:
    def __init__(self, images, labels, memory_format, compiled):
        self.images, self.labels = images.to(memory_format=memory_format), labels
        model = LeNet5().to(memory_format=memory_format)
        self.sgd, self.optimizer = sgd(model.parameters())

        def loss(images, labels):
            return functional.cross_entropy(model(images), labels)

        # Compiled for each batch size, also that of the smaller last batch, rather than for any size.
        self.loss = torch.compile(loss, dynamic=False, fullgraph=True) if compiled else loss

    def step(self, indices):
        loss = self.loss(self.images.index_select(0, indices), self.labels.index_select(0, indices))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss

    def epoch(self, batch, batches=None):
        """Trains on all images in random order, or on the given number of batches. Returns the seconds."""
        start = time.perf_counter()
        for number, indices in enumerate(torch.randperm(len(self.images)).split(batch)[:batches], 1):
            loss = self.step(indices)
            if number % LOG_EVERY == 0:
                loss.item()
        return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    images, labels = load(arguments.data)
    batch = arguments.batch

    trainers = {name: Trainer(images, labels, FORMATS[name], arguments.compile) for name in FORMATS}
    fastest = dict.fromkeys(trainers, float("inf"))
    for trainer in trainers.values():
        trainer.epoch(batch, WARM_UP)
        trainer.step(torch.arange(len(images) % batch or batch))
    for _ in range(TRIALS):
        for name, trainer in trainers.items():
            fastest[name] = min(fastest[name], trainer.epoch(batch, TRIAL))
    name = min(fastest, key=fastest.get)

    print(json.dumps({
        "seconds": trainers[name].epoch(batch),
        "images": len(images),
        "format": name,
        "sgd": trainers[name].sgd,
        "compiled": arguments.compile,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "instruction_set": torch.backends.cpu.get_cpu_capability(),
    }))


if __name__ == "__main__":
    main()
