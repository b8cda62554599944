"""A grid search over small networks, beside the same search over scikit-learn's own network.

Run from the root of the repository::

    python -m tests.benchmarks.search [--repeats N] [--json FILE]

GridSearchCV of 12 candidates (learning rate x alpha), 5 folds and 50 epochs on 442 x 10, one hidden
layer of 100, batches of 32, float32. Over PositiveRegressor it may take a quarter of the time that
it takes over MLPRegressor, the first search in a process left out: *first* holds its compilations.

TensorFlow is imported, and another network fitted, before any clock starts. Runs are interleaved;
seconds are medians.
"""

import argparse
import json
import sys
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
from tests.benchmarks._settings import ONE_NETWORK
from tests.benchmarks._timing import Contestant, race

RATES, ALPHAS = [0.001, 0.003, 0.01], [1e-4, 1e-3, 1e-2, 1e-1]
MOST = 0.25
SETTINGS = {**ONE_NETWORK, "epochs": 50, "tol": None, "batch_size": 32}


def searches():
    """Return the two searches by name, scikit-learn's network first."""
    net = PositiveRegressor((100,), random_state=0, **SETTINGS)
    mlp = MLPRegressor(
        hidden_layer_sizes=(100,), max_iter=50, batch_size=32, random_state=0, tol=0.0
    )
    return {
        "MLPRegressor": GridSearchCV(mlp, {"learning_rate_init": RATES, "alpha": ALPHAS}, cv=5),
        "PositiveRegressor": GridSearchCV(net, {"learning_rate": RATES, "alpha": ALPHAS}, cv=5),
    }


def compare(X, y, repeats):
    """Time the searches; return seconds by name, and whether ours is fast enough."""
    contestants = [
        Contestant(name, partial(search.fit, X, y), skconstrain.clear_compile_cache)
        for name, search in searches().items()
    ]
    base, ours = timings = race(contestants, repeats)
    for timing in timings:
        print(
            f"{timing.name:18} first {timing.cold:7.2f} s ({timing.cold / base.median:5.2f})   "
            f"later {timing.median:7.2f} s ({timing.median / base.median:5.2f})"
        )
    good = ours.median <= MOST * base.median
    print(f"a later search within {MOST} of MLPRegressor's: {good}")
    return {t.name: {"first": t.cold, "later": t.median} for t in timings}, good


def main():
    """Run the searches, print them, and fail where ours misses its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = (array.astype(np.float32) for array in load_diabetes(return_X_y=True))
    PositiveRegressor((3,), epochs=2).fit(X, y)
    found, good = compare(X, y, options.repeats)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
