#!/usr/bin/env python3
"""Times lenet's int8 network and LiteRT's default interpreter alternately and prints a report. `run` prepares both.

usage: compare.py --lenet FILE --tflite FILE [--rounds N]
"""

import argparse
import importlib.metadata
import pathlib
import platform
import statistics
import subprocess
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter

# Duration of one measurement.
SECONDS = 0.25
WARM_UP = 2000
# Calls between two readings of the clock.
BATCH = 500


class LiteRT:
    def __init__(self, model):
        self.interpreter = Interpreter(model_path=str(model), num_threads=1)
        self.interpreter.allocate_tensors()
        image = np.random.default_rng(1).integers(-128, 128, (1, 28, 28, 1), dtype=np.int8)
        self.interpreter.set_tensor(self.interpreter.get_input_details()[0]["index"], image)

    def logits(self):
        self.interpreter.invoke()
        return self.interpreter.get_tensor(self.interpreter.get_output_details()[0]["index"])

    def microseconds(self):
        invoke, calls = self.interpreter.invoke, 0
        for _ in range(WARM_UP):
            invoke()
        start = time.perf_counter()
        while (elapsed := time.perf_counter() - start) < SECONDS:
            for _ in range(BATCH):
                invoke()
            calls += BATCH
        return 1e6 * elapsed / calls


def lenet(program):
    return float(subprocess.run([program, str(SECONDS)], check=True, capture_output=True, text=True).stdout) / 1e3


def processor():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    # On ARM there is no such line.
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lenet", type=pathlib.Path, required=True)
    parser.add_argument("--tflite", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    litert = LiteRT(arguments.tflite)
    # If all logits are saturated, the scales of the model are wrong.
    assert len(np.unique(litert.logits())) > 2
    ours, theirs = [], []
    for _ in range(arguments.rounds):
        ours.append(lenet(arguments.lenet.resolve()))
        theirs.append(litert.microseconds())
    own, other = statistics.median(ours), statistics.median(theirs)
    print("Microseconds per image on one thread: median, minimum and maximum. Rounds:", arguments.rounds)
    print()
    for name, times in [("lenet", ours), ("LiteRT", theirs)]:
        print(f"{name:8} {statistics.median(times):7.2f} {min(times):7.2f} {max(times):7.2f}")
    print(f"ratio    {other / own:7.2f}   (LiteRT's median divided by lenet's)")
    print()
    print(f"machine  {processor()}")
    print(f"LiteRT   {importlib.metadata.version('ai-edge-litert')}")


if __name__ == "__main__":
    main()
