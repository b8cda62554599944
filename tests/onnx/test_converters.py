"""Graphs of ONNX give what the estimators predict, and keep the same promises."""

import doctest
import sys
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from numpydoc.validate import validate
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skconstrain
from skconstrain import (
    CompositionRegressor,
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    PositiveRegressor,
    QuantileNetRegressor,
    SparseConnectedNet,
    SparseConnectedNetClassifier,
    TunedThresholdMultiLabelClassifierCV,
)
from skconstrain._formulas._links import LINKS
from skconstrain._formulas._numpy_ops import largest, ranks
from skconstrain._networks import FittedNetwork
from skconstrain._networks._activations import ACTIVATIONS
from tests.onnx.serving import CLOSE, onnx, run
from tests.registry import POSITIVE, WIRING, compositions, positive_regression, two_classes
from tests.test_docstrings import NOT_ASKED
from tests.test_guarantees import composed, quantiles_fitted
from tests.test_tables import FRAME, PRICE, TAKES_CATEGORIES

FAST = {"hidden_layer_sizes": (6,), "epochs": 5, "tol": None, "random_state": 0}
ONE = {**FAST, "n_networks": 1}


def assert_equal(model, X, dtype, codes=None):
    """Check the graph of a fitted estimator, which takes codes, against its own predictions."""
    X = X.astype(dtype) if codes is None else X
    found, expected = run(model, X if codes is None else codes), model.predict(X)
    if not hasattr(model, "classes_"):
        prediction = found["variable"]
        assert prediction.dtype == dtype
        size = np.abs(expected).max()
        expected = np.reshape(expected, prediction.shape)
        np.testing.assert_allclose(
            prediction, expected, rtol=CLOSE[dtype], atol=CLOSE[dtype] * size
        )
        if hasattr(model, "predict_quantiles"):
            assert_close_quantiles(found["quantiles"], model.predict_quantiles(X), dtype)
        return
    probability = model.predict_proba(X)
    np.testing.assert_allclose(found["probabilities"], probability, rtol=0, atol=CLOSE[dtype])
    np.testing.assert_array_equal(found["label"], expected)


def assert_close_quantiles(quantiles, expected, dtype):
    """Check all levels of fit, in the unit of the largest one."""
    assert quantiles.dtype == dtype
    atol = CLOSE[dtype] * np.abs(expected).max()
    np.testing.assert_allclose(quantiles, expected, rtol=CLOSE[dtype], atol=atol)


def three_classes(random_state=0):
    X, _ = two_classes(random_state)
    return X, np.array(["low", "mid", "top"])[np.digitize(X[:, 0], [-0.5, 0.5])]


def labels(random_state=0):
    X, y = two_classes(random_state)
    return X, np.column_stack([y, 1 - y, X[:, 0] > 0])


def two_targets(random_state=0):
    X, y = positive_regression(random_state)
    return X, np.column_stack([y, y**2])


JOINT = {"n_experts": 3, "gate_hidden_layer_sizes": (4,), **FAST}


def many_rows():
    """Return so many rows that folds calibrate quantiles."""
    parts = (positive_regression(random_state) for random_state in range(4))
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


CASES = {
    "positive": (PositiveRegressor(**FAST), positive_regression),
    "positive, one network": (PositiveRegressor(**ONE), positive_regression),
    "positive, two targets": (PositiveRegressor(**FAST), two_targets),
    "not standardised": (PositiveRegressor(**FAST, standardize=False), positive_regression),
    "connected": (SparseConnectedNet(**FAST), positive_regression),
    "wired": (SparseConnectedNet(WIRING, **FAST), positive_regression),
    "wired, sparse": (SparseConnectedNet(WIRING, kernel="sparse", **FAST), positive_regression),
    "quantiles": (QuantileNetRegressor(**FAST), positive_regression),
    "quantiles, one network": (QuantileNetRegressor(**ONE, lower=0), positive_regression),
    "quantiles without 0.5": (
        QuantileNetRegressor(**FAST, quantiles=(0.1, 0.2, 0.4, 0.8), upper=1e3),
        positive_regression,
    ),
    "calibrated quantiles": (
        # One batch trains in double precision, if X is in it.
        QuantileNetRegressor(**FAST, lower=0, batch_size=240),
        many_rows,
    ),
    "the median alone": (QuantileNetRegressor(**FAST, quantiles=(0.5,)), positive_regression),
    "parts": (CompositionRegressor(**FAST, total=100.0, close=True), compositions),
    "two classes": (SparseConnectedNetClassifier(WIRING, **FAST), two_classes),
    "three classes": (MultiLabelNetClassifier(**FAST), three_classes),
    "labels": (MultiLabelNetClassifier(**FAST, threshold=[0.3, 0.5, 0.6]), labels),
    "least labels": (MultiLabelNetClassifier(**FAST, threshold=0.9, min_labels=2), labels),
    "soft gate": (GatedEnsembleClassifier(**JOINT), two_classes),
    "soft gate, one mixture": (GatedEnsembleClassifier(n_networks=1, **JOINT), three_classes),
    "hard gate": (GatedEnsembleClassifier(gating="hard", **JOINT), three_classes),
    "top-k gate": (GatedEnsembleClassifier(gating="top_k", k=2, **JOINT), three_classes),
    "tuned labels": (
        TunedThresholdMultiLabelClassifierCV(MultiLabelNetClassifier(**FAST), cv=2),
        labels,
    ),
    "tuned classes": (
        TunedThresholdMultiLabelClassifierCV(LogisticRegression(), cv=2),
        two_classes,
    ),
    "search": (
        GridSearchCV(PositiveRegressor(**ONE), {"alpha": [0.0, 0.1]}, cv=2),
        positive_regression,
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_graphs_give_what_estimators_predict(name, dtype):
    estimator, data = CASES[name]
    X, y = data()
    pipeline = make_pipeline(StandardScaler(), estimator).fit(X.astype(dtype), y)
    assert_equal(pipeline, X, dtype)


@pytest.fixture(scope="module", params=["float32", "float64"])
def deep(request):
    """Return a fitted network of two hidden layers, whose activation does not matter, and X."""
    X, y = positive_regression()
    X = X.astype(request.param)
    net = PositiveRegressor((4, 4), epochs=3, tol=None, n_networks=1, random_state=0)
    return net.fit(X, y), X, request.param


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_activation_is_written(activation, deep):
    fitted, X, dtype = deep
    net = copy(fitted)
    network = replace(fitted._fitted.network, activation=activation)
    net._fitted = FittedNetwork(network, fitted._fitted.weights)
    assert_equal(net, X, dtype)


def hostile_rows(X):
    """Return rows like X in all sizes, up to the largest numbers of its precision."""
    largest_number = np.finfo(X.dtype).max
    scaled = np.concatenate([X * scale for scale in (0, 1e3, -1e10, 1e30, -1e37)])
    corner = np.resize([largest_number, -largest_number, 0, 1, -1], (1, X.shape[1]))
    return np.concatenate([scaled, corner, -corner]).astype(X.dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("output", LINKS)
def test_ranges_hold_for_hostile_rows(output, dtype):
    X, y = positive_regression()
    X = X.astype(dtype)
    upper = 5.0 if LINKS[output].two_sided else None
    net = PositiveRegressor(output=output, lower=0.0, upper=upper, **FAST).fit(X, y)
    assert_equal(net, X, dtype)
    found = run(net, hostile_rows(X))["variable"]
    assert np.isfinite(found).all()
    assert (found > 0).all() if LINKS[output].open_end else (found >= 0).all()
    if upper is not None:
        assert (found < upper).all() if LINKS[output].open_end else (found <= upper).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("lower", "upper", "n_networks"),
    [(None, None, 5), (0.0, None, 1), (None, 3.0, 2), (0.0, 3.0, 3)],
)
def test_quantiles_do_not_cross_and_stay_in_their_range(lower, upper, n_networks, dtype):
    net = quantiles_fitted(lower, upper, n_networks, dtype)
    X = hostile_rows(positive_regression()[0].astype(dtype))
    found = run(net, X)
    quantiles = found["quantiles"]
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert lower is None or (quantiles.astype(np.float64) > lower).all()
    assert upper is None or (quantiles.astype(np.float64) < upper).all()
    np.testing.assert_array_equal(found["variable"], quantiles[:, [2]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parts_are_not_negative_and_sum_to_the_total(dtype):
    X = hostile_rows(compositions()[0].astype(dtype))
    parts = run(composed(100.0, 1, dtype), X)["variable"]
    assert (parts >= 0).all()
    sums = parts.sum(axis=1, dtype=np.float64)
    np.testing.assert_allclose(sums, 100.0, rtol={"float32": 1e-5, "float64": 1e-12}[dtype])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_label_is_certain(dtype):
    X, y = labels()
    X = X.astype(dtype)
    found = run(MultiLabelNetClassifier(**FAST).fit(X, y), hostile_rows(X))["probabilities"]
    assert ((found > 0) & (found < 1)).all()


@pytest.mark.parametrize("gating", ["soft", "hard", "top_k"])
def test_probabilities_hold_for_hostile_rows(gating):
    X, y = three_classes()
    net = GatedEnsembleClassifier(gating=gating, **JOINT).fit(X.astype(np.float32), y)
    hostile = np.concatenate([X * scale for scale in (0, 1e3, -1e10, 1e30)]).astype(np.float32)
    found = run(net, hostile)["probabilities"]
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)


def test_what_cannot_be_written_is_refused_with_a_sentence(monkeypatch):
    X, y = positive_regression()
    own = PositiveRegressor(**ONE, activation=lambda x: x * x).fit(X, y)
    with pytest.raises(NotImplementedError, match="activation must be a name"):
        run(own, X)
    wired = SparseConnectedNet(WIRING, kernel="sparse", **FAST).fit(X, y)
    monkeypatch.setattr("skconstrain.onnx._traced_array.MOST_DENSE", 10)
    with pytest.raises(ValueError, match=r"of at most 10 numbers. Got 5 x 3"):
        run(wired, X)
    X, y = two_classes()
    gate = GatedEnsembleClassifier([("linear", LogisticRegression())], epochs=2).fit(X, y)
    with pytest.raises(NotImplementedError, match=r"Got estimators=.*Use n_experts="):
        run(gate, X)


def test_every_network_estimator_is_registered():
    onnx.register_converters()
    from skl2onnx._supported_operators import sklearn_operator_name_map

    from skconstrain._base._estimator import NetEstimator

    public = [getattr(skconstrain, name) for name in skconstrain.__all__]
    nets = [item for item in public if isinstance(item, type) and issubclass(item, NetEstimator)]
    assert set(nets) <= set(sklearn_operator_name_map)


def test_ranks_are_those_of_sorted_rows():
    x = np.array([[1.0, 3.0, 3.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
    for k in (1, 2, 3):
        np.testing.assert_array_equal(ranks(x) < k, largest(x, k))


def test_its_docstring_is_one_and_its_example_runs():
    module = sys.modules["skconstrain.onnx._converters"]
    assert doctest.testmod(module).failed == 0
    found = [code for code, _ in validate("skconstrain.onnx.register_converters")["errors"]]
    assert set(found) <= NOT_ASKED


@pytest.mark.parametrize("row", TAKES_CATEGORIES, ids=lambda row: row.name)
def test_graphs_take_codes_and_gaps(row):
    frame = FRAME[:60]
    net = row.make().fit(frame, row.data(0)[1])
    assert_equal(net, frame, "float64", net._validated_input(frame))


def test_graphs_refuse_text():
    frame = FRAME[["area", "town"]].fillna({"town": "none"})
    net = POSITIVE.make().fit(frame, PRICE)
    onnx.register_converters()
    with pytest.raises(NotImplementedError, match=r"must be numbers\. Got String.*categories_"):
        to_onnx(net, frame[:1])
