"""PositiveRegressor's accuracy on real data, beside simple and plain models.

Usage::

    python -m tests.benchmarks.accuracy                # the table
    python -m tests.benchmarks.accuracy --json FILE    # and its numbers
    python -m tests.benchmarks.accuracy --search       # choose the settings again

Data is read from ``../shared/data`` beside the repository, or from the folder that the environment
variable SKCONSTRAIN_DATA names.

Settings are chosen by cross-validation within the first split's training part, so no test row
of that split is seen. The later splits' test rows lie partly in that part, as in every
protocol that tunes once.
"""

import argparse
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from sklearn.model_selection import KFold, RandomizedSearchCV, TimeSeriesSplit
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from skconstrain import PositiveRegressor
from tests.benchmarks._data import load_readers
from tests.benchmarks._settings import ONE_NETWORK

AGE = 7  # days; the strength of concrete grows with its logarithm
TIME_COLUMNS = ["season", "mnth", "hr", "weekday", "weathersit"]
# What scikit-learn's example of time features gives its boosting as categories.
CATEGORIES = ["season", "weathersit", "holiday", "workingday"]
LARGEST_COUNT = 977  # scikit-learn's protocol divides the rentals by it

# Chosen by `python -m tests.benchmarks.accuracy --search`, in the first split's training part.
CONCRETE_SETTINGS = {
    "hidden_layer_sizes": (100, 50),
    "output": "square",
    "dropout": 0.05,
    "epochs": 600,
}
BIKE_SETTINGS = {
    "hidden_layer_sizes": (100, 50),
    "output": "softplus",
    "loss": "squared_error",
    "dropout": 0.2,
    "epochs": 20,
}

CONCRETE_GRID = {
    "hidden_layer_sizes": [(100,), (100, 50), (100, 50, 25)],
    "output": ["softplus", "exp", "square", "softabs"],
    "dropout": [0.0, 0.05, 0.1],
    "epochs": [300, 600],
}
BIKE_GRID = {
    "hidden_layer_sizes": [(100,), (100, 50)],
    "output": ["softplus", "exp", "square"],
    "loss": ["squared_error", "absolute_error", "poisson"],
    "dropout": [0.0, 0.2, 0.4],
    "epochs": [20, 40],
}
# The same in every candidate.
CONCRETE_FIXED = {**ONE_NETWORK, "batch_size": 32, "tol": None, "dtype": "float32"}
BIKE_FIXED = {**ONE_NETWORK, "batch_size": 200, "tol": None, "dtype": "float32"}

# Figures of the data folder's README, for the same 20 splits.
CONCRETE_PUBLISHED = {
    "deep ensembles (published)": 6.03,
    "prob. back-propagation (published)": 5.67,
    "MC dropout (published)": 5.23,
    "dropout, grid search (published)": 4.82,
}


def log_age():
    """Take the logarithm of the age, then standardise."""
    logarithm = FunctionTransformer(np.log1p)
    columns = make_column_transformer((logarithm, [AGE]), remainder="passthrough")
    return make_pipeline(columns, StandardScaler())


def one_hot_time():
    """One-hot encode columns of time and weather, standardise the others."""
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_column_transformer((one_hot, TIME_COLUMNS), remainder=StandardScaler())


def plain_network():
    """Return scikit-learn's network of the same sizes, trained until it converges."""
    return MLPRegressor(hidden_layer_sizes=(100, 50), max_iter=1000, random_state=0)


def concrete_models():
    """Return models by their names in the table."""
    ours = PositiveRegressor(**CONCRETE_FIXED, **CONCRETE_SETTINGS, random_state=0)
    return {
        "mean": DummyRegressor(),
        "least squares": make_pipeline(StandardScaler(), LinearRegression()),
        "least squares, log age": make_pipeline(log_age(), LinearRegression()),
        "MLPRegressor": make_pipeline(StandardScaler(), plain_network()),
        "MLPRegressor, log age": make_pipeline(log_age(), plain_network()),
        "histogram boosting": HistGradientBoostingRegressor(random_state=0),
        "PositiveRegressor, nothing set": PositiveRegressor(random_state=0),
        "PositiveRegressor": make_pipeline(StandardScaler(), ours),
        "PositiveRegressor, log age": make_pipeline(log_age(), ours),
    }


def bike_models():
    """Return models by their names in the table."""
    ours = PositiveRegressor(**BIKE_FIXED, **BIKE_SETTINGS, random_state=0)
    boosting = HistGradientBoostingRegressor(categorical_features=CATEGORIES, random_state=0)
    return {
        "mean": DummyRegressor(),
        "ridge": make_pipeline(one_hot_time(), RidgeCV(np.logspace(-6, 6, 25))),
        "histogram boosting": boosting,
        "MLPRegressor": make_pipeline(one_hot_time(), plain_network()),
        "PositiveRegressor, nothing set": make_pipeline(
            one_hot_time(), PositiveRegressor(random_state=0)
        ),
        "PositiveRegressor": make_pipeline(one_hot_time(), ours),
    }


def with_seed(model, seed):
    """Return a clone whose last step has this random state."""
    model = clone(model)
    seeded = {name: seed for name in model.get_params() if name.split("__")[-1] == "random_state"}
    return model.set_params(**seeded)


def rows(X, index):
    """Take rows of an array or a DataFrame."""
    return X.iloc[index] if hasattr(X, "iloc") else X[index]


def evaluate(name, model, X, y, splits, metric):
    """Fit on every split with its index as random state; return one row of the table."""
    errors, negative, predictions, start = [], 0, 0, time.perf_counter()
    for seed, (train, test) in enumerate(splits):
        predicted = with_seed(model, seed).fit(rows(X, train), y[train]).predict(rows(X, test))
        errors.append(float(metric(y[test], predicted)))
        negative, predictions = negative + int((predicted < 0).sum()), predictions + len(test)
    return {
        "model": name,
        "error": float(np.mean(errors)),
        "standard_error": float(np.std(errors, ddof=1) / np.sqrt(len(errors))),
        "errors": errors,
        "negative": negative,
        "predictions": predictions,
        "seconds": time.perf_counter() - start,
    }


def print_row(row):
    """Print one line of the table."""
    if "seconds" not in row:
        print(f"{row['model']:36s} {row['error']:8.4f}", flush=True)
        return
    print(
        f"{row['model']:36s} {row['error']:8.4f} {row['standard_error']:8.4f} "
        f"{row['negative']:5d} of {row['predictions']:5d} {row['seconds']:8.1f}",
        flush=True,
    )


def table(title, metric_name, models, X, y, splits, metric, published=None):
    """Print and return the rows of one data set."""
    print(f"\n{title}")
    print(f"{'model':36s} {metric_name:>8s} {'s.e.':>8s} {'negative':>14s} {'seconds':>8s}")
    result = [{"model": name, "error": error} for name, error in (published or {}).items()]
    for row in result:
        print_row(row)
    for name, model in models.items():
        result.append(evaluate(name, model, X, y, splits, metric))
        print_row(result[-1])
    return result


def concrete_data(loaders):
    """Return features, strength in MPa, and the 20 published splits."""
    return loaders.concrete()


def bike_data(loaders):
    """Return features, the share of the largest count, and scikit-learn's five splits."""
    X, y = loaders.bike()
    splits = TimeSeriesSplit(5, gap=48, max_train_size=10_000, test_size=1000).split(X)
    return X, y / LARGEST_COUNT, list(splits)


def search(title, preprocess, fixed, grid, data, cv, scoring):
    """Choose settings by cross-validation in the first split's training part, and print them."""
    X, y, splits = data
    train, _ = splits[0]
    model = make_pipeline(preprocess, PositiveRegressor(**fixed, random_state=0))
    grid = {f"positiveregressor__{name}": values for name, values in grid.items()}
    chosen = RandomizedSearchCV(
        model, grid, n_iter=24, cv=cv, scoring=scoring, refit=False, random_state=0
    )
    start = time.perf_counter()
    chosen.fit(rows(X, train), y[train])
    settings = {name.split("__")[1]: value for name, value in chosen.best_params_.items()}
    print(f"\n{title}: {settings}")
    print(f"cross-validated error {-chosen.best_score_:.4f}, {time.perf_counter() - start:.0f} s")
    return settings


def run_search(loaders):
    """Choose the settings of both data sets."""
    folds = KFold(5, shuffle=True, random_state=0)
    concrete = search(
        "concrete", log_age(), CONCRETE_FIXED, CONCRETE_GRID, concrete_data(loaders), folds,
        "neg_root_mean_squared_error",
    )  # fmt: skip
    folds = TimeSeriesSplit(5, gap=48, test_size=1000)
    bike = search(
        "bike", one_hot_time(), BIKE_FIXED, BIKE_GRID, bike_data(loaders), folds,
        "neg_mean_absolute_error",
    )  # fmt: skip
    return {"concrete": concrete, "bike": bike}


def run_tables(loaders):
    """Print the tables of both data sets."""
    concrete = table(
        "concrete: test RMSE in MPa, mean of the 20 published splits", "RMSE", concrete_models(),
        *concrete_data(loaders), root_mean_squared_error, CONCRETE_PUBLISHED,
    )  # fmt: skip
    bike = table(
        "bike: test MAE as a share of the largest count, mean of 5 splits in time order", "MAE",
        bike_models(), *bike_data(loaders), mean_absolute_error,
    )  # fmt: skip
    return {"concrete": concrete, "bike": bike}


def main(arguments=None):
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--search", action="store_true", help="choose the settings again")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers here")
    options = parser.parse_args(arguments)
    loaders = load_readers()
    if loaders is None:
        return 0
    warnings.simplefilter("ignore", ConvergenceWarning)
    # One thread: MLPRegressor's small products are several times slower where threads compete.
    with threadpool_limits(1, user_api="blas"):
        result = run_search(loaders) if options.search else run_tables(loaders)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
