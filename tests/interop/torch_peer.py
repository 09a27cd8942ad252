#!/usr/bin/env python3
"""Weights to PyTorch and back: PyTorch loads what lenet writes, and lenet reads what torch and numpy save.

usage: torch_peer.py FLOAT.safetensors DATA_FOLDER

- The PyTorch model with these weights must give lenet's prediction for every test image.
- The same weights, saved as .npz and as .pt (both spellings of the classifier, state dict alone, in a checkpoint or
  from data parallel), must give exactly lenet's logits. Saved as float16 and bfloat16 they must give the logits of the
  weights that torch rounded.

Needs numpy, safetensors and torch, and a built `lenet` (cargo build --release).
"""

import pathlib
import sys
import tempfile

import numpy as np
import torch
from safetensors.torch import load_file, save_file

import peer

sys.path.insert(0, str(peer.ROOT / "tests"))
from pytorch_check import LeNet5


def spelt_right(state):
    return {name.replace("classfier.", "classifier."): tensor for name, tensor in state.items()}


def rounded(state, dtype):
    return {name: tensor.to(dtype) for name, tensor in state.items()}


def numpy_arrays(state):
    return {name: tensor.numpy() for name, tensor in state.items()}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, folder = sys.argv[1:]
    images = peer.read_images(folder)
    state = load_file(source)
    ours, crc = peer.evaluate(source, folder)
    model = LeNet5(len(state["classfier.4.bias"]))
    model.load_state_dict(state)
    with torch.no_grad():
        theirs = model(torch.tensor(images.reshape(-1, 1, 28, 28)).float() / 255).argmax(1).numpy()
    different = int((theirs != ours).sum())
    print(f"predictions: {different} of {len(ours)} differ")
    failed = different > 0

    transposed = {name: tensor.t().contiguous().t() if tensor.dim() == 2 else tensor for name, tensor in state.items()}
    halves = {dtype: rounded(rounded(state, dtype), torch.float32) for dtype in (torch.float16, torch.bfloat16)}
    # File name, function that writes it, and the weights that lenet should read from it.
    files = [
        ("state.pt", lambda path: torch.save(state, path), state),
        ("classifier.pt", lambda path: torch.save(spelt_right(state), path), state),
        ("model.pth", lambda path: torch.save(model.state_dict(), path), state),
        ("transposed.pt", lambda path: torch.save(transposed, path), state),
        ("checkpoint.pt", lambda path: torch.save({"state_dict": state}, path), state),
        ("parallel.pt", lambda path: torch.save({f"module.{name}": t for name, t in state.items()}, path), state),
        ("half.pt", lambda path: torch.save(rounded(state, torch.float16), path), halves[torch.float16]),
        ("double.pt", lambda path: torch.save(rounded(state, torch.float64), path), state),
        ("f16.safetensors", lambda path: save_file(rounded(state, torch.float16), path), halves[torch.float16]),
        ("bf16.safetensors", lambda path: save_file(rounded(state, torch.bfloat16), path), halves[torch.bfloat16]),
        ("classifier.safetensors", lambda path: save_file(spelt_right(state), path), state),
        ("plain.npz", lambda path: np.savez(path, **numpy_arrays(state)), state),
        ("compressed.npz", lambda path: np.savez_compressed(path, **numpy_arrays(state)), state),
    ]
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        for name, write, meant in files:
            path = scratch / name
            write(path)
            save_file(meant, scratch / "meant.safetensors")
            expected = crc if meant is state else peer.evaluate(scratch / "meant.safetensors", folder)[1]
            same = peer.evaluate(path, folder)[1] == expected
            print(f"{name}: {'the same logits' if same else 'DIFFERENT LOGITS'}")
            failed |= not same
        for form in ("safetensors", "npz"):
            path = scratch / f"out.{form}"
            peer.lenet("export", scratch / "state.pt", "--format", form, "-o", path)
            back = load_file(path) if form == "safetensors" else dict(np.load(path))
            same = set(back) == set(state) and all(np.array_equal(np.asarray(back[name]), state[name]) for name in state)
            print(f"export to {form}: {'the same weights' if same else 'DIFFERENT WEIGHTS'}")
            failed |= not same
    print(f"torch {torch.__version__}, numpy {np.__version__}: {'FAILED' if failed else f'{len(files) + 3} comparisons equal'}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
