"""Calls of searches and of the tuner."""

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

import skconstrain
from skconstrain import TunedThresholdMultiLabelClassifierCV as Tuned
from tests.campaign.calls import wrong_rows
from tests.campaign.subjects import labels
from tests.registry import positive_regression

NAN = float("nan")


def _net(**params):
    return skconstrain.PositiveRegressor((4,), **{"epochs": 1, "random_state": 0, **params})


def calls_of_searches():
    X, y = positive_regression()
    two = {"alpha": [0.1, 1.0]}
    return {
        "a search over an unknown parameter": (
            lambda: GridSearchCV(_net(), {"nope": [1, 2]}).fit(X, y),
            "nope",
        ),
        "a search with infinity": (
            lambda: GridSearchCV(_net(), two, cv=2, error_score="raise").fit(X * np.inf, y),
            "infinity",
        ),
        "a search over alpha=-1": (
            lambda: GridSearchCV(_net(), {"alpha": [-1, 1.0]}, cv=2, error_score="raise").fit(X, y),
            "alpha",
        ),
    }


def calls_of_tuner():
    X, Y = labels()
    several = OneVsRestClassifier(LogisticRegression())
    fitted = Tuned(several, cv=2, random_state=0).fit(X, Y)
    wrong = {
        "estimator": [None, 3, LinearRegression(), LogisticRegression, make_pipeline()],
        "scoring": ["nope", 3, None, "cost", "roc_auc"],
        "response_method": ["nope", 3, None, "predict"],
        "cv": [1, 0, "nope", 1.5, 1000, "prefit"],
        "fbr": [0, 1, -1, NAN, "a"],
        "shrinkage": [-1, NAN, "a"],
        "max_cut_offs": [0, 1, 2.5, "a", None],
        "refit": ["yes", None, False],
        "n_jobs": [2.5, "a"],
        "random_state": ["a", -1],
    }
    found = {
        f"the tuner with {name}={value!r:.60}": (
            lambda name=name, value=value: Tuned(**{"estimator": several, name: value}).fit(X, Y),
            "cv|n_splits" if name == "cv" else name,
        )
        for name, values in wrong.items()
        for value in values
    }
    for matrix in (3, "a", np.ones((3, 3)), np.full((2, 2), NAN), np.ones((9, 2, 2))):
        found[f"the tuner with cost_matrix={matrix!r:.60}"] = (
            lambda matrix=matrix: Tuned(several, scoring="cost", cost_matrix=matrix).fit(X, Y),
            "cost_matrix",
        )
    targets = {
        "no y": (None, "y"),
        "y too short": (Y[:-1], "inconsistent|59"),
        "y with NaN": (Y * NAN, "NaN"),
        "y of one class": (np.zeros(60), "class"),
        "y in between": (np.full(Y.shape, 0.5), r"0\.5"),
        "columns of three classes": (Y + Y[::-1], "Got 2"),
        "y as a dict": ({"a": 1}, "dict|inconsistent"),
    }
    for name, (y, names) in targets.items():
        found[f"the tuner: {name}"] = (lambda y=y: Tuned(several, cv=2).fit(X, y), names)
    for name, weight, names in (
        ("too short", np.ones(59), "59"),
        ("negative", -np.ones(60), "negative"),
        ("NaN", np.full(60, NAN), "NaN"),
        ("zeros", np.zeros(60), "zero"),
    ):
        net = skconstrain.MultiLabelNetClassifier((4,), epochs=1, random_state=0)
        found[f"the tuner: sample_weight {name}"] = (
            lambda net=net, weight=weight: Tuned(net, cv=2).fit(X, Y, sample_weight=weight),
            names,
        )
    for name, rows, names in wrong_rows(X):
        # The others are OneVsRestClassifier's business.
        if name not in ("X sparse with infinity", "X beyond float64"):
            found[f"predict of the tuner: {name}"] = (
                lambda rows=rows: fitted.predict(rows),
                names,
            )
    found["predict of the tuner before fit"] = (lambda: Tuned(several).predict(X), "not fitted")
    return found
