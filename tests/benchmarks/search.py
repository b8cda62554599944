"""A search over small networks: one by one, together, and with scikit-learn's own network.

Run from the root of the repository::

    python -m tests.benchmarks.search [--part search|stacks ...] [--repeats N] [--json FILE]

search  GridSearchCV of 12 candidates (learning rate x alpha), 5 folds and 50 epochs on 442 x 10,
        one hidden layer of 100, batches of 32, float32. BatchedGridSearchCV, its first search in
        the process, may take a quarter of the time of the same search over MLPRegressor, and
        ordinary GridSearchCV over PositiveRegressor 0.6 of it.
stacks  Seconds a network, where 1 to 256 networks train as one stack, beside one after the other.

TensorFlow is imported, and another network fitted, before any clock starts. Runs are interleaved;
seconds are medians.
"""

import argparse
import json
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor

import skconstrain
from skconstrain import PositiveRegressor
from skconstrain.model_selection import BatchedGridSearchCV, fit_many
from tests.benchmarks._timing import Contestant, race

RATES, ALPHAS = [0.001, 0.003, 0.01], [1e-4, 1e-3, 1e-2, 1e-1]
MOST_BATCHED, MOST_PLAIN = 0.25, 0.6
SETTINGS = {"epochs": 50, "tol": None, "batch_size": 32}


def data():
    """Return 442 rows of float32, and targets."""
    X, y = load_diabetes(return_X_y=True)
    return X.astype(np.float32), y.astype(np.float32)


def search(repeats):
    """Time the searches; return ratios to scikit-learn's network, and whether they suffice."""
    X, y = data()
    net = PositiveRegressor((100,), random_state=0, **SETTINGS)
    grid = {"learning_rate": RATES, "alpha": ALPHAS}
    mlp = MLPRegressor(
        hidden_layer_sizes=(100,), max_iter=50, batch_size=32, random_state=0, tol=0.0
    )
    searches = {
        "MLPRegressor, GridSearchCV": GridSearchCV(
            mlp, {"learning_rate_init": RATES, "alpha": ALPHAS}, cv=5
        ),
        "PositiveRegressor, GridSearchCV": GridSearchCV(net, grid, cv=5),
        "PositiveRegressor, Batched": BatchedGridSearchCV(net, grid, cv=5),
    }
    contestants = [
        Contestant(name, partial(each.fit, X, y), skconstrain.clear_compile_cache)
        for name, each in searches.items()
    ]
    timings = race(contestants, repeats)
    base, plain, batched = timings
    table = {}
    for timing in timings:
        table[timing.name] = {"first": timing.cold, "later": timing.median}
        print(
            f"{timing.name:34} first {timing.cold:7.2f} s ({timing.cold / base.median:5.2f})   "
            f"later {timing.median:7.2f} s ({timing.median / base.median:5.2f})"
        )
    good = batched.cold <= MOST_BATCHED * base.median and plain.median <= MOST_PLAIN * base.median
    print(f"first batched search within {MOST_BATCHED}, plain within {MOST_PLAIN}: {good}")
    return table, good


def stacks(repeats):
    """Time stacks of 1 to 256 networks; return seconds a network."""
    X, y = data()
    table = {}
    print(
        f"{'networks':>8} {'together':>12} {'one by one':>12}   milliseconds a network, later fits"
    )
    for n_models in (1, 4, 16, 64, 256):
        nets = [PositiveRegressor((100,), random_state=i, **SETTINGS) for i in range(n_models)]
        fit_many(nets, X, y)
        together = np.median([_seconds(fit_many, nets, X, y) for _ in range(repeats)])
        alone = np.median([_seconds(_fit_each, nets[:16], X, y) for _ in range(repeats)])
        row = (together / n_models * 1e3, alone / min(n_models, 16) * 1e3)
        table[n_models] = dict(zip(("together", "one by one"), row, strict=True))
        print(f"{n_models:8} {row[0]:12.1f} {row[1]:12.1f}", flush=True)
    return table, True


def _fit_each(nets, X, y):
    for net in nets:
        net.fit(X, y)


def _seconds(function, *args):
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


PARTS = {"search": search, "stacks": stacks}


def main():
    """Run the parts, print them, and fail where one misses its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = data()
    PositiveRegressor((3,), epochs=2).fit(X, y)  # imports and starts TensorFlow
    results, reached = {}, []
    for part in options.part:
        results[part], good = PARTS[part](options.repeats)
        reached.append(good)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
