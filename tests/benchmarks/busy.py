"""Fits and predictions alone, and beside processes that keep the cores busy.

Run from the root of the repository::

    python -m tests.benchmarks.busy [--burners N] [--rows N] [--predicted N] [--repeats N]

It starts two processes that burn a core each, and ends them. Every model has its defaults. CPU
seconds and wall seconds are medians; *busy* over *alone* says what a model loses to the others on
the machine: with two cores and two burners, half of the machine is lost, a factor of two.
"""

import argparse
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain import PositiveRegressor
from tests.benchmarks._timing import format_table

# A burner ends with the benchmark, also where that is killed.
BURN = "import os; parent = os.getppid()\nwhile os.getppid() == parent: sum(range(100_000))"
HEADER = ["", "CPU s", "wall s", "busy CPU s", "busy wall s", "CPU ratio", "wall ratio"]


@contextmanager
def burners(n_processes):
    """Keep so many processes busy."""
    processes = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(n_processes)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def timed(call, *arguments):
    """Return CPU seconds and wall seconds of a call."""
    cpu, wall = time.process_time(), time.perf_counter()
    call(*arguments)
    return time.process_time() - cpu, time.perf_counter() - wall


def medians(calls, repeats):
    """Return the medians of interleaved runs, (CPU seconds, wall seconds) by name."""
    seconds = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            seconds[name].append(timed(call))
    return {name: np.median(found, axis=0) for name, found in seconds.items()}


def models():
    """Return what is compared, by name."""
    return {
        "PositiveRegressor": PositiveRegressor(random_state=0),
        "boosting": HistGradientBoostingRegressor(random_state=0),
        "MLPRegressor, scaled": make_pipeline(StandardScaler(), MLPRegressor(random_state=0)),
    }


def work(n_rows, n_predicted, n_columns=20):
    """Return fits and predictions by name; each model has been fitted once before."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, n_columns))
    y = np.exp(np.sin(X[:, 0]) + X[:, 1] * X[:, 2] / 3 + rng.normal(scale=0.2, size=n_rows))
    many, calls = rng.normal(size=(n_predicted, n_columns)), {}
    for name, model in models().items():
        fitted = model.fit(X, y)
        calls[f"{name}: fit of {n_rows}"] = lambda model=fitted: model.fit(X, y)
        calls[f"{name}: {n_predicted} rows"] = lambda model=fitted: model.predict(many)
    return calls


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--burners", type=int, default=2)
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--predicted", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    calls = work(given.rows, given.predicted)
    alone = medians(calls, given.repeats)
    with burners(given.burners):
        busy = medians(calls, given.repeats)
    rows = []
    for name in calls:
        figures = *alone[name], *busy[name], *(busy[name] / alone[name])
        rows.append([name, *(f"{value:.3f}" for value in figures)])
    print(format_table(HEADER, rows))


if __name__ == "__main__":
    main()
