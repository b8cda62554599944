"""Calls that must be refused, and calls that must not."""

import copy
import io
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import joblib
import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from tests.campaign.parameters import wrong_settings


@dataclass(frozen=True)
class Call:
    """A call, and what its error must name; None where it must not be refused."""

    name: str
    run: Callable[[], object]
    names: str | None


_ASKED = (
    "predict", "predict_proba", "predict_log_proba", "decision_function", "gate_proba",
    "expert_predict_proba", "activations", "score",
)  # fmt: skip


def wrong_rows(X) -> Iterator[tuple[str, object, str]]:
    """Yield what no method takes as X, and what the error must name."""

    def changed(value, kind=float):
        rows = X.astype(kind)
        rows[3, 2] = value
        return rows

    yield "X of one dimension", X[0], r"1D|1-D|1 dim|shape"
    yield "X of three dimensions", X[None], r"dim|shape"
    yield "X without rows", X[:0], r"0 sample"
    yield "X without features", X[:, :0], r"0 feature"
    yield "X with infinity", changed(np.inf), "infinity"
    yield "X beyond float64", changed(np.longdouble("1e4000"), np.longdouble), "infinity|too large"
    yield "X with words", changed("a", object), "'a'"
    yield "X of words", np.full(X.shape, "a"), "'a'|str"
    yield "X of dicts", np.full(X.shape, {}, dtype=object), "dict"
    yield "complex X", X.astype(complex), "complex"
    yield "X is None", None, "None|scalar"
    yield "X is a number", 3.0, "scalar|3"
    yield "X is a dict", {"a": 1}, "dict|scalar"
    yield "X is a word", "a", "'a'|scalar"
    yield "X is a generator", (row for row in X), "generator"
    yield "X of rows of two lengths", [[1.0, 2.0], [3.0]], "inhomogeneous|length"
    yield "X sparse with infinity", sparse.csr_array(changed(np.inf)), "infinity|sparse"


def _wrong_targets(y, kind):
    def changed(value):
        target = y.astype(float)
        target[3] = value
        return target

    yield "no y", None, "y.*None|None.*y|requires y"
    yield "y too short", y[:-1], "inconsistent|60.*59"
    yield "y too long", np.append(y, y), "inconsistent|60.*120"
    yield "y empty", y[:0], "inconsistent|0 sample"
    yield "y with NaN", changed(np.nan), "NaN"
    yield "y with infinity", changed(np.inf), "infinity"
    yield "y of three dimensions", np.ones((len(y), 2, 2)), "dim|shape"
    yield "y of rows of two lengths", [[1], [1, 0]] * (len(y) // 2), r"Got \[1\]"
    yield "y is a number", 3.0, "scalar|3|array"
    yield "y is a dict", {"a": 1}, "dict|'a'"
    without = y.astype(object)
    without[0] = None
    yield "y with None", without.tolist(), "None|NaN|unknown"
    if kind == "regressor":
        yield "y of words", np.full(y.shape, "a"), "'a'"
        yield "complex y", y.astype(complex), "omplex"
    else:
        yield "y of one class", np.zeros(len(y)), "1 class|one class"
        yield "y of numbers in between", np.linspace(0, 1, len(y)), "continuous"
        yield "columns of y in between", np.full((len(y), 2), 0.5), r"0\.5|continuous"
        yield "columns of three classes", np.arange(2 * len(y)).reshape(-1, 2) % 3, "Got 2"
        yield 'columns of "0" and "1"', y[:, None].repeat(2, 1).astype(str), "str|'[01]'|<U"


def _wrong_weights(n_rows):
    ones = np.ones(n_rows)
    yield "too short", ones[:-1], "59|shape"
    yield "negative", -ones, "negative"
    yield "NaN", np.nan * ones, "NaN"
    yield "infinite", np.inf * ones, "infinity"
    yield "zeros", 0 * ones, "zero"
    yield "in columns", np.ones((n_rows, 2)), "1D|1-D|2D|dim"
    yield "words", ["a"] * n_rows, "'a'"


def _fits(row, X, y):
    """Yield calls of fit with data that nothing can be learnt from."""

    def fit(X, y, **arguments):
        return row.make().fit(X, y, **arguments)

    for name, wrong, names in wrong_rows(X):
        yield Call(f"fit: {name}", partial(fit, wrong, y), names)
    yield Call("fit: one row", partial(fit, X[:1], y[:1]), "1 sample|1 class|one class")
    for name, wrong, names in _wrong_targets(y, row.kind):
        yield Call(f"fit: {name}", partial(fit, X, wrong), names)
    for name, weight, names in _wrong_weights(len(y)):
        yield Call(f"fit: sample_weight {name}", partial(fit, X, y, sample_weight=weight), names)
    validation = {
        "X_val alone": ({"X_val": X}, "y_val"),
        "y_val alone": ({"y_val": y}, "X_val"),
        "X_val of four features": ({"X_val": X[:, :4], "y_val": y}, "4 feature"),
        "X_val with infinity": ({"X_val": X * np.inf, "y_val": y}, "infinity"),
        "y_val too short": ({"X_val": X, "y_val": y[:-1]}, "inconsistent|59"),
        "y_val with NaN": ({"X_val": X, "y_val": y * np.nan}, "NaN"),
        "empty X_val": ({"X_val": X[:0], "y_val": y[:0]}, "0 sample"),
        "an unknown argument": ({"nope": 1}, "nope"),
    }
    for name, (arguments, names) in validation.items():
        yield Call(f"fit: {name}", partial(fit, X, y, **arguments), names)
    yield Call("fit without y", lambda: row.make().fit(X), "y")


def _parameters(row, X, y):
    """Yield calls of fit with wrong values of parameters."""

    def fit(settings):
        return row.make(**settings).fit(X, y)

    for name, settings in wrong_settings(row.make().get_params(deep=False)):
        shown = ", ".join(f"{key}={value!r:.60}" for key, value in settings.items())
        yield Call(f"fit with {' '.join(shown.split())}", partial(fit, settings), _as_words(name))


def _as_words(name):
    # An error may call experts so, and a list of labels or features by its number.
    known = {"estimators": "estimator|expert", "k": r"\bk\b", "cv": "cv|n_splits"}
    return known.get(name, name)


def _predictions(row, fitted):
    """Yield calls of prediction methods, before fit and with wrong rows."""
    X, y = row.data(0)

    def ask(model, method, *data):
        return getattr(model or row.make(), method)(*data)

    for method in (name for name in _ASKED if hasattr(fitted, name)):
        more = (y,) if method == "score" else ()
        yield Call(f"{method} before fit", partial(ask, None, method, X, *more), "not fitted")
        wrong = [
            *wrong_rows(X),
            ("X of four features", X[:, :4], "4 feature"),
            ("X of six features", np.hstack([X, X[:, :1]]), "6 feature"),
        ]
        for name, rows, names in wrong:
            yield Call(f"{method}: {name}", partial(ask, fitted, method, rows, *more), names)
    if hasattr(fitted, "activations"):
        for layer in ("u", 7, 1.5, None):
            run = partial(fitted.activations, X, layer=layer)
            yield Call(f"activations of layer {layer!r}", run, f"layer.*{layer}")
    for attribute in ("model_", "coefs_", "connection_weights_", "unit_names_"):
        if hasattr(type(fitted), attribute):
            run = partial(getattr, row.make(), attribute)
            yield Call(f"{attribute} before fit", run, "not fitted")


def _orders(row, fitted):
    """Yield calls that come too early, too late, or go on with something else."""
    X, y = row.data(0)

    def again(**settings):
        return pickle.loads(pickle.dumps(fitted)).set_params(**settings)

    def go_on(*arguments):
        return again().partial_fit(*arguments)

    def predict(**settings):
        return again(**settings).predict(X)

    yield Call("set_params of an unknown name", lambda: again(nope=1), "nope")
    yield Call("an unknown parameter", lambda: row.make(nope=1), "nope")
    warm = {"warm_start": True}
    yield Call(
        "warm start with other layers",
        lambda: again(hidden_layer_sizes=(3,), **warm).fit(X, y),
        "hidden_layer_sizes",
    )
    yield Call("warm start with four features", lambda: again(**warm).fit(X[:, :4], y), "4 feature")
    further = {
        "four features": ((X[:, :4], y), "4 feature"),
        "infinity": ((X * np.inf, y), "infinity"),
        "another number of outputs": (
            (X, np.column_stack([y, y, y])),
            "outputs|columns|1 to 3|multilabel",
        ),
    }
    if row.kind == "classifier":
        further["an unknown class"] = ((X, y + 1), "classes")
        further["other classes"] = ((X, y, [1, 2]), "classes")
        further["classes that miss one of y"] = ((X, y, [0]), "class")
    for name, (arguments, names) in further.items():
        yield Call(f"partial_fit with {name}", partial(go_on, *arguments), names)
    yield Call(
        "partial_fit with early_stopping=True",
        lambda: again(early_stopping=True).partial_fit(X, y),
        "early_stopping",
    )
    if "threshold" in fitted.get_params():
        for value in (2, -1, np.nan, "a", ["a"], [0.5, 0.5, 0.5], {"nope": 0.5}):
            run = partial(predict, threshold=value)
            yield Call(f"predict after set_params(threshold={value!r})", run, "threshold")


def _fine(row, fitted):
    """Yield calls that must not be refused."""
    X, y = row.data(0)
    frame, classifier = pd.DataFrame(X, columns=list("abcde")), row.kind == "classifier"
    words = np.array(["no", "yes"])[y] if classifier else y

    def stored():
        buffer = io.BytesIO()
        joblib.dump(fitted, buffer)
        buffer.seek(0)
        return joblib.load(buffer).predict(X)

    def cloned():
        try:
            clone(fitted).predict(X)
        except NotFittedError:
            return
        raise AssertionError("a clone is fitted")

    calls = {
        "pickle": lambda: pickle.loads(pickle.dumps(fitted)).predict(X),
        "pickle before fit": lambda: pickle.loads(pickle.dumps(row.make())).fit(X, y),
        "joblib": stored,
        "clone": cloned,
        "deepcopy": lambda: copy.deepcopy(fitted).predict(X),
        "repr": lambda: repr(fitted),
        "set_params(**get_params())": lambda: clone(fitted).set_params(**fitted.get_params()),
        "set_params after fit": lambda: copy.deepcopy(fitted).set_params(epochs=2).predict(X),
        "fit again": lambda: copy.deepcopy(fitted).fit(X, y),
        "lists": lambda: row.make().fit(X.tolist(), y.tolist()).predict(X.tolist()),
        "DataFrame": lambda: row.make().fit(frame, _in_pandas(y)).predict(frame),
        "integers": lambda: row.make().fit((10 * X).astype(int), y),
        "bool": lambda: row.make().fit(X > 0, y),
        "sparse": lambda: row.make().fit(sparse.csr_array(X), y).predict(sparse.csc_array(X)),
        "y as columns": lambda: row.make().fit(X, y.reshape(len(y), -1)),
        "classes as words": lambda: row.make().fit(X, words),
        "a list of weights": lambda: row.make().fit(X, y, sample_weight=[1] * len(y)),
        "weights of zero": lambda: row.make().fit(X, y, sample_weight=[0, 1] * (len(y) // 2)),
        "partial_fit of one row": lambda: copy.deepcopy(fitted).partial_fit(X[:1], y[:1]),
        "a generator of random numbers": lambda: row.make(
            random_state=np.random.RandomState(0)
        ).fit(X, y),
    }
    for name, run in calls.items():
        yield Call(name, run, None)


def _in_pandas(y):
    return pd.Series(y) if y.ndim == 1 else pd.DataFrame(y)


def calls_of(row) -> Iterator[Call]:
    """Yield the calls of an estimator of the registry."""
    X, y = row.data(0)
    fitted = row.make(epochs=1).fit(X, y)
    yield from _parameters(row, X, y)
    yield from _fits(row, X, y)
    yield from _predictions(row, fitted)
    yield from _orders(row, fitted)
    yield from _fine(row, fitted)
