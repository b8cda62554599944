"""Values that no parameter takes, by name."""

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import skconstrain

NAN, INF = float("nan"), float("inf")
_PAIR = [("a", LogisticRegression()), ("b", SVC())]


def _with(expert):
    return [("a", LogisticRegression()), ("b", expert)]


_SWITCH = ["yes", 3.5, None]

# A dict stands for several parameters, of which the first is the wrong one.
WRONG = {
    "hidden_layer_sizes": [
        "a", None, -1, 0, True, 2.5, NAN, (8, -1), (8, 2.5), (8, "a"), {3: 4}, ((8,), (8,)),
    ],
    "activation": ["nope", 3, None],
    "output": ["nope", 3, None, {"output": "sigmoid"}, {"output": "relu", "upper": 2.0}],
    "lower": [NAN, INF, "a", {"lower": None, "output": "softplus"}, 100.0],
    "upper": [
        NAN, "a", {"upper": -1.0, "output": "sigmoid"}, {"upper": 0.0, "output": "tanh"},
        {"upper": -1.0, "lower": 0.0, "quantiles": (0.1, 0.5)},
    ],
    "total": [0, -1, NAN, INF, 2.0, "a", None],
    "close": _SWITCH,
    "quantiles": [
        "a", 3, 0.5, None, (), (0.0, 0.5), (0.5, 1.0), (0.5, 0.1), (0.5, 0.5), (0.6, 0.9),
        (0.5, NAN), ("a", "b"), ((0.1, 0.5),), {0.5: 1},
    ],
    "loss": ["nope", 3, None],
    "power": [0.5, -1, NAN, "a", None],
    "quantile": [0, 1.5, NAN, "a", None],
    "kernel_constraint": ["nope", 3],
    "monotonic_cst": [
        "a", 3, [1, 0], [2] * 5, [0.5] * 5, [NAN] * 5, ["a"] * 5, [None] * 5, [[1]] * 5,
        {"a": 1}, {"monotonic_cst": [1] * 5, "standardize": False},
        {"monotonic_cst": [1] * 5, "kernel_constraint": "non_neg"},
        {"monotonic_cst": [1] * 5, "activation": "glu"},
    ],
    "alpha": [-1, NAN, INF, "a", None],
    "dropout": [1.0, -0.1, NAN, "a", None],
    "optimizer": ["nope", 3, None],
    "learning_rate": [0, -1, NAN, INF, "a"],
    "epochs": [0, -1, 2.5, NAN, "a", None],
    "batch_size": [0, -1, 2.5, NAN, "nope", None],
    "early_stopping": _SWITCH,
    "validation_fraction": [0.0, 1.0, -0.5, NAN, "a", None],
    "n_iter_no_change": [0, -1, 2.5, NAN, "a", None],
    "tol": [-1, NAN, "a"],
    "warm_start": _SWITCH,
    "callbacks": ["a", 3, [3], [object()]],
    "dtype": ["float16", "nope", 3],
    "random_state": ["a", -1, 2.5],
    "verbose": ["a", -1, None],
    "threshold": [2, -1, NAN, "a", None, [0.5, 0.5, 0.5], ["a", "b"], {"nope": 0.5}],
    "min_labels": [-1, 1.5, NAN, "a", None],
    "class_weight": ["nope", 3, {5: 1}, {0: -1}, {0: NAN}, {0: "a"}, [1, 2, 3], [0, 1],
        [{2: 1}, {}], [{0: "a"}, {}],
    ],
    "connections": [
        "a", 3, {}, {"a": "b"}, np.ones((4, 3)), np.ones((6, 3)), np.zeros((5, 3)),
        -np.ones((5, 3)), 2 * np.ones((5, 3)), np.full((5, 3), NAN), np.full((5, 3), "a"),
        np.ones(5), np.ones((5, 0)), np.ones((5, 3, 2)), [np.ones((5, 3)), np.ones((4, 2))],
        [np.ones((5, 3)), "a"], [np.ones((5, 3)), None],
    ],
    "kernel": ["nope", 3, None],
    "use_bias": _SWITCH,
    "bias_connections": ["a", 3, [1, 0], [[1, 0], [1, 0]], [[2, 2, 2]], [["a"] * 3]],
    "output_connections": ["a", 3, np.ones((2, 2)), np.zeros((8, 1)), np.full((8, 1), NAN)],
    "estimators": [
        "a", 3, [], [1], [("a",)], [("a", LogisticRegression(), 3)], [("a", 3), ("b", 4)],
        [("a", SVC()), ("a", SVC())], _with(LinearRegression()), _with(LogisticRegression),
        [("a__b", SVC()), ("b", SVC())], [("k", SVC()), ("b", SVC())], [(1, SVC()), (2, SVC())],
        _with(LogisticRegression(C=-1)), _with(DecisionTreeClassifier(max_depth=-3)),
        _with(skconstrain.MultiLabelNetClassifier(learning_rate=-1)), _with(Ridge()),
        {"estimators": _PAIR, "cv": "prefit"},
    ],
    "n_experts": [0, 1, -1, 2.5, "a", None],
    "gating": ["nope", 3, None],
    "k": [0, -1, 2.5, "a", None, {"k": 9, "gating": "top_k"}],
    "gate_hidden_layer_sizes": ["a", None, -1, 0, 2.5, True, (8, -1), (8, 2.5), {3: 4}],
    "cv": [
        {"cv": value, "estimators": _PAIR} for value in [1, 0, -3, 1000, "nope", 2.5]
    ],
    "stack_method": ["nope", 3, {"stack_method": "predict_proba", "estimators": _PAIR}],
    "load_balance": [-1, NAN, INF, "a", None],
    "entropy_penalty": [-1, NAN, INF, "a", None],
    "temperature": [0, -1, NAN, INF, "a", (1.0,), (1.0, NAN), (1.0, -1.0), ("a", "b"), (3, 2, 1)],
    "gumbel": _SWITCH,
    "n_rounds": [-1, 2.5, "a", None, 2, {"n_rounds": 2, "estimators": _PAIR, "cv": "prefit"}],
    "n_jobs": [2.5, "a"],
}  # fmt: skip


def wrong_settings(known):
    """Yield the name of a parameter and settings with a wrong value of it, for those in `known`."""
    for name in sorted(WRONG.keys() & set(known)):
        for value in WRONG[name]:
            settings = value if isinstance(value, dict) and name in value else {name: value}
            if settings.keys() <= set(known):
                yield name, settings
