"""What the scripts for the peer programs share: test images, and the results of `lenet eval`."""

import gzip
import json
import os
import pathlib
import struct
import subprocess
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
LENET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "lenet"


def read_images(folder):
    """The test images of a folder with IDX files, [N, 784] uint8."""
    name = pathlib.Path(folder) / "t10k-images-idx3-ubyte"
    data = name.read_bytes() if name.exists() else gzip.decompress(name.with_name(f"{name.name}.gz").read_bytes())
    magic, count, height, width = struct.unpack(">4I", data[:16])
    if (magic, height, width) != (2051, 28, 28):
        sys.exit(f"error: {name} does not hold images of 28 x 28 pixels")
    return np.frombuffer(data, np.uint8, offset=16).reshape(count, 784)


def lenet(*arguments):
    """Runs the command and returns what it prints."""
    done = subprocess.run([LENET, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return done.stdout


def evaluate(model, folder):
    """Runs `lenet eval` and returns the predictions as an array, and the checksum over all logits."""
    answer = json.loads(lenet("eval", model, "--data", folder, "--json", "--predictions"))
    return np.array(answer["predictions"]), answer["crc32"]
