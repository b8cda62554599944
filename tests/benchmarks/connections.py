"""Time and memory of connected layers: the sparse kernel beside the masked dense one.

Run from the root of the repository::

    python -m tests.benchmarks.connections [--part epochs|density|skew|memory ...] [--cores N]
                                           [--repeats N] [--json FILE]

All networks train in one process and in the same engine: float32, Adam, batches of 128.

epochs   20,000 x 2,000 with 0.5 % of the connections, seconds an epoch; numbers trained and held
         by the optimizer. The sparse kernel must be eight times faster.
density  Where the dense kernel becomes the faster one, for three sizes.
skew     As many connections spread evenly over the units, and with most of them at a few units.
memory   200,000 x 20,000 with 1,000,000 connections on 500 rows, in a process of its own, whose
         largest resident memory must stay below 4 GB.

With ``--cores 1`` the process is held to one core.
"""

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from tests.benchmarks._settings import CONSTANT_RATE

BATCH = 128
LEAST_SPEED_UP, MOST_GIGABYTES = 8.0, 4.0


def make_data(n_rows, n_inputs, random_state=0):
    """Draw float32 rows, and a target that some of the columns decide."""
    rng = np.random.default_rng(random_state)
    X = rng.standard_normal((n_rows, n_inputs), dtype=np.float32)
    return X, X[:, :20].sum(axis=1)


def epoch_seconds(matrix, kernel, X, y, n_epochs):
    """Fit; return the seconds of every epoch but the first, and the fitted network."""
    import keras

    from skconstrain import SparseConnectedNet

    marks = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: marks.append(time.perf_counter())
    )
    net = SparseConnectedNet(
        matrix,
        **CONSTANT_RATE,
        kernel=kernel,
        batch_size=BATCH,
        epochs=n_epochs + 1,
        tol=None,
        warm_start=True,
        callbacks=[clock],
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of inputs that feed nothing
        net.fit(X, y)
    return np.diff(marks).tolist(), net


def compare(matrices, kernels, X, y, *, repeats, n_epochs):
    """Median seconds an epoch of every pair of `matrices` and `kernels`, interleaved."""
    seconds, nets = {}, {}
    pairs = list(zip(matrices.items(), kernels, strict=True))
    for repeat in range(repeats):
        for (name, matrix), kernel in pairs if repeat % 2 else reversed(pairs):
            found, nets[name] = epoch_seconds(matrix, kernel, X, y, n_epochs)
            seconds.setdefault(name, []).extend(found)
    return {name: statistics.median(seconds[name]) for name in matrices}, nets


def epochs(repeats):
    """Compare both kernels on 20,000 x 2,000 at 0.5 %."""
    from skconstrain import connections

    matrix = connections.random(20_000, 2_000, density=0.005, random_state=0)
    X, y = make_data(10 * BATCH, 20_000)
    seconds, nets = compare(
        {"dense": matrix, "sparse": matrix},
        ["dense", "sparse"],
        X,
        y,
        repeats=repeats,
        n_epochs=3,
    )
    numbers = {name: _numbers(net) for name, net in nets.items()}
    ratio = seconds["dense"] / seconds["sparse"]
    print(f"20,000 x 2,000, {matrix.nnz:,} connections, {len(X)} rows in batches of {BATCH}")
    for name, value in seconds.items():
        weights, state = numbers[name]
        print(
            f"{name:7} {value:8.3f} s an epoch, {value / 10 * 1e3:7.1f} ms a step; "
            f"{weights:>11,} weights, {state:>11,} numbers of the optimizer"
        )
    print(f"the sparse kernel is {ratio:.1f} times faster (at least {LEAST_SPEED_UP:g} wanted)")
    return {"seconds": seconds, "ratio": ratio, "numbers": numbers}, ratio >= LEAST_SPEED_UP


def _numbers(net):
    return sum(w.size for w in net._fitted.weights.values()), sum(
        s.size for s in net._optimizer_state
    )


def density(repeats):
    """Compare both kernels from sparse to dense, for three sizes."""
    from skconstrain import connections

    table = {}
    shares = (0.002, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
    print("dense seconds / sparse seconds; above 1 the sparse kernel is the faster one")
    print(f"{'inputs x units':>16} " + " ".join(f"{share:>7.1%}" for share in shares))
    for n_inputs, n_units in ((500, 200), (2_000, 500), (10_000, 1_000)):
        X, y = make_data(10 * BATCH, n_inputs)
        ratios = []
        for share in shares:
            matrix = connections.random(n_inputs, n_units, density=share, random_state=0)
            pair = {"dense": matrix, "sparse": matrix}
            seconds, _ = compare(pair, ["dense", "sparse"], X, y, repeats=repeats, n_epochs=5)
            ratios.append(seconds["dense"] / seconds["sparse"])
        table[f"{n_inputs} x {n_units}"] = dict(zip(map(str, shares), ratios, strict=True))
        row = " ".join(f"{ratio:7.2f}" for ratio in ratios)
        print(f"{n_inputs:>8,} x {n_units:<5,} {row}", flush=True)
    return table, True


def skew(repeats):
    """Compare even and uneven fan-in with equal numbers of connections."""
    from skconstrain import connections

    uneven = np.full(2_000, 5)
    uneven[:95] = 2_000
    even = np.full(2_000, uneven.sum() // 2_000)
    even[: uneven.sum() - even.sum()] += 1
    matrices = {
        "even": connections.random(20_000, 2_000, fan_in=even, random_state=0),
        "skewed": connections.random(20_000, 2_000, fan_in=uneven, random_state=0),
    }
    X, y = make_data(10 * BATCH, 20_000)
    seconds, _ = compare(matrices, ["sparse"] * 2, X, y, repeats=repeats, n_epochs=5)
    for name, value in seconds.items():
        matrix = matrices[name]
        fan_in = f"fan-in {matrix.fan_in.min()} to {matrix.fan_in.max()}"
        print(f"{name:7} {value:8.3f} s an epoch, {matrix.nnz:,} connections, {fan_in}")
    ratio = seconds["skewed"] / seconds["even"]
    print(f"skewed degrees take {ratio:.2f} of the time of even ones")
    return {"seconds": seconds, "ratio": ratio}, True


def memory(repeats):
    """Fit 200,000 x 20,000 with a million connections in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.connections", "--part", "large"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    print(
        f"200,000 x 20,000, 1,000,000 connections, 500 rows: {result['gigabytes']:.2f} GB at most "
        f"({result['before']:.2f} GB before the fit, the data among them), "
        f"{result['seconds']:.1f} s for 3 epochs; below {MOST_GIGABYTES:g} GB wanted"
    )
    return result, result["gigabytes"] < MOST_GIGABYTES


def large():
    """Fit the large network and print its memory as JSON."""
    from skconstrain import SparseConnectedNet, connections

    matrix = connections.random(200_000, 20_000, fan_in=50, random_state=0)
    X, y = make_data(500, 200_000)
    settings = {**CONSTANT_RATE, "batch_size": BATCH, "epochs": 3, "tol": None}
    net = SparseConnectedNet(matrix, random_state=0, **settings)
    before = _peak_gigabytes()
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.fit(X, y).predict(X)
    seconds = time.perf_counter() - start
    result = {"gigabytes": _peak_gigabytes(), "before": before, "seconds": seconds}
    print(json.dumps(result))


def _peak_gigabytes():
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent process held
        return int(re.search(r"VmHWM:\s*(\d+)", status.read_text())[1]) * 1024 / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


PARTS = {"epochs": epochs, "density": density, "skew": skew, "memory": memory}


def main():
    """Run the parts, print them, and fail where one misses its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", nargs="+", choices=[*PARTS, "large"], default=list(PARTS))
    parser.add_argument("--cores", type=int, help="hold the process to so many cores")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args()
    if options.part == ["large"]:
        return large()
    if options.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    print(f"{len(os.sched_getaffinity(0))} cores")
    results, reached = {}, []
    for part in options.part:
        results[part], good = PARTS[part](options.repeats)
        reached.append(good)
        print(flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
