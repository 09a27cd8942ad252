#!/usr/bin/env python3
"""Runs the output of `lenet export --format onnx` in ONNX Runtime and compares the results with lenet's.

usage: onnx_peer.py FLOAT.safetensors INT8.lenet DATA_FOLDER

- The float network must give lenet's prediction for every test image.
- The numbers in the int8 file, put through lenet's arithmetic (arithmetic.py), must give exactly lenet's logits: the
  CRC-32 over all of them is compared. This shows that the file holds the same network, whatever runs it.
- ONNX Runtime's own answers are not bit-identical. It averages the windows of a pool in f32, where a tie may go either
  way, and it requantizes in f32. With the runtime's way of averaging put into lenet's arithmetic, at most one logit in
  1,000 and one prediction in 10,000 may still differ, because of the requantization. This shows that the differences
  have no other cause.
- The ties matter: one in four sums of an average pool is a tie. So a fifth to two fifths of the logits are off by one
  step, few by more, and a prediction may differ if the two best logits are about that close. The bars are what was
  measured for three seeds of the default recipe, plus a margin: at most 47 of 10,000 predictions and 5 steps on
  Fashion-MNIST, where many images are that close, and 3 of 10,000 on MNIST. They describe the arithmetic of this
  runtime; no network was selected to meet them.

Each network runs with ONNX Runtime's defaults, which fuse it into integer kernels, and without optimizations.
Needs numpy, onnx and onnxruntime, and a built `lenet` (cargo build --release).
"""

import pathlib
import sys
import tempfile
import zlib

import numpy as np
import onnx
import onnxruntime

import peer
from arithmetic import Network, mean_by_columns, mean_value_by_value

# The share of predictions that may differ,
MAX_SHARE = 0.005
# provided that the runtime's two best logits are at most this many steps apart.
MAX_MARGIN = 8
# The share of logits and predictions that may differ once the mean is computed the way the runtime does.
MAX_UNEXPLAINED_LOGITS = 0.001
MAX_UNEXPLAINED_PREDICTIONS = 0.0001


def run(path, images, optimized):
    options = onnxruntime.SessionOptions()
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    parts = [images[i : i + 500] for i in range(0, len(images), 500)]
    return np.concatenate([session.run(None, {"input": part})[0] for part in parts])


FORMS = [(True, "optimized", mean_value_by_value), (False, "as written", mean_by_columns)]


def export(source, path):
    """Exports a network with lenet, checks the ONNX model and returns it."""
    peer.lenet("export", source, "--format", "onnx", "-o", path)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    return model


def compare_float(path, pixels, ours):
    """Returns how many predictions differ in each form, and whether that is within the bar."""
    changed = [int((run(path, pixels, optimized).argmax(1) != ours).sum()) for optimized, _, _ in FORMS]
    for count, (_, form, _) in zip(changed, FORMS):
        print(f"float {form}: {count} of {len(ours)} predictions differ")
    return changed, not any(changed)


def explained(logits, network, images, mean):
    """Whether the runtime's way of averaging explains why these logits, in steps, are not lenet's."""
    near = network.logits(images, mean)
    values, predictions = (logits != near).mean(), (logits.argmax(1) != near.argmax(1)).mean()
    print(f"      with the runtime's mean: {values:.3%} of logits and {predictions:.2%} of predictions differ")
    return values <= MAX_UNEXPLAINED_LOGITS and predictions <= MAX_UNEXPLAINED_PREDICTIONS


def compare_int8(path, model, images, pixels, ours, crc):
    """The same as compare_float for the int8 network."""
    network = Network(model)
    scale, zero_point = network.constants["fc3_scale"], network.constants["fc3_zero_point"]
    exact = network.logits(images)
    same = f"{zlib.crc32(exact.tobytes()):08x}" == crc
    print(f"int8  numbers in lenet's arithmetic: {'exactly its logits' if same else 'OTHER LOGITS'}")
    changed = []
    for optimized, form, mean in FORMS:
        logits = (np.rint(run(path, pixels, optimized) / scale) + zero_point).astype(np.int8)
        different = np.flatnonzero(logits.argmax(1) != ours)
        best = np.sort(logits[different].astype(int), axis=1)[:, -2:]
        furthest = int((best[:, 1] - best[:, 0]).max(initial=0))
        print(
            f"int8  {form}: {(logits != exact).mean():.1%} of logits and {len(different)} of {len(ours)} predictions "
            f"differ, their best two logits at most {furthest} steps apart"
        )
        same &= len(different) <= MAX_SHARE * len(ours) and furthest <= MAX_MARGIN
        same &= explained(logits, network, images, mean)
        changed.append(len(different))
    return changed, same


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    float_path, int8_path, folder = sys.argv[1:]
    images = peer.read_images(folder).reshape(-1, 1, 28, 28)
    pixels = images.astype(np.float32) / np.float32(255)
    with tempfile.TemporaryDirectory() as scratch:
        path = str(pathlib.Path(scratch) / "float.onnx")
        export(float_path, path)
        real, real_ok = compare_float(path, pixels, peer.evaluate(float_path, folder)[0])
        path = str(pathlib.Path(scratch) / "int8.onnx")
        model = export(int8_path, path)
        int8, int8_ok = compare_int8(path, model, images, pixels, *peer.evaluate(int8_path, folder))
    print(
        f"onnxruntime {onnxruntime.__version__}: of {len(images):,} predictions differ {max(real)} (float), "
        f"{int8[0]} (int8), {int8[1]} (int8, not optimized): {'ok' if real_ok and int8_ok else 'FAILED'}"
    )
    sys.exit(not (real_ok and int8_ok))


if __name__ == "__main__":
    main()
