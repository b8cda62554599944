"""Fitted estimators to which hostile rows are given."""

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

import skconstrain
from skconstrain._formulas._links import LINKS
from tests.monotone import CST
from tests.registry import ROWS, WIRING, compositions, positive_regression, two_classes

_SECOND = np.array([[1, 0], [1, 1], [0, 1]])


@dataclass(frozen=True)
class Subject:
    """An estimator, and the data it is fitted on when it is first asked.

    Attributes
    ----------
    name
        Name of the class, and what sets it apart from others of that class.
    estimator
        Not fitted.
    data
        X of shape (n_rows, 5) and y.
    takes_sparse
        Whether it takes sparse rows.
    """

    name: str
    estimator: BaseEstimator
    data: tuple = field(repr=False)
    takes_sparse: bool = True

    @cached_property
    def fitted(self):
        """The fitted estimator."""
        return self.estimator.fit(*self.data)

    @cached_property
    def copy(self):
        """The fitted estimator after pickling."""
        return pickle.loads(pickle.dumps(self.fitted))


def between(lower, upper):
    """Return targets from `lower` to `upper`, or upwards."""
    X, y = positive_regression()
    if upper is None:
        return X, y + lower
    share = 0.02 + 0.96 * (y - y.min()) / np.ptp(y)
    return X, lower * (1 - share) + upper * share


def two_targets(data):
    """Return the same rows with two targets, the second of which falls where the first rises."""
    X, y = data
    return X, np.column_stack([y, y.min() + y.max() - y])


def gappy(data):
    """Return rows of which a fifth of the numbers is missing, most where the target is large."""
    X, y = data
    large = np.argsort(np.argsort(y.reshape(len(y), -1)[:, 0])) / len(y)
    return np.where(np.random.default_rng(0).random(X.shape) < 0.4 * large[:, None], np.nan, X), y


def three_classes():
    """Return 60 rows of three classes."""
    return make_classification(60, 5, n_informative=3, n_redundant=0, n_classes=3, random_state=0)


def labels():
    """Return 60 rows of four labels."""
    X, y = make_multilabel_classification(60, 5, n_classes=4, random_state=0)
    return X - X.mean(axis=0), y


_ONE_SIDED = ["softplus", "exp", "square", "abs", "softabs", "relu"]
_TWO_SIDED = ["sigmoid", "tanh"]
_RANGES = [(0.0, 1.0), (-0.7, 0.1), (1e6, 1e6 + 1), (-1e30, 1e30)]


def _positive_regressors():
    ranges = [(output, lower, None) for output in _ONE_SIDED for lower in (0.0, 0.7, -2.5)]
    ranges += [(output, *ends) for output in _TWO_SIDED for ends in _RANGES]
    for i, (output, lower, upper) in enumerate(ranges):
        params = {"output": output, "lower": lower, "upper": upper}
        # Both precisions and one target or two, in turn: all of them would take minutes to fit.
        dtype, data = ("float32", "float64")[i % 2], between(lower, upper)
        yield f"{output} from {lower:g} to {upper}, {dtype}", {**params, "dtype": dtype}, data
    for i, output in enumerate(name for name, link in LINKS.items() if link.is_monotone):
        ends = (0.0, 40.0 if LINKS[output].two_sided else None)
        params = {"output": output, "upper": ends[1], "dtype": ("float32", "float64")[i % 2]}
        yield f"monotone, {output}", {**params, "monotonic_cst": CST}, between(*ends)
    yield "two targets", {"dtype": "float32"}, two_targets(between(0.0, None))
    yield "two targets in a range", {"output": "tanh", "upper": 1.0}, two_targets(between(0.0, 1.0))
    yield "no hidden layer", {"hidden_layer_sizes": ()}, between(0.0, None)
    yield "tanh units", {"activation": "tanh", "dtype": "float32"}, between(0.0, None)
    yield "exponential units", {"activation": "exponential"}, between(0.0, None)


def _composition_regressors():
    X, shares = compositions()
    for i, total in enumerate((1.0, 100.0, 1e-30, 1e30)):
        dtype = ("float32", "float64")[i % 2]
        yield f"total {total:g}, {dtype}", {"total": total, "dtype": dtype}, (X, total * shares)
    yield "one network, two parts", {"n_networks": 1, "close": True}, (X, shares[:, 1:])
    yield "exponential units", {"activation": "exponential"}, (X, shares)


def _quantile_regressors():
    ranges = [(None, None), (0.0, None), (-2.5, None), (None, 9.0), *_RANGES]
    for i, (lower, upper) in enumerate(ranges):
        dtype, n_networks = ("float32", "float64")[i % 2], (1, 5, 5, 1)[i % 4]
        params = {"lower": lower, "upper": upper, "dtype": dtype, "n_networks": n_networks}
        data = positive_regression() if lower is None else between(lower, upper)
        yield f"from {lower} to {upper}, {dtype}, {n_networks}", params, data
    for i, (lower, upper) in enumerate([(None, None), (0.0, None), (None, 9.0), (0.0, 40.0)]):
        params = {"lower": lower, "upper": upper, "dtype": ("float32", "float64")[i % 2]}
        data = positive_regression() if lower is None else between(lower, upper)
        yield f"monotone, from {lower} to {upper}", {**params, "monotonic_cst": CST}, data
    many = tuple(np.arange(1, 100) / 100)
    for dtype in ("float32", "float64"):
        params = {"quantiles": many, "dtype": dtype}
        yield f"99 levels, {dtype}", params, positive_regression()
    yield "exponential units", {"activation": "exponential"}, positive_regression()


def _connected(data):
    for kernel in ("dense", "sparse"):
        for dtype in ("float32", "float64"):
            params = {"connections": [WIRING, _SECOND], "kernel": kernel, "dtype": dtype}
            yield f"{kernel} kernel, {dtype}", {**params, "hidden_layer_sizes": ()}, data
    params = {"connections": WIRING, "kernel_constraint": "non_neg", "optimizer": "adamw"}
    yield "not negative", {**params, "hidden_layer_sizes": (4,)}, data


def _connected_classifiers():
    yield from _connected(two_classes())
    yield "three classes", {"connections": WIRING, "hidden_layer_sizes": ()}, three_classes()
    yield "labels", {"connections": WIRING, "kernel": "sparse", "hidden_layer_sizes": ()}, labels()


def _label_classifiers():
    yield "three classes", {"dtype": "float32"}, three_classes()
    for dtype in ("float32", "float64"):
        yield f"labels, {dtype}", {"dtype": dtype, "threshold": [0.2, 0.5, 0.8, 1.0]}, labels()
        yield f"at least two labels, {dtype}", {"dtype": dtype, "min_labels": 2}, labels()
    for dtype in ("float32", "float64"):
        params = {"dtype": dtype, "monotonic_cst": CST}
        yield f"monotone labels, {dtype}", params, labels()
        yield f"monotone, two classes, {dtype}", params, two_classes()
    yield "all labels", {"min_labels": 4, "threshold": 1.0}, labels()


def _experts():
    # No trees: theirs are float32 features, and they refuse larger ones.
    return [
        ("linear", LogisticRegression()),
        ("svm", SVC()),
        ("ridge", RidgeClassifier()),
        ("neighbors", KNeighborsClassifier()),
    ]


def _gates():
    for gating in ("soft", "hard", "top_k"):
        for dtype in ("float32", "float64"):
            params = {"gating": gating, "dtype": dtype}
            yield f"{gating} over networks, {dtype}", params, three_classes()
            params = {**params, "estimators": _experts(), "cv": 2}
            yield f"{gating} over experts, {dtype}", params, two_classes()
    yield "three classes over experts", {"estimators": _experts(), "cv": 2}, three_classes()


VARIANTS: dict[str, Callable[[], Iterator[tuple[str, dict, tuple]]]] = {
    "CompositionRegressor": _composition_regressors,
    "PositiveRegressor": _positive_regressors,
    "QuantileNetRegressor": _quantile_regressors,
    "SparseConnectedNet": lambda: _connected(positive_regression()),
    "SparseConnectedNetClassifier": _connected_classifiers,
    "MultiLabelNetClassifier": _label_classifiers,
    "GatedEnsembleClassifier": _gates,
}


def _tuners(fast):
    for min_labels in (0, 2):
        net = skconstrain.MultiLabelNetClassifier(
            min_labels=min_labels, random_state=0, tol=None, **fast
        )
        for scoring in ("f1_macro", "precision_macro"):
            tuned = skconstrain.TunedThresholdMultiLabelClassifierCV(
                net, scoring=scoring, cv=2, random_state=0
            )
            name = f"TunedThresholdMultiLabelClassifierCV, {scoring}, min_labels={min_labels}"
            yield Subject(name, tuned, labels())


def subjects() -> list[Subject]:
    """Return every estimator of the registry, its variants, and the tuner."""
    found, done = [], set()
    # Enough training to move every weight away from its start.
    enough = {"epochs": 20, "learning_rate": 0.01, "tol": None}
    for row in ROWS:
        # Rows of the registry are quick to fit; here networks are as many as by default.
        several = {"n_networks": 5} if "n_networks" in row.fast else {}
        train = {**enough, **several}
        found.append(Subject(f"{row.name}, as registered", row.make(**train), row.data(0)))
        found.append(Subject(f"{row.name}, with gaps", row.make(**train), gappy(row.data(0))))
        kind = row.estimator.__name__
        if kind in VARIANTS and kind not in done and not row.variant:
            done.add(kind)
            for name, params, data in VARIANTS[kind]():
                sparse_too = "estimators" not in params
                made = row.make(**{**train, **params})
                found.append(Subject(f"{kind}, {name}", made, data, sparse_too))
    return [*found, *_tuners({"hidden_layer_sizes": (8,), "epochs": 20})]
