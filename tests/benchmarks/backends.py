"""Our fits under TensorFlow and JAX: seconds, and whether predictions agree.

Run from the root of the repository, with the extra ``jax``::

    python -m tests.benchmarks.backends [--repeats N] [--backends tensorflow jax]

Each backend runs in a process of its own. "first" is a fit with its compilation (not the import),
"later" the median of further ones. ``KERAS_BACKEND=jax python -m tests.benchmarks.search`` times
searches.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings

import numpy as np

from tests.benchmarks._settings import ONE_NETWORK

# Rows, features, units, batch size, epochs.
SIZES = [
    (442, 10, (100,), 32, 50),
    (40_000, 54, (100,), 200, 5),
    (40_000, 54, (256, 256), 256, 5),
]


def make_data(n_rows, n_features):
    """Draw X of shape (n_rows, n_features), float32, and positive targets."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features), dtype=np.float32)
    return X, np.exp(X[:, :5].mean(axis=1)) * rng.gamma(20, 1 / 20, n_rows).astype(np.float32)


def seconds(function):
    """Return how long a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure(repeats):
    """Return the seconds and predictions of each contest, under the backend of this process."""
    from skconstrain import PositiveRegressor

    found = {}
    for n_rows, n_features, units, batch_size, epochs in SIZES:
        X, y = make_data(n_rows, n_features)
        settings = {**ONE_NETWORK, "batch_size": batch_size, "epochs": epochs, "tol": None}
        net = PositiveRegressor(units, random_state=0, **settings)
        first, *later = (
            seconds(lambda net=net, X=X, y=y: net.fit(X, y)) for _ in range(1 + repeats)
        )
        name = f"{n_rows:,} x {n_features}, {units}, batch {batch_size}, {epochs} epochs"
        found[name] = {"first": first, "later": statistics.median(later)}
        found[name]["predictions"] = net.predict(X[:200]).tolist()
    return found


def run_under(backend, repeats):
    """Measure in a new process."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "tests.benchmarks.backends", "--measure", str(repeats)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def largest_difference(some, others):
    """Return the largest relative difference."""
    return float(np.max(np.abs(np.array(some) - others) / np.maximum(np.abs(others), 1e-12)))


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="Time our fits under backends of Keras.")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax"])
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        warnings.simplefilter("ignore")
        print(json.dumps(measure(options.measure)))
        return
    found = {backend: run_under(backend, options.repeats) for backend in options.backends}
    reference = found[options.backends[0]]
    for name, base in reference.items():
        print(name)
        for backend, results in found.items():
            times = f"first {results[name]['first']:7.3f} s, later {results[name]['later']:7.3f} s"
            ratio = results[name]["later"] / base["later"]
            gap = largest_difference(results[name]["predictions"], base["predictions"])
            print(f"  {backend:12} {times}, ratio {ratio:5.2f}, largest difference {gap:.1e}")


if __name__ == "__main__":
    main()
