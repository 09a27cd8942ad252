#!/usr/bin/env python3
"""Loads the .safetensors file of a `lenet train` run into the PyTorch model and compares predictions with lenet's.

usage: pytorch_check.py MODEL.safetensors [DATA_FOLDER]

Needs torch, safetensors and numpy (pip install torch safetensors numpy), so tests/run does not run it.
Without DATA_FOLDER it uses the digits in data/digits-10k. The exit status is 0 if every prediction is the same.
"""

import gzip
import json
import pathlib
import subprocess
import sys

import torch
from safetensors.torch import load_file
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parent.parent


class LeNet5(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5), nn.ReLU(), nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        )
        # Misspelt in the PyTorch model whose parameter names lenet uses.
        self.classfier = nn.Sequential(
            nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes),
        )

    def forward(self, x):
        return self.classfier(torch.flatten(self.features(x), 1))


def read(path):
    return gzip.open(path).read() if path.exists() else path.with_suffix("").read_bytes()


def main():
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    data = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else ROOT / "data" / "digits-10k"
    pixels = torch.frombuffer(bytearray(read(data / "t10k-images-idx3-ubyte.gz")[16:]), dtype=torch.uint8)
    images = pixels.reshape(-1, 1, 28, 28).float() / 255

    state = load_file(sys.argv[1])
    model = LeNet5(len(state["classfier.4.bias"]))
    model.load_state_dict(state)
    with torch.no_grad():
        ours = model(images).argmax(1).tolist()

    command = ["cargo", "run", "--quiet", "--release", "--", "eval", str(pathlib.Path(sys.argv[1]).resolve()),
               "--data", str(data.resolve()), "--json", "--predictions"]
    answer = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    different = [i for i, (a, b) in enumerate(zip(ours, answer["predictions"], strict=True)) if a != b]
    print(f"{len(ours)} images, {len(different)} different predictions {different[:20]}; accuracy {answer['accuracy']:.4f}")
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
