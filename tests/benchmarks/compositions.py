"""Shares of households' budgets: a network whose predictions are shares, beside what people use.

Usage::

    python -m tests.benchmarks.compositions            # five folds
    python -m tests.benchmarks.compositions --folds 2  # some of them

Each line is a model over the shuffled folds of seed 0: the mean cross-entropy and the root mean
squared error of its predictions, how many rows have a negative share, how far the sums of rows are
from one, and seconds. A share below 1e-6 counts as 1e-6 in the cross-entropy, or nothing negative
would have one. Layers and learning rate of the last line are chosen in the training rows of each
fold: by the cross-entropy of predictions out of fold, which a fit leaves.

Data is read from ``../shared/data`` beside the repository, or from the folder that the environment
variable SKCONSTRAIN_DATA names.
"""

import argparse
import time

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import KFold, ParameterGrid
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skconstrain import CompositionRegressor
from tests.benchmarks._data import load_readers

GRID = {"hidden_layer_sizes": [(32,), (64, 64, 64)], "learning_rate": [0.001, 0.003]}
LOGARITHMS = ColumnTransformer(
    [("log", FunctionTransformer(np.log), [0, 1])], remainder="passthrough"
)


def cross_entropy(shares, predicted):
    """Return the mean cross-entropy of shares."""
    return -(shares * np.log(np.maximum(predicted, 1e-6))).sum(axis=1).mean()


class Chosen(RegressorMixin, BaseEstimator):
    """The settings of `GRID` whose predictions out of fold are best."""

    def fit(self, X, y):
        """Fit each of them; keep the best."""
        nets = [clone(NET).set_params(**params).fit(X, y) for params in ParameterGrid(GRID)]
        self.best_ = min(nets, key=lambda net: cross_entropy(y, net.oof_prediction_))
        return self

    def predict(self, X):
        """Predict shares."""
        return self.best_.predict(X)


NET = CompositionRegressor(random_state=0)
MODELS = {
    "mean": DummyRegressor(),
    "least squares": LinearRegression(),
    "least squares on logarithms": make_pipeline(LOGARITHMS, LinearRegression()),
    "forest": RandomForestRegressor(min_samples_leaf=5, random_state=0),
    "boosting, an output at a time": MultiOutputRegressor(
        HistGradientBoostingRegressor(random_state=0)
    ),
    "CompositionRegressor": NET,
    "the same, chosen, on logarithms": make_pipeline(LOGARITHMS, Chosen()),
}


def out_of_fold(model, X, Y, n_folds):
    """Return the rows of the first folds, predictions for them, and seconds."""
    rows, parts, start = [], [], time.perf_counter()
    for train, test in list(KFold(5, shuffle=True, random_state=0).split(X))[:n_folds]:
        parts.append(clone(model).fit(X[train], Y[train]).predict(X[test]))
        rows.append(test)
    return np.concatenate(rows), np.vstack(parts), time.perf_counter() - start


def main():
    """Print a line for each model."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folds", type=int, default=5)
    n_folds = parser.parse_args().folds
    readers = load_readers()
    if readers is None:
        return
    X, Y = (table.to_numpy(float) for table in readers.budget_uk())
    heads = ("entropy", "RMSE", "negative", "sums off by", "seconds")
    print(f"{'':32}" + "".join(f"{head:>12}" for head in heads))
    for name, model in MODELS.items():
        rows, predicted, seconds = out_of_fold(model, X, Y, n_folds)
        error = root_mean_squared_error(Y[rows].ravel(), predicted.ravel())
        negative, off = (predicted < 0).any(axis=1).sum(), np.abs(predicted.sum(axis=1) - 1).max()
        print(
            f"{name:32}{cross_entropy(Y[rows], predicted):12.4f}{error:12.5f}{negative:12d}"
            f"{off:12.1e}{seconds:12.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
