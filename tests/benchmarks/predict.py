"""Predictions of many rows, and of one, beside boosting's and scikit-learn's network's.

Run from the root of the repository::

    python -m tests.benchmarks.predict [--rows N ...] [--columns N ...] [--repeats N] [--busy]

Every model has its defaults, but few epochs, which change nothing about the work of a row.
`--busy` does the same once more beside two processes that burn the cores, which it starts and ends.
CPU seconds and wall seconds are medians of interleaved runs; ratios are to histogram boosting.
"""

import argparse
import statistics
import warnings
from functools import partial

import numpy as np
from sklearn.datasets import make_regression
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.neural_network import MLPRegressor

from skconstrain import GatedEnsembleClassifier, MultiLabelNetClassifier, PositiveRegressor
from tests.benchmarks.busy import burners, medians, timed


def rows(n_rows, n_columns):
    """Draw features."""
    return np.random.default_rng(1).normal(size=(n_rows, n_columns))


def contestants(n_columns):
    """Fit what is compared; return the methods that predict, by name."""
    X, y = make_regression(2_000, n_columns, noise=20, random_state=0)
    y = np.exp(y / np.abs(y).max())
    classes = np.digitize(y, np.quantile(y, [0.33, 0.67]))
    labels = np.stack([y > 1, y > 1.2], axis=1).astype(int)
    short = {"epochs": 2, "random_state": 0}
    return {
        "boosting": HistGradientBoostingRegressor().fit(X, y).predict,
        "MLPRegressor": MLPRegressor(max_iter=3).fit(X, y).predict,
        "PositiveRegressor": PositiveRegressor(**short).fit(X, y).predict,
        "one network": PositiveRegressor(n_networks=1, **short).fit(X, y).predict,
        "boosting of classes": HistGradientBoostingClassifier().fit(X, classes).predict_proba,
        "labels": MultiLabelNetClassifier(**short).fit(X, labels).predict_proba,
        "gate": GatedEnsembleClassifier(**short).fit(X, classes).predict_proba,
    }


def race(calls, X, repeats):
    """Print medians of all, and their ratios to boosting."""
    found = medians({name: partial(call, X) for name, call in calls.items()}, repeats)
    for name, (cpu, wall) in found.items():
        ratio = cpu / found["boosting"][0]
        print(f"  {name:20} CPU {cpu:8.4f} s   wall {wall:8.4f} s   CPU / boosting {ratio:6.2f}")


def of_one_row(calls, X, repeats=200):
    """Print microseconds of a call for one row."""
    for name, call in calls.items():
        seconds = statistics.median(timed(call, X[:1])[1] for _ in range(repeats))
        print(f"  {name:20} {1e6 * seconds:8.0f} microseconds for one row")


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--columns", type=int, nargs="+", default=[10, 20, 100])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--busy", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    for n_columns in given.columns:
        calls = contestants(n_columns)
        for n_burners in (0, 2) if given.busy else (0,):
            beside = f", beside {n_burners} busy processes" if n_burners else ""
            with burners(n_burners):
                for n_rows in given.rows:
                    X = rows(n_rows, n_columns)
                    print(f"{n_rows} x {n_columns}{beside}")
                    race(calls, X, given.repeats)
                print(f"one row of {n_columns}{beside}")
                of_one_row(calls, X)


if __name__ == "__main__":
    main()
