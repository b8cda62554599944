"""Networks with signs keep them under onnxruntime, whose kernels are not NumPy's."""

from copy import copy
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from skconstrain import PositiveRegressor
from skconstrain._networks import FittedNetwork
from skconstrain._networks._activations import ACTIVATIONS
from tests.monotone import CST, in_batches, n_broken, pairs
from tests.onnx.serving import CLOSE, served
from tests.registry import positive_regression, two_classes
from tests.test_guarantees import (
    PRECISIONS,
    RISING,
    monotone,
    monotone_labels,
    monotone_quantiles,
)

EACH_PRECISION = pytest.mark.parametrize("dtype", PRECISIONS)


def hostile(dtype, data, n_pairs=10_000):
    """Return rows far from the data and near to it, and the same further along the signs."""
    return pairs(np.random.default_rng(0), n_pairs, dtype, data()[0])


def output(serve, name, X):
    return serve(X)[name]


def assert_keeps_signs(outputs, X, further):
    """Predictions rise, and are the same in whatever batches: so they rise there, too."""
    after = outputs(further)
    assert n_broken(outputs(X), after) == 0
    for size in (1, 7, 1000):
        some = further[: 200 * size]
        np.testing.assert_array_equal(in_batches(outputs, some, size), after[: len(some)])


@EACH_PRECISION
@pytest.mark.parametrize(("link", "n_networks"), [*((name, 9) for name in RISING), ("exp", 1)])
def test_no_prediction_moves_against_the_sign_of_a_feature(link, n_networks, dtype):
    model = monotone(link, dtype, n_networks)
    X, further = hostile(dtype, positive_regression)
    outputs = partial(output, served(model, X), "variable")
    assert_keeps_signs(outputs, X, further)
    found = outputs(X)[:, 0]
    assert found.dtype == dtype
    np.testing.assert_allclose(found, model.predict(X), rtol=CLOSE[dtype])


@EACH_PRECISION
@pytest.mark.parametrize("kind", ["one network", "two classes", "labels"])
def test_no_probability_moves_against_the_sign_of_a_feature(kind, dtype):
    model = monotone_labels(kind, dtype)
    X, further = hostile(dtype, two_classes)
    serve = served(model, X)
    last = slice(None) if kind == "labels" else slice(-1, None)
    assert_keeps_signs(lambda X: serve(X)["probabilities"][:, last], X, further)
    assert_keeps_signs(partial(output, serve, "label"), X, further)
    found = serve(X)
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(X), rtol=CLOSE[dtype])
    np.testing.assert_array_equal(found["label"], model.predict(X))


@EACH_PRECISION
@pytest.mark.parametrize(
    ("ends", "n_networks"),
    [({}, 1), ({"lower": 0}, 7), ({"upper": 60}, 1), ({"lower": 0, "upper": 60}, 7)],
)
def test_no_quantile_moves_against_the_sign_of_a_feature(ends, n_networks, dtype):
    model = monotone_quantiles(tuple(ends.items()), dtype, n_networks)
    X, further = hostile(dtype, positive_regression)
    serve = served(model, X)
    assert_keeps_signs(partial(output, serve, "quantiles"), X, further)
    found = serve(X)
    assert (np.diff(found["quantiles"], axis=1) >= 0).all()
    np.testing.assert_allclose(
        found["quantiles"], model.predict_quantiles(X), rtol=CLOSE[dtype], atol=1e-12
    )
    np.testing.assert_array_equal(found["variable"], found["quantiles"][:, [1]])


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_signs_are_kept_with_every_activation(activation):
    fitted = monotone("relu", "float64")
    model = copy(fitted)
    network = replace(fitted._fitted.network, activation=activation)
    model._fitted = FittedNetwork(network, fitted._fitted.weights)
    X, further = hostile("float64", positive_regression, 3000)
    outputs = partial(output, served(model, X), "variable")
    assert_keeps_signs(outputs, X, further)
    np.testing.assert_allclose(outputs(X)[:, 0], model.predict(X), rtol=CLOSE["float64"])


@pytest.mark.parametrize("level", ["ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED"])
def test_optimised_graphs_give_the_same_bits(level):
    model = monotone("softplus", "float64")
    X, _ = hostile("float64", positive_regression, 3000)
    expected = served(model, X)(X)["variable"]
    np.testing.assert_array_equal(served(model, X, level)(X)["variable"], expected)


def test_a_gap_is_served_as_it_is_predicted_and_changes_its_row_alone():
    model = monotone("softplus", "float64")
    X, _ = hostile("float64", positive_regression, 10)
    expected, serve = model.predict(X), served(model, X)
    X[3, 2] = np.nan
    expected[3] = model.predict(X)[3]
    np.testing.assert_allclose(serve(X)["variable"][:, 0], expected, rtol=1e-12)


@EACH_PRECISION
def test_all_features_may_have_signs(dtype):
    X, y = positive_regression()
    X = X.astype(dtype)
    signs = np.where(np.array(CST) == 0, 1, CST)
    model = PositiveRegressor(
        (4,), monotonic_cst=signs, epochs=5, activation="softmax", random_state=0
    ).fit(X, y)
    before, after = pairs(np.random.default_rng(0), 2000, dtype, X, signs)
    outputs = partial(output, served(model, X), "variable")
    assert n_broken(outputs(before), outputs(after)) == 0
    np.testing.assert_allclose(outputs(before)[:, 0], model.predict(before), rtol=CLOSE[dtype])
