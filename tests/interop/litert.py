#!/usr/bin/env python3
"""Compares a .lenet model with LiteRT: the outputs of every layer of the same network, on the same images.

LiteRT runs the .tflite file in its default interpreter, with XNNPACK; the .lenet file must hold the same network. One
interpreter runs the file as it is. The default interpreter keeps only the outputs, so a second one runs the file with
the output of every layer as an additional output. XNNPACK runs the same operators there, and the logits must be the
same bytes. lenet's outputs come from the program `layer_outputs`.

Fails if more than one value in 100,000 differs, if any differs by more than 1, or if a prediction differs.

Needs ai-edge-litert (with its schema module), flatbuffers and numpy, and, from the root of the repository:
  cargo build -p host-trainer --example layer_outputs
"""

import argparse
import gzip
import importlib.metadata
import os
import pathlib
import struct
import subprocess
import sys
import zlib

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

import peer

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The operators that compute, in the order in which they run: name and number of output values.
# The outputs of each layer, in order. After them come the logits, one for each class.
LAYERS = [("conv1", 3456), ("pool1", 864), ("conv2", 1024), ("pool2", 256), ("fc1", 120), ("fc2", 84)]
HIDDEN = sum(values for _, values in LAYERS)
# At most one value in BAR may differ.
BAR = 100_000
GOLDEN_MAGIC = b"LRT1"


def with_all_outputs(content):
    """The file with the output of every layer as an output, and the indices of these tensors."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    graph = model.subgraphs[0]
    operators = schema.BuiltinOperator
    layers = {operators.CONV_2D, operators.AVERAGE_POOL_2D, operators.MAX_POOL_2D, operators.FULLY_CONNECTED}
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    tensors = [operator.outputs[0] for operator in graph.operators if codes[operator.opcodeIndex] in layers]
    if len(tensors) != len(LAYERS) + 1:
        sys.exit(f"error: the file has {len(tensors)} layers, not {len(LAYERS) + 1}")
    graph.outputs = np.array(tensors, dtype=np.int32)
    # It names one output, which is no longer the only one.
    model.signatureDefs = None
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output()), tensors


def interpreter(content):
    """The default interpreter for a file. Checks that XNNPACK runs its convolutions and fully connected layers."""
    result = Interpreter(model_content=content, num_threads=1)
    result.allocate_tensors()
    # This method is not public, but there is no other way to see the delegate.
    details = result._get_ops_details()
    delegated = {tensor for node in details if node["op_name"] == "DELEGATE" for tensor in node["inputs"]}
    for node in details:
        if node["op_name"] in ("CONV_2D", "FULLY_CONNECTED") and node["inputs"][1] not in delegated:
            sys.exit(f"error: LiteRT does not run {node['op_name']} in XNNPACK, so this is not its default")
    return result


def run(litert, tensors, images):
    """Runs the images and returns the values of these tensors, concatenated, as int8 [N, values]."""
    image = litert.get_input_details()[0]
    rows = []
    for pixels in images:
        quantized = (pixels.astype(np.int16) - 128).astype(np.int8)
        litert.set_tensor(image["index"], quantized.reshape(image["shape"]))
        litert.invoke()
        rows.append(np.concatenate([litert.get_tensor(tensor).ravel() for tensor in tensors]))
    return np.stack(rows)


def litert_outputs(content, images):
    """The outputs of every layer for every image in the default interpreter, int8 [N, HIDDEN + classes]."""
    variant, tensors = with_all_outputs(content)
    outputs = run(interpreter(variant), tensors, images)
    plain = interpreter(content)
    logits = run(plain, [plain.get_output_details()[0]["index"]], images)
    if not np.array_equal(outputs[:, HIDDEN:], logits):
        sys.exit("error: LiteRT's logits depend on which tensors are outputs")
    return outputs


def lenet_outputs(program, model, images):
    """The same from lenet."""
    try:
        done = subprocess.run([program, model], input=images.tobytes(), stdout=subprocess.PIPE)
    except FileNotFoundError:
        sys.exit(f"error: {program} does not exist; build it with: cargo build -p host-trainer --example layer_outputs")
    if done.returncode != 0:
        sys.exit(f"error: {program} failed")
    return np.frombuffer(done.stdout, np.int8).reshape(len(images), -1)


def record(path, content, outputs):
    """Writes LiteRT's outputs for tests/tests/litert_golden.rs, gzipped and little-endian: GOLDEN_MAGIC, CRC-32 of the
    .tflite file (u32), number of images (u32), LiteRT's version (16 bytes, padded with zeros), and for each image the
    outputs of LAYERS and the logits, int8."""
    version = importlib.metadata.version("ai-edge-litert").encode()
    header = GOLDEN_MAGIC + struct.pack("<II16s", zlib.crc32(content), len(outputs), version)
    path.write_bytes(gzip.compress(header + outputs.tobytes(), mtime=0))
    print(f"wrote {path}: {len(outputs)} images, {path.stat().st_size:,} bytes")


def compare(ours, theirs):
    """Prints a line for each layer and one for all of them. Returns whether the bar is met."""
    distance = np.abs(ours.astype(np.int16) - theirs)
    start = 0
    for name, values in [*LAYERS, ("logits", ours.shape[1] - HIDDEN)]:
        layer = distance[:, start : start + values]
        print(f"{name:8} {layer.size:12,} values, {np.count_nonzero(layer):6,} differ, by at most {layer.max()}")
        start += values
    differing, largest = np.count_nonzero(distance), distance.max()
    # The first of equal logits wins on both sides.
    changed = np.count_nonzero(ours[:, HIDDEN:].argmax(1) != theirs[:, HIDDEN:].argmax(1))
    passed = differing * BAR <= distance.size and largest <= 1 and changed == 0
    print(
        f"litert {importlib.metadata.version('ai-edge-litert')}: {differing} of {distance.size:,} values differ, "
        f"{changed} of {len(ours):,} predictions: {'ok' if passed else 'FAILED'}"
    )
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tflite", type=pathlib.Path, help="MODEL.tflite, written by `lenet export` or imported by `lenet import-tflite`")
    parser.add_argument("lenet", type=pathlib.Path, help="MODEL.lenet, the same network")
    parser.add_argument(
        "--data",
        type=pathlib.Path,
        default=ROOT / "data/digits-10k",
        help="folder with the IDX file of the test images [default: data/digits-10k]",
    )
    parser.add_argument("--images", type=int, help="number of test images to use, from the first [default: all]")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument(
        "--layer-outputs",
        type=pathlib.Path,
        default=target / "debug/examples/layer_outputs",
        help="path of the built program layer_outputs [default: in cargo's target folder]",
    )
    parser.add_argument("--record", type=pathlib.Path, help="also write LiteRT's outputs to this file")
    arguments = parser.parse_args()
    images = peer.read_images(arguments.data)[: arguments.images]
    content = arguments.tflite.read_bytes()
    theirs = litert_outputs(content, images)
    ours = lenet_outputs(arguments.layer_outputs, arguments.lenet, images)
    passed = compare(ours, theirs)
    if arguments.record:
        record(arguments.record, content, theirs)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
