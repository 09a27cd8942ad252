#!/usr/bin/env python3
"""Runs lenet and PyTorch alternately and prints a report. `run` prepares both and calls this script.

usage: compare.py DATA_FOLDER --lenet FILE --python FILE [--repetitions N]
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
# Batch and threads.
CONFIGURATIONS = [(32, 2), (32, 1), (256, 2)]
SCALING_BATCHES = [16, 32, 64, 128, 256, 512, 1024]
SCALING_THREADS = [1, 2]
# The first epoch is warm-up. The figure is the median of the others.
SCALING_EPOCHS = 4
# Above this share of processor time used by other programs, the report calls the figures worthless.
QUIET = 0.03


class Failed(Exception):
    """A program failed. The text is the end of its standard error."""


def run(*command):
    """Runs a program. Returns what it printed and its peak memory in bytes."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=errors, text=True)
        with process.stdout:
            output = process.stdout.read()
        # Unlike `process.wait`, this returns the resource usage of this one child.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            raise Failed(f"{command[0]} failed:\n{errors.read().strip()[-2000:]}")
    return output, usage.ru_maxrss * 1024


class Lenet:
    def __init__(self, program, data):
        self.program, self.data = program, data

    def train(self, batch, threads, epochs=2):
        """Returns the seconds of each epoch after the first, the number of images and the peak memory."""
        with tempfile.TemporaryDirectory() as folder:
            summary, memory = run(
                self.program, "train", "--data", self.data, "--recipe", "tutorial", "--epochs", epochs,
                "--batch", batch, "--threads", threads, "--json", "--force", "-o", folder,
            )
            metrics = pathlib.Path(folder, "metrics.jsonl").read_text().splitlines()
        lines = [line for line in map(json.loads, metrics) if line["kind"] == "epoch"]
        return [line["seconds"] for line in lines[1:]], json.loads(summary)["train_images"], memory


class PyTorch:
    def __init__(self, python, data):
        self.python, self.data = python, data

    def epoch(self, batch, threads, compiled):
        """Returns the answer of pytorch_epoch.py and its peak memory."""
        options = ["--batch", batch, "--threads", threads] + (["--compile"] if compiled else [])
        output, memory = run(self.python, HERE / "pytorch_epoch.py", self.data, *options)
        return json.loads(output), memory


def progress(text):
    print(text, file=sys.stderr, flush=True)


def compare(lenet, pytorch, kinds, repetitions):
    """Prints the comparison table. Returns the last answer of pytorch_epoch.py and the peak memory of each program."""
    print("batch  threads  PyTorch     lenet s  PyTorch s   ratio  of single pairs")
    memory = {}
    for batch, threads in CONFIGURATIONS:
        ours, theirs = [], {kind: [] for kind in kinds}
        for repetition in range(1, repetitions + 1):
            (seconds,), _, peak = lenet.train(batch, threads)
            ours.append(seconds)
            memory.setdefault("lenet", peak)
            line = f"batch {batch}, threads {threads}, {repetition} of {repetitions}: lenet {seconds:.3f} s"
            for kind in list(theirs):
                try:
                    answer, peak = pytorch.epoch(batch, threads, kind == "compiled")
                except Failed as failed:
                    if kind == "eager":
                        raise
                    progress(f"torch.compile does not work here and is left out: {failed}")
                    kinds.remove(kind)
                    del theirs[kind]
                    continue
                theirs[kind].append(answer["seconds"])
                memory.setdefault(f"PyTorch {kind}", peak)
                line += f", {kind} {answer['seconds']:.3f} s ({answer['format']}, {answer['sgd']})"
            progress(line)
        for kind, seconds in theirs.items():
            own, other = statistics.median(ours), statistics.median(seconds)
            pairs = [b / a for a, b in zip(ours, seconds, strict=True)]
            print(f"{batch:5}  {threads:7}  {kind:8}  {own:9.3f}  {other:9.3f}  {other / own:6.2f}"
                  f"  {min(pairs):.2f} to {max(pairs):.2f}", flush=True)
    return answer, memory


def scale(lenet):
    """Prints the table of lenet's speed by batch size and number of threads."""
    print("batch   1 thread  2 threads  gain")
    for batch in SCALING_BATCHES:
        rates = []
        for threads in SCALING_THREADS:
            seconds, images, _ = lenet.train(batch, threads, SCALING_EPOCHS)
            rates.append(images / statistics.median(seconds))
            progress(f"batch {batch}, threads {threads}: lenet {' '.join(f'{s:.3f}' for s in seconds)} s")
        one, two = rates
        print(f"{batch:5}  {one:9,.0f}  {two:9,.0f}  {two / one:4.2f}", flush=True)


def taken_by_others():
    """Processor seconds since boot that were not used by this program or its children."""
    user, nice, system, _, _, irq, softirq, steal, *_ = map(int, pathlib.Path("/proc/stat").read_text().split()[1:11])
    own = os.times()
    busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return busy - own.user - own.system - own.children_user - own.children_system


def processor():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    # On ARM there is no such line.
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def version(*command):
    return subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--lenet", type=pathlib.Path, required=True)
    parser.add_argument("--python", type=pathlib.Path, required=True)
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    arguments.lenet = arguments.lenet.resolve()
    lenet, pytorch = Lenet(arguments.lenet, arguments.data), PyTorch(arguments.python, arguments.data)
    kinds = ["eager", "compiled"]
    if not shutil.which("g++"):
        kinds.remove("compiled")
        progress("torch.compile is left out because it needs g++")
    start, others = time.monotonic(), taken_by_others()

    print("Seconds per training epoch: medians of alternating runs. Runs of each:", arguments.repetitions)
    print("Ratio: PyTorch's median divided by lenet's, then the smallest and the largest ratio")
    print("of a lenet run and the PyTorch run after it.\n")
    answer, memory = compare(lenet, pytorch, kinds, arguments.repetitions)
    print("\nTraining images per second in lenet; gain is the speedup from the second thread.\n")
    scale(lenet)
    print("\nPeak memory of the process in MB, with batch 32 and 2 threads.\n")
    for name, peak in memory.items():
        print(f"{name:16}  {peak / 1e6:6.0f}")
    minutes = (time.monotonic() - start) / 60
    share = (taken_by_others() - others) / (minutes * 60 * os.cpu_count())
    print(f"\nimages    {answer['images']:,}")
    print(f"machine   {processor()}, {os.cpu_count()} cores")
    print(f"quiet     other programs used {share:.1%} of the processors in these {minutes:.0f} minutes")
    if share > QUIET:
        print("          THAT IS TOO MUCH: the figures above are worthless, especially those")
        print("          with as many threads as cores. Run this when nothing else is running.")
    commit = version("git", "describe", "--always", "--dirty")
    print(f"lenet     {version(arguments.lenet, '--version').removeprefix('lenet ')}, git {commit}")
    print(f"compiler  {version('rustc', '--version')}")
    print(f"PyTorch   {answer['torch']}, {answer['instruction_set']}, SGD {answer['sgd']}")


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        sys.exit(f"error: {failed}")
