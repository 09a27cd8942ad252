#!/usr/bin/env python3
"""Runs what `lenet export --format onnx` writes in ONNX Runtime, and compares with lenet.

usage: onnx_peer.py FLOAT.safetensors INT8.lenet DATA_FOLDER

- The float network must predict every test image as lenet's does.
- The int8 network in QDQ form does not have lenet's arithmetic to the bit: ONNX rounds ties to even where lenet rounds
  them up, averages in float, and the runtime requantizes in float. Of the sums of an average pool one in four is a tie,
  so a quarter of the logits is off by a step, few by more, and a prediction may differ where the two best logits are
  about as near. The bars below are what was seen on Fashion-MNIST, where many images are so near (45 of 10,000, 5
  steps), and a margin; on MNIST 1 of 10,000 was seen.

Each is run as ONNX Runtime comes, which fuses it into integer kernels, and without optimizations.
Needs numpy, onnx and onnxruntime, and a built `lenet` (cargo build --release).
"""

import pathlib
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

import peer

# Of all predictions, so many may differ.
MAX_SHARE = 0.005
# And only if the runtime's two best logits are at most this many steps apart.
MAX_MARGIN = 8


def run(path, images, optimized):
    options = onnxruntime.SessionOptions()
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    parts = [images[i : i + 500] for i in range(0, len(images), 500)]
    return np.concatenate([session.run(None, {"input": part})[0] for part in parts])


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    float_path, int8_path, folder = sys.argv[1:]
    images = peer.read_images(folder).reshape(-1, 1, 28, 28).astype(np.float32) / np.float32(255)
    failed = False
    counts = []
    with tempfile.TemporaryDirectory() as scratch:
        for kind, source in [("float", float_path), ("int8", int8_path)]:
            path = str(pathlib.Path(scratch) / f"{kind}.onnx")
            peer.lenet("export", source, "--format", "onnx", "-o", path)
            model = onnx.load(path)
            onnx.checker.check_model(model, full_check=True)
            ours, _ = peer.evaluate(source, folder)
            for optimized in (True, False):
                logits = run(path, images, optimized)
                different = np.flatnonzero(logits.argmax(1) != ours)
                form = "optimized" if optimized else "as written"
                line = f"{kind:5} {form}: {len(different)} of {len(ours)} predictions differ"
                if kind == "float":
                    failed |= len(different) > 0
                else:
                    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
                    best = np.sort(logits[different], axis=1)[:, -2:]
                    steps = np.rint((best[:, 1] - best[:, 0]) / constants["fc3_scale"])
                    furthest = int(steps.max(initial=0))
                    line += f", the best two logits of these at most {furthest} steps apart"
                    failed |= len(different) > MAX_SHARE * len(ours) or furthest > MAX_MARGIN
                counts.append(len(different))
                print(line)
    print(
        f"onnxruntime {onnxruntime.__version__}: of {len(images):,} predictions differ {counts[0]} (float), "
        f"{counts[2]} (int8), {counts[3]} (int8, not optimized): {'FAILED' if failed else 'ok'}"
    )
    sys.exit(failed)


if __name__ == "__main__":
    main()
