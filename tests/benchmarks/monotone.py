"""What signs of features cost or gain: networks with and without, beside boosting.

Usage::

    python -m tests.benchmarks.monotone             # auto_mpg and heart, ten seeds
    python -m tests.benchmarks.monotone --seeds 3
    python -m tests.benchmarks.monotone --search    # choose the settings again

Fuel economy cannot rise with displacement, horsepower and weight; the risk of heart disease cannot
fall with blood pressure and cholesterol. The split into training and test rows is the one that
papers on monotone networks use. Settings of the networks with signs were chosen by five folds of
the training rows, and those without have the same ones; both are shown with default settings too.

Data is read from ``../shared/data`` beside the repository, or from the folder that the environment
variable SKCONSTRAIN_DATA names.
"""

import argparse
import itertools
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, mean_squared_error
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain import MultiLabelNetClassifier, PositiveRegressor
from tests.benchmarks._data import load_readers


@dataclass(frozen=True)
class Task:
    """One data set, its signs, and the settings chosen in its training rows."""

    reader: str
    signs: dict[str, int]
    network: type
    boosting: type
    linear: object
    metric: Callable
    larger_is_better: bool
    grid: dict
    chosen: dict


SIZES = [(16,), (32, 32), (64, 64, 64)]
TASKS = [
    Task(
        "auto_mpg",
        {"Displacement": -1, "Horsepower": -1, "Weight": -1},
        PositiveRegressor,
        HistGradientBoostingRegressor,
        LinearRegression(),
        mean_squared_error,
        False,
        {"hidden_layer_sizes": SIZES, "output": ["softplus", "exp"], "dropout": [0.0, 0.1]},
        chosen={"hidden_layer_sizes": (32, 32)},
    ),
    Task(
        "heart",
        {"trestbps": 1, "chol": 1},
        MultiLabelNetClassifier,
        HistGradientBoostingClassifier,
        make_pipeline(StandardScaler(), LogisticRegression()),
        accuracy_score,
        True,
        {"hidden_layer_sizes": SIZES, "dropout": [0.0, 0.2, 0.4]},
        chosen={"hidden_layer_sizes": (32, 32), "dropout": 0.4},
    ),
]


def models(task, seed):
    """Return models by their names in the table."""
    signs, random = {"monotonic_cst": task.signs}, {"random_state": seed}
    return {
        "linear": task.linear,
        "boosting": task.boosting(**random),
        "boosting with signs": task.boosting(**signs, **random),
        "network, defaults": task.network(**random),
        "network with signs, defaults": task.network(**signs, **random),
        "network, the same settings": task.network(**task.chosen, **random),
        "network with signs": task.network(**signs, **task.chosen, **random),
    }


def compare(task, readers, n_seeds):
    """Print the mean and the spread over seeds of each model's result on test rows."""
    X, y, X_test, y_test = getattr(readers, task.reader)()
    found = {}
    for seed in range(n_seeds):
        for name, model in models(task, seed).items():
            start = time.perf_counter()
            score = task.metric(y_test, model.fit(X, y).predict(X_test))
            found.setdefault(name, []).append((score, time.perf_counter() - start))
    print(f"\n{task.reader}: {task.metric.__name__} on test rows, {n_seeds} seeds")
    for name, results in found.items():
        scores, seconds = np.transpose(results)
        ends = f"{scores.min():8.3f} to {scores.max():.3f}"
        print(f"{name:30}{scores.mean():9.3f}{ends:>20}{np.median(seconds):8.2f} s")


def search(task, readers):
    """Print the result of each setting with signs in folds of the training rows, best last."""
    X, y, *_ = getattr(readers, task.reader)()
    y = np.asarray(y)
    found, folds = [], KFold(5, shuffle=True, random_state=0)
    for values in itertools.product(*task.grid.values()):
        params = dict(zip(task.grid, values, strict=True))
        model = task.network(monotonic_cst=task.signs, random_state=0, **params)
        found.append((task.metric(y, cross_val_predict(model, X, y, cv=folds)), params))
        print(f"{task.reader}: {found[-1][0]:.3f} {params}", flush=True)
    best = sorted(found, key=lambda pair: pair[0], reverse=not task.larger_is_better)[-1]
    print(f"{task.reader}, best: {best}", flush=True)


def main():
    """Read the command line, compare or search."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.monotone",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--task", choices=[task.reader for task in TASKS])
    options = parser.parse_args()
    readers = load_readers()
    if readers is None:
        return
    warnings.filterwarnings("ignore")
    for task in TASKS:
        if options.task in (None, task.reader):
            if options.search:
                search(task, readers)
            else:
                compare(task, readers, options.seeds)


if __name__ == "__main__":
    main()
