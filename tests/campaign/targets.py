"""Targets as people have them, in random units, containers and order: what is learnt stays."""

import warnings

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, r2_score

from skconstrain import (
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    PositiveRegressor,
    QuantileNetRegressor,
    SparseConnectedNet,
    SparseConnectedNetClassifier,
)

N_ROWS = 300
SHORT = {"hidden_layer_sizes": (16,), "epochs": 40, "random_state": 0}
# Largest loss of R2, or of accuracy.
MOST = 0.1


def _regressors(rng):
    """Return the name of a regressor, and a function that makes it."""
    output = str(rng.choice(["softplus", "exp", "square", "relu"]))
    n_networks = int(rng.choice([1, 3]))
    makes = {
        f"PositiveRegressor {output}": lambda: PositiveRegressor(
            output=output, n_networks=n_networks, **SHORT
        ),
        "QuantileNetRegressor": lambda: QuantileNetRegressor(n_networks=n_networks, **SHORT),
        "SparseConnectedNet": lambda: SparseConnectedNet(np.ones((3, 8), int), **SHORT),
    }
    name = str(rng.choice(list(makes)))
    return name, makes[name]


def _classifiers(rng):
    makes = {
        "MultiLabelNetClassifier": lambda: MultiLabelNetClassifier(n_networks=1, **SHORT),
        "GatedEnsembleClassifier": lambda: GatedEnsembleClassifier(**SHORT),
        "SparseConnectedNetClassifier": lambda: SparseConnectedNetClassifier(
            np.ones((3, 8), int), **SHORT
        ),
    }
    name = str(rng.choice(list(makes)))
    return name, makes[name]


def _amounts(rng):
    X = rng.normal(size=(N_ROWS, 3))
    return X, np.exp(0.5 * X[:, 0] + 0.1 * rng.normal(size=N_ROWS))


def _loss_of_r2(make, other, X, y, given, back):
    """Return by how much R2 is worse where `other` is given y in another form."""
    expected = r2_score(y, make().fit(X, y).predict(X))
    return expected - r2_score(y, back(other().fit(X, given).predict(X)))


def unit(rng):
    """Yield the class, the kind, and the loss of R2 in another unit."""
    (name, make), (X, y) = _regressors(rng), _amounts(rng)
    factor = 10.0 ** rng.uniform(-40, 40)
    yield (
        f"{name}, unit {factor:.0e}",
        _loss_of_r2(make, make, X, y, y * factor, lambda p: p / factor),
    )


def offset(rng):
    """Yield the same of targets far from 0, without a bound or with one far away."""
    X, y = _amounts(rng)
    far = 10.0 ** rng.uniform(0, 8) * rng.choice([-1, 1])
    makes = {
        "QuantileNetRegressor": lambda: QuantileNetRegressor(n_networks=1, **SHORT),
        "SparseConnectedNet": lambda: SparseConnectedNet(np.ones((3, 8), int), **SHORT),
    }
    name = str(rng.choice(list(makes)))
    loss = _loss_of_r2(makes[name], makes[name], X, y, y + far, lambda p: p - far)
    yield f"{name}, offset {far:.0e}", loss


def near_an_end(rng):
    """Yield the same of targets close to one end of a range."""
    X, y = _amounts(rng)
    output, share = str(rng.choice(["sigmoid", "tanh"])), 10.0 ** rng.uniform(-9, -1)
    upper, is_low = 2 * y.max(), rng.random() < 0.5
    settings = {"output": output, "n_networks": int(rng.choice([1, 3])), **SHORT}
    plain = lambda: PositiveRegressor(upper=upper, **settings)  # noqa: E731
    width = upper / share
    ends = {"upper": width} if is_low else {"lower": upper - width, "upper": upper}
    near = lambda: PositiveRegressor(**ends, **settings)  # noqa: E731
    loss = _loss_of_r2(plain, near, X, y, y, lambda p: p)
    yield f"{output}, a share of {share:.0e} of the range", loss


def containers(rng):
    """Yield the class, the kind, and the loss of accuracy of classes in a column of a table."""
    (name, make), X = _classifiers(rng), rng.normal(size=(N_ROWS, 3))
    y = (X[:, 0] > 0).astype(int)
    kind = str(rng.choice(["int64", "Int64", "boolean", "float64", "object", "string", "category"]))
    column = pd.DataFrame({"target": pd.Series(y).astype(kind)})
    given = column if rng.random() < 0.5 else column["target"]
    expected = accuracy_score(y, make().fit(X, y).predict(X))
    predicted = make().fit(X, given).predict(X)
    correct = np.asarray(predicted).astype(float) == y
    yield f"{name}, {kind}, {np.ndim(given)}-D", expected - correct.mean()


def stream(rng):
    """Yield the loss of R2 or accuracy of a stream that begins badly."""
    is_classifier = rng.random() < 0.3
    name, make = (_classifiers if is_classifier else _regressors)(rng)
    X, y = _amounts(rng)
    X[:, 0] *= 10.0 ** rng.uniform(-6, 6)
    y = (y > 1).astype(int) if is_classifier else y * 10.0 ** rng.uniform(-6, 6)
    first = int(rng.choice([1, 2, 30]))
    order = np.argsort(X[:, 0]) if rng.random() < 0.5 else np.arange(N_ROWS)
    more = {"classes": [0, 1]} if is_classifier else {}
    expected = _streamed(make(), X, y, np.arange(N_ROWS), 100, more)
    found = _streamed(make(), X, y, order, first, more)
    yield f"{name}, first part of {first}, {'sorted' if order[0] else 'mixed'}", expected - found


def _streamed(net, X, y, order, first, more):
    if "n_frequencies" in net.get_params():  # one row says nothing of which features have them
        net.set_params(n_frequencies=0)
    net.partial_fit(X[order[:first]], y[order[:first]], **more)
    for _ in range(40):
        for part in np.array_split(order, 6):
            net.partial_fit(X[part], y[part])
    return net.score(X, y)


KINDS = (unit, offset, near_an_end, containers, stream)


def target_faults(n_targets: int, seed: int) -> list[str]:
    """Return what is learnt worse, or refused, of random targets of each kind in turn."""
    rng, found = np.random.default_rng(seed), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(n_targets):
            kind = KINDS[i % len(KINDS)]
            try:
                found += [f"{what}: {loss:.3f} less" for what, loss in kind(rng) if loss > MOST]
            except Exception as error:  # none of them is to be refused
                found.append(f"{kind.__name__}: {type(error).__name__}: {error}")
    return found
