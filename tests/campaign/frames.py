"""Random tables of text, categories, booleans, numbers and gaps through every class, and back."""

import pickle

import numpy as np
import pandas as pd

from skconstrain import CompositionRegressor, PositiveRegressor, QuantileNetRegressor
from tests.registry import ROWS

N_ROWS = 60


def _numbers(rng, n):
    return pd.Series(rng.normal(size=n) * 10 ** rng.uniform(-3, 3))


def _text(rng, n):
    return pd.Series(rng.choice(list("abcdefgh")[: rng.integers(1, 8)], n)).astype(object)


COLUMNS = {
    "floats": _numbers,
    "single floats": lambda rng, n: _numbers(rng, n).astype("float32"),
    "integers": lambda rng, n: pd.Series(rng.integers(0, 9, n)),
    "nullable integers": lambda rng, n: pd.Series(rng.integers(0, 9, n)).astype("Int64"),
    "numbers as objects": lambda rng, n: _numbers(rng, n).astype(object),
    "booleans": lambda rng, n: pd.Series(rng.random(n) < 0.3),
    "nullable booleans": lambda rng, n: pd.Series(rng.random(n) < 0.3).astype("boolean"),
    "booleans as objects": lambda rng, n: pd.Series(rng.random(n) < 0.3).astype(object),
    "text": _text,
    "text of pandas": lambda rng, n: _text(rng, n).astype("string"),
    "categories": lambda rng, n: _text(rng, n).astype("category"),
    "ordered categories": lambda rng, n: pd.Series(
        pd.Categorical(rng.integers(0, 4, n), categories=[3, 1, 0, 2], ordered=True)
    ),
    "intervals": lambda rng, n: pd.cut(_numbers(rng, n), 3),
    "names of rows": lambda rng, n: pd.Series([f"row {i}" for i in range(n)]),
    "one value": lambda rng, n: pd.Series(["a"] * n),
    "nothing": lambda rng, n: pd.Series([None] * n, dtype=object),
}
# Types without a gap of their own.
_COMPLETE = ("integers", "booleans")


def random_frame(rng) -> pd.DataFrame:
    """Return a table whose columns have random types, and names of these."""
    frame = {}
    for i, kind in enumerate(rng.choice(list(COLUMNS), rng.integers(2, 8))):
        column = COLUMNS[kind](rng, N_ROWS)
        if kind not in _COMPLETE and rng.random() < 0.5:
            gap = None if column.dtype == object else pd.NA
            column[rng.random(N_ROWS) < rng.choice([0.02, 0.3])] = gap
        frame[f"{kind} {i}"] = column
    return pd.DataFrame(frame)


def with_unknown(rng, frame) -> pd.DataFrame:
    """Return the table with values in it that it did not have: of text, categories and numbers."""
    found = frame.copy()
    for name, column in frame.items():
        chosen = rng.random(len(frame)) < 0.3
        if name.startswith(("text", "categories", "names")):
            found[name] = column.astype(object).where(~chosen, "unknown")
        elif name.startswith("floats"):
            found[name] = column.where(~chosen, 1e30)
    return found


def faults(row, rng):
    """Yield what a class breaks of its promises on a random table."""
    frame = random_frame(rng)
    if row.estimator._takes_categories:
        net = row.make().fit(frame, row.data(0)[1])
        yield from _faults_of_fitted(net, frame, rng)
        return
    try:
        row.make(connections=None).fit(frame, row.data(0)[1])
    except ValueError as error:
        if "in column" not in str(error):
            yield f"{list(frame)}: {error}"


def _faults_of_fitted(net, frame, rng):
    output = _output(net, frame)
    copies = {
        "a pickle": (pickle.loads(pickle.dumps(net)), frame),
        "another order of columns": (net, _in_other_order(net, frame, rng)),
        "another order of categories": (net, _with_other_categories(frame)),
        "one row": (net, frame[:1]),
    }
    for name, (copy, given) in copies.items():
        found = _output(copy, given)
        if not np.allclose(found, output[: len(found)], rtol=1e-5, atol=1e-6):
            yield f"{list(frame)}: {name} predicts something else"
    codes = net._validated_input(frame)
    of_keras = np.asarray(net.model_.predict(codes, verbose=0))
    if not np.allclose(of_keras, _as_keras(net, frame), rtol=1e-3, atol=1e-4):
        yield f"{list(frame)}: Keras predicts something else"
    for given in (frame, with_unknown(rng, frame)):
        if not _is_in_range(net, given):
            yield f"{list(frame)}: out of range"
    swapped = _swapped(net, frame)
    if swapped is not None:
        try:
            net.predict(swapped)
            yield f"{list(frame)}: another type is taken"
        except ValueError as error:
            if "in column" not in str(error):
                yield f"{list(frame)}: {error}"


def _output(net, X):
    return net.predict_proba(X) if hasattr(net, "classes_") else net.predict(X)


def _as_keras(net, X):
    """Return what the Keras model returns, by way of NumPy."""
    if isinstance(net, QuantileNetRegressor):
        return net._outputs(X)
    found = _output(net, X)
    if hasattr(net, "classes_"):
        return found[:, 1:] if len(net.classes_) == 2 else found
    return found[:, None] if found.ndim == 1 else found


def _in_other_order(net, frame, rng):
    if not net._encoder.has_categories:
        return frame
    return frame[list(rng.permutation(frame.columns))]


def _with_other_categories(frame):
    found = frame.copy()
    for name, column in frame.items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            categories = list(column.cat.categories)[::-1]
            found[name] = column.cat.set_categories(categories, ordered=False)
    return found


def _is_in_range(net, X):
    output = _output(net, X)
    inside = np.isfinite(output).all()
    if isinstance(net, PositiveRegressor):
        inside &= (output > 0).all()
    if isinstance(net, CompositionRegressor):
        inside &= (output >= 0).all() and np.allclose(output.sum(axis=1), 1)
    if hasattr(net, "classes_"):
        inside &= (output >= 0).all() and (output <= 1).all()
    if isinstance(net, QuantileNetRegressor):
        inside &= (np.diff(net._outputs(X), axis=1) >= 0).all()
    return inside


def _swapped(net, frame):
    """Return the table with numbers where it had categories, None where it had none."""
    for name, categories in zip(frame, net.categories_, strict=True):
        if categories is not None and len(categories):
            return frame.assign(**{name: np.arange(float(len(frame)))})
    return None


def run_frames(n_frames: int, seed=0) -> list[str]:
    """Give random tables to each class in turn; return what was broken."""
    rng, found = np.random.default_rng(seed), []
    for i in range(n_frames):
        row = ROWS[i % len(ROWS)]
        found += [f"{row.name}: {fault}" for fault in faults(row, rng)]
    return found
