"""What each class promises of every finite row, and of its weights."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier

from skconstrain import (
    CompositionRegressor,
    GatedEnsembleClassifier,
    PositiveRegressor,
    QuantileNetRegressor,
    SparseConnectedNet,
    SparseConnectedNetClassifier,
    TunedThresholdMultiLabelClassifierCV,
)
from tests.monotone import broken, in_batches, moved, rising

# Outputs whose ends are never reached.
_OPEN = {"softplus", "exp", "sigmoid", "tanh"}

Promise = tuple[str, np.ndarray]


def of_rows(model, X, dense, rng) -> Iterator[Promise]:
    """Yield promises, and for each whether it holds, one flag a row.

    `X` is what prediction methods are given, `dense` the same rows as an array.
    """
    if is_classifier(model):
        yield from _of_probabilities(model, X)
    else:
        yield "predictions are numbers", _each_row(~np.isnan(model.predict(X)))
    if isinstance(model, PositiveRegressor):
        yield from _of_range(model, X, dense)
    if isinstance(model, QuantileNetRegressor):
        yield from _of_quantiles(model, X, dense, rng)
    if isinstance(model, CompositionRegressor):
        yield from _of_parts(model, X, dense)
    if isinstance(model, GatedEnsembleClassifier):
        yield from _of_gate(model, X)
    if getattr(model, "monotonic_cst", None) is not None:
        yield from _of_signs(model, dense, rng)
    if isinstance(model, SparseConnectedNet | SparseConnectedNetClassifier):
        yield from _of_paths(model, dense, rng)


def _of_keras(model, dense):
    """Return what `model_` returns; it knows gaps where training rows had some."""
    fitted = model._fitted
    return np.asarray(model.model_(fitted.network.without_gaps(dense, fitted.weights)))


def _each_row(flags):
    return flags.reshape(len(flags), -1).all(axis=1)


def _inside(model, y):
    y = y.astype(np.float64)  # exact: a float32 that is inside stays inside
    is_open = model.output in _OPEN
    flags = np.isfinite(y) & ((y > model.lower) if is_open else (y >= model.lower))
    return _each_row(flags if model.upper is None else flags & (y < model.upper))


def _of_range(model, X, dense):
    y = model.predict(X)
    yield "predictions lie inside the range", _inside(model, y)
    if dense.dtype == y.dtype:
        yield "so do those of model_", _inside(model, _of_keras(model, dense))


def _of_quantiles(model, X, dense, rng):
    levels = np.array(model.quantiles)
    between = np.sort(rng.uniform(levels[0], levels[-1], size=7))
    found = {
        "quantiles": model.predict_quantiles(X),
        "those between": model.predict_quantiles(X, between),
    }
    if dense.dtype == found["quantiles"].dtype:
        found["those of model_"] = _of_keras(model, dense)
    for name, quantiles in found.items():
        yield f"{name} do not cross", _each_row(np.diff(quantiles, axis=1) >= 0)
        inside = np.isfinite(quantiles)
        wide = quantiles.astype(np.float64)  # exact: a float32 that is inside stays inside
        if model.lower is not None:
            inside &= wide > model.lower
        if model.upper is not None:
            inside &= wide < model.upper
        yield f"{name} lie inside the range", _each_row(inside)


def _of_parts(model, X, dense):
    predictions = {"predictions": model.predict(X)}
    if dense.dtype == predictions["predictions"].dtype:
        predictions["those of model_"] = _of_keras(model, dense)
    for name, parts in predictions.items():
        tolerance = 1e-12 if parts.dtype == np.float64 else 1e-5
        miss = np.abs(parts.sum(axis=1, dtype=np.float64) - model.total)
        yield f"{name} are not negative", _each_row(parts >= 0)
        yield f"{name} sum to the total", miss <= tolerance * model.total


def _of_signs(model, dense, rng):
    further = moved(rng, dense, model.monotonic_cst)
    size = int(rng.choice([1, 7, 1000])) if len(dense) <= 1000 else 1000
    after = in_batches(partial(rising, model), further, size)
    yield "predictions keep the signs of features", ~broken(rising(model, dense), after)


def _of_probabilities(model, X):
    probability, predicted = model.predict_proba(X), model.predict(X)
    several = np.ndim(model.predict(X)) == 2
    yield (
        "probabilities lie in [0, 1]",
        _each_row(np.isfinite(probability) & (probability >= 0) & (probability <= 1)),
    )
    with np.errstate(divide="ignore"):
        yield "their logarithms are at most 0", _each_row(model.predict_log_proba(X) <= 0)
    yield "decisions are numbers", _each_row(~np.isnan(model.decision_function(X)))
    if several:
        predicted = predicted.toarray() if sparse.issparse(predicted) else predicted
        yield from _of_labels(model, probability, predicted)
    else:
        yield "probabilities sum to 1", np.abs(probability.sum(axis=1) - 1) <= 1e-6
        yield "a class is predicted", np.isin(predicted, model.classes_)


def _of_labels(model, probability, predicted):
    tuned = isinstance(model, TunedThresholdMultiLabelClassifierCV)
    net = model.estimator_ if tuned else model
    threshold = model.thresholds_ if tuned else np.asarray(model.threshold)
    least = getattr(net, "min_labels", 0)
    reached = probability >= threshold
    yield (
        "labels are predicted where they reach their threshold",
        _each_row((predicted == 1) | ~reached),
    )
    yield (
        "others only up to min_labels",
        ((predicted.sum(axis=1) == reached.sum(axis=1)) | (predicted.sum(axis=1) <= least)),
    )
    yield "there are min_labels of them", predicted.sum(axis=1) >= least


def _of_gate(model, X):
    gate = model.gate_proba(X)
    used = (gate > 0).sum(axis=1)
    yield "weights of the gate are not negative", _each_row(gate >= 0)
    yield "they sum to 1", np.abs(gate.sum(axis=1) - 1) <= 1e-6
    if model.gating == "hard":
        yield "a hard gate uses one expert", (used == 1) & (gate.max(axis=1) == 1)
    if model.gating == "top_k":
        yield "a top-k gate uses at most k experts", used <= model.k
    probability = model.expert_predict_proba(X)
    yield "experts give probabilities", _each_row((probability >= 0) & (probability <= 1))
    yield "they sum to 1", _each_row(np.abs(probability.sum(axis=2) - 1) <= 1e-6)


def _matrices(model):
    """Return the given matrices, a list."""
    given = model.connections
    if given is None:
        return []
    return [np.asarray(matrix) for matrix in (given if isinstance(given, list) else [given])]


def _of_paths(model, dense, rng):
    """Yield that what a unit is not connected to does not reach it, however large."""
    matrices = _matrices(model)
    if not matrices:
        return
    unit = int(rng.integers(matrices[0].shape[1]))
    absent = matrices[0][:, unit] == 0
    other = dense.copy()
    other[:, absent] = rng.choice([-1, 1], (len(dense), absent.sum())) * np.finfo(dense.dtype).max
    before, after = (model.activations(rows, layer=0)[:, unit] for rows in (dense, other))
    yield "units are numbers", ~np.isnan(before)
    yield "features without a connection do not reach a unit", before == after


def of_weights(model) -> Iterator[tuple[str, bool]]:
    """Yield promises of the weights, and whether they hold."""
    if not isinstance(model, SparseConnectedNet | SparseConnectedNetClassifier):
        return
    for number, matrix in enumerate(_matrices(model)):
        absent = matrix == 0
        layer = model.model_.get_layer(f"connected_{number}")
        read = {
            "coefs_": model.coefs_[number],
            "connection_weights_": model.connection_weights_[number],
        }
        if layer.kernel_type == "dense":
            read["the kernel of model_"] = np.asarray(layer.kernel)
        for name, weights in read.items():
            weights = weights.toarray() if sparse.issparse(weights) else np.asarray(weights)
            yield f"absent connections are zero in {name}", bool((weights[absent] == 0.0).all())
