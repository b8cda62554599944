"""Searches of different kinds: of one or many architectures, rows, columns, and targets."""

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skconstrain import GatedEnsembleClassifier, MultiLabelNetClassifier, PositiveRegressor
from tests.benchmarks._data import load_readers
from tests.benchmarks._settings import ONE_NETWORK

COMMON = {**ONE_NETWORK, "epochs": 50, "tol": None, "batch_size": 32, "random_state": 0}
STOPS = {**COMMON, "early_stopping": True, "tol": 1e-4, "n_iter_no_change": 10}
RATES, ALPHAS = [0.001, 0.003, 0.01], [1e-4, 1e-3, 1e-2, 1e-1]
USUAL = {"learning_rate": RATES, "alpha": ALPHAS}


def numbers(n_rows, n_columns):
    """Draw standard normal columns and positive targets."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_columns), dtype=np.float32)
    return X, np.exp(X[:, :5].mean(axis=1)) * rng.gamma(20, 1 / 20, n_rows)


def mixed(n_rows):
    """Draw numbers and four columns of categories, some of which are rare."""
    X, y = numbers(n_rows, 8)
    drawn = np.random.default_rng(1).geometric(0.1, (n_rows, 4))
    return np.hstack([X, drawn]), y * (1 + (drawn[:, 0] % 3))


def regressor(units, **settings):
    """Return one network."""
    return PositiveRegressor(units, **{**COMMON, **settings})


def classified(X, n_classes):
    """Return classes of rows, by their first columns."""
    edges = np.quantile(X[:, :3].sum(axis=1), np.linspace(0, 1, n_classes + 1)[1:-1])
    return np.digitize(X[:, :3].sum(axis=1), edges)


def encoded(net):
    """Return a Pipeline that encodes the last four columns before `net`."""
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer((encoder, [8, 9, 10, 11]), remainder=StandardScaler())
    return make_pipeline(columns, net)


def rentals(n_rows):
    """Draw rows of the bike table, and a Pipeline that encodes its columns of time and weather."""
    X, y = load_readers().bike()
    rows = np.random.default_rng(0).choice(len(X), n_rows, replace=False)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    names = ["season", "mnth", "hr", "weekday", "weathersit"]
    columns = make_column_transformer((encoder, names), remainder=StandardScaler())
    return make_pipeline(columns, PositiveRegressor(**STOPS)), X.iloc[rows], y[rows]


def bike():
    """Return a search of 24 candidates over 3,000 rows of the bike table."""
    pipeline, X, y = rentals(3_000)
    step = "positiveregressor__"
    sizes = [(32,), (64,), (96,)]
    grid = {f"{step}hidden_layer_sizes": sizes, f"{step}learning_rate": RATES[:2]}
    return pipeline, {**grid, f"{step}alpha": ALPHAS}, X, y


def searches():
    """Return, by name, functions that give an estimator, a grid, X and y.

    The one of real data is there where they are.
    """
    return of_drawn_data() if load_readers() is None else of_drawn_data() | {"bike": bike}


def of_drawn_data():
    """Return ten searches over data that are drawn."""
    sizes = [(10,), (20,), (30,), (40,), (50,), (60,)]
    step = "positiveregressor__"
    of_mixed = {f"{step}hidden_layer_sizes": [(32,), (64,), (96,)], f"{step}learning_rate": RATES}
    return {
        "one architecture": lambda: (regressor((100,)), USUAL, *numbers(442, 10)),
        "tiny networks": lambda: (regressor((8,)), USUAL, *numbers(442, 10)),
        "many architectures": lambda: (
            regressor((8,)),
            {"hidden_layer_sizes": sizes, "alpha": ALPHAS[:2]},
            *numbers(442, 10),
        ),
        "two layers": lambda: (regressor((50, 50)), USUAL, *numbers(442, 10)),
        "stopping early": lambda: (
            PositiveRegressor((100,), **STOPS),
            USUAL,
            *numbers(1_000, 10),
        ),
        "many rows": lambda: (
            regressor((64,), epochs=5, batch_size=128),
            {"learning_rate": RATES, "alpha": ALPHAS[:2]},
            *numbers(10_000, 20),
        ),
        "many columns": lambda: (regressor((32,)), USUAL, *numbers(300, 500)),
        "mixed table": lambda: (encoded(PositiveRegressor(**STOPS)), of_mixed, *mixed(1_000)),
        "classes": lambda: (
            MultiLabelNetClassifier((50,), **COMMON),
            USUAL,
            numbers(500, 20)[0],
            classified(numbers(500, 20)[0], 3),
        ),
        "gates": lambda: (
            GatedEnsembleClassifier(
                n_experts=3, hidden_layer_sizes=(16,), epochs=30, tol=None, random_state=0
            ),
            {"alpha": ALPHAS[:3], "learning_rate": RATES[:2]},
            numbers(500, 10)[0],
            classified(numbers(500, 10)[0], 2),
        ),
    }
