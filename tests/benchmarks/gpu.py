"""Rows a second on a GPU and on the same machine's CPU, under TensorFlow and JAX.

Run from the root of the repository::

    python -m tests.benchmarks.gpu [--size small|large] [--repeats N] [--backends NAME ...]
                                   [--json FILE]

Every backend and device has a process of its own; a backend that is not installed, and a GPU that
a backend does not see, are left out with a line that says so. Everything is float32. *rows a
second* counts the rows that all networks train on in all epochs, in the median of the fits after
the first. Arrays of NumPy go in and come out, so transfers are counted. *first* is the first fit,
with compiling. *ratio* is to the same backend on the CPU.

Without a GPU, sizes are small, so that the benchmark shows that it runs; `--size large` asks for
those that a GPU is for.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks._settings import ONE_NETWORK
from tests.benchmarks._timing import format_table, progress, write_json

# What hides a GPU from a process, for each backend.
ON_CPU = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
HEADER = ["", "backend", "device", "first s", "later s", "rows a second", "ratio"]


@dataclass(frozen=True)
class Size:
    """How large the cases are.

    Attributes
    ----------
    n_rows, n_features, epochs
        Of all cases.
    widths
        Units of both hidden layers of the wide networks.
    wired
        Inputs and units of the sparse layer, half a per cent of which are connected.
    n_experts
        Numbers of experts under a gate.
    """

    n_rows: int
    n_features: int
    epochs: int
    widths: tuple[int, ...]
    wired: tuple[int, int]
    n_experts: tuple[int, ...]


SIZES = {
    "small": Size(5_000, 50, 2, (256,), (2_000, 200), (4,)),
    "large": Size(100_000, 100, 5, (1024, 4096), (20_000, 2_000), (8, 64)),
}


def cases(size):
    """Yield the name of each case, a function that fits, and how many rows that trains on."""
    from skconstrain import GatedEnsembleClassifier, PositiveRegressor, SparseConnectedNet
    from skconstrain.connections import random

    rng = np.random.default_rng(0)
    X = rng.standard_normal((size.n_rows, size.n_features), dtype=np.float32)
    y = np.exp(X[:, :5].mean(axis=1))
    common = {"epochs": size.epochs, "tol": None, "random_state": 0}
    n_trained = size.n_rows * size.epochs
    for width in size.widths:
        net = PositiveRegressor((width, width), batch_size=1024, **{**ONE_NETWORK, **common})
        yield f"{width} x {width} units", lambda net=net: net.fit(X, y), n_trained
    n_inputs, n_units = size.wired
    wide = rng.standard_normal((min(size.n_rows, 5_000), n_inputs), dtype=np.float32)
    wires = random(n_inputs, n_units, density=0.005, random_state=0)
    # Standardising so many columns would be most of a fit.
    settings = {"kernel": "sparse", "standardize": False, "batch_size": 256}
    wired = SparseConnectedNet(wires, **settings, **common)
    target = np.exp(wide[:, :5].mean(axis=1))
    name = f"sparse layer {n_inputs:,} x {n_units:,}"
    yield name, lambda: wired.fit(wide, target), len(wide) * size.epochs
    for n in size.n_experts:
        gate = GatedEnsembleClassifier(
            n_experts=n, hidden_layer_sizes=(64,), batch_size=1024, early_stopping=False, **common
        )
        yield f"{n} experts", lambda gate=gate: gate.fit(X, y > 1), n_trained


def measure(size, repeats):
    """Print a line of JSON for the device of this process, and one for each case."""
    from skconstrain._engine._lending import BACKEND

    has_gpu = BACKEND.trains_on_gpu()
    print(json.dumps({"device": "GPU" if has_gpu else "CPU"}), flush=True)
    if has_gpu or os.environ.get("CUDA_VISIBLE_DEVICES") == "-1":
        for name, fit, n_rows in cases(SIZES[size]):
            first, *later = (_seconds(fit) for _ in range(1 + repeats))
            row = {"case": name, "first": first, "later": statistics.median(later), "rows": n_rows}
            print(json.dumps(row), flush=True)


def _seconds(fit):
    start = time.perf_counter()
    fit()
    return time.perf_counter() - start


def run_under(backend, device, size, repeats):
    """Measure in a new process; return its rows, none where it does not have the device."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment |= ON_CPU if device == "CPU" else {}
    command = [sys.executable, "-m", "tests.benchmarks.gpu", "--measure", size]
    command += ["--repeats", str(repeats)]
    rows = []
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            found = json.loads(line)
            if "case" in found:
                rows.append({**found, "backend": backend, "device": device})
                progress(f"{backend} {device} {found['case']}: {found['later']:.3f} s")
            elif found["device"] != device:
                print(f"{backend} sees no {device}")
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return rows


def table(rows):
    """Return rows of text: cases side by side, with the ratio to the CPU."""
    on_cpu = {(row["case"], row["backend"]): row["later"] for row in rows if row["device"] == "CPU"}
    return [
        [
            row["case"],
            row["backend"],
            row["device"],
            f"{row['first']:.2f}",
            f"{row['later']:.3f}",
            f"{row['rows'] / row['later']:,.0f}",
            f"{on_cpu[row['case'], row['backend']] / row['later']:.2f}",
        ]
        for row in sorted(rows, key=lambda row: row["case"])
    ]


def has_gpu():
    """Whether the driver of a GPU is there; what a backend sees is asked in its own process."""
    return any(Path("/dev").glob("nvidia[0-9]*"))


def parse_arguments(arguments=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, help="default: large where there is a GPU")
    parser.add_argument("--repeats", type=int, default=2, help="fits after the first (default: 2)")
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax"])
    parser.add_argument("--json", metavar="FILE", help="also write the results to FILE")
    parser.add_argument("--measure", choices=SIZES, help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    if parsed.repeats < 1:
        parser.error(f"--repeats must be at least 1. Got {parsed.repeats}.")
    return parsed


def main(arguments=None):
    """Run the benchmark."""
    options = parse_arguments(arguments)
    warnings.simplefilter("ignore")
    if options.measure:
        measure(options.measure, options.repeats)
        return
    devices = ["CPU", "GPU"] if has_gpu() else ["CPU"]
    size, rows = options.size or ("large" if has_gpu() else "small"), []
    print(f"sizes: {size}" + ("" if has_gpu() else "; no GPU here"))
    for backend in options.backends:
        if importlib.util.find_spec(backend) is None:
            print(f"{backend} is not installed")
            continue
        for device in devices:
            rows += run_under(backend, device, size, options.repeats)
    print(format_table(HEADER, table(rows)))
    if options.json:
        write_json(options.json, {"size": size, "rows": rows})


if __name__ == "__main__":
    main()
