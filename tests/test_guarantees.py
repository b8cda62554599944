"""The sentence in which each class states its guarantee, tested far from the training data."""

import pickle
from functools import cache, partial

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.svm import SVC

from skconstrain import (
    CompositionRegressor,
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    PositiveRegressor,
    QuantileNetRegressor,
    SparseConnectedNet,
    SparseConnectedNetClassifier,
)
from skconstrain._base._rows import Rows
from skconstrain._base._schedules import OPTIMIZERS
from skconstrain._formulas._links import LINKS
from skconstrain._formulas._quantile_levels import ends
from skconstrain._quantiles._calibration import on_given_rows
from tests.monotone import CST, in_batches, n_broken, pairs
from tests.registry import compositions, positive_regression, two_classes

ONE_SIDED = sorted(name for name, link in LINKS.items() if not link.two_sided)
OUTPUTS = sorted(LINKS)
PRECISIONS = ["float32", "float64"]


def finite(dtype, shape=(4, 5), gaps=False):
    width = np.dtype(dtype).itemsize * 8
    numbers = st.floats(width=width, allow_nan=gaps, allow_infinity=False)
    return arrays(dtype, shape, elements=numbers)


@cache
def fitted(output, dtype, lower=0.0, upper=None):
    X, y = positive_regression()
    if upper is not None:
        y = lower + (upper - lower) * (y - y.min() + 0.1) / (np.ptp(y) + 0.2)
    net = PositiveRegressor(
        (8, 8),
        output=output,
        lower=lower,
        upper=upper,
        epochs=30,
        learning_rate=0.01,
        random_state=0,
    )
    return net.fit(X.astype(dtype), y + (lower if upper is None else 0))


def assert_inside(y, output, lower, upper):
    y = y.astype(np.float64)  # exact: a float32 that is inside stays inside
    assert np.isfinite(y).all()
    if LINKS[output].open_end:
        assert (y > lower).all()
    else:
        assert (y >= lower).all()
    if upper is not None:
        assert (y < upper).all()


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("output", OUTPUTS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_prediction_lies_inside_the_range(output, dtype, data):
    lower, upper = (-0.7, 0.1) if LINKS[output].two_sided else (0.0, None)
    model = fitted(output, dtype, lower, upper)
    X = data.draw(finite(data.draw(st.sampled_from(PRECISIONS)), gaps=True))
    assert_inside(model.predict(X), output, lower, upper)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("output", ONE_SIDED)
def test_lower_shifts_the_range(output, dtype):
    model = fitted(output, dtype, lower=0.7)
    X = np.random.default_rng(0).normal(size=(500, 5)) * np.logspace(-3, 300, 500)[:, None]
    assert_inside(model.predict(X), output, 0.7, None)
    assert_inside(model.predict(-X), output, 0.7, None)


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_guarantee_holds_where_hidden_units_overflow(output):
    upper = 1.0 if LINKS[output].two_sided else None
    model = fitted(output, "float64", 0.0, upper)
    largest = np.finfo(np.float64).max
    signs = np.sign(np.random.default_rng(1).normal(size=(200, 5)))
    assert_inside(model.predict(signs * largest), output, 0.0, upper)
    keras_predictions = np.asarray(model.model_(signs * largest))[:, 0]
    assert_inside(keras_predictions, output, 0.0, upper)


@pytest.mark.parametrize("activation", ["exponential", "softmax", "swish", "gelu", "elu", "tanh"])
def test_the_guarantee_holds_for_other_activations(activation):
    X, y = positive_regression()
    model = PositiveRegressor((8, 8), activation=activation, epochs=3, random_state=0).fit(X, y)
    signs = np.sign(np.random.default_rng(1).normal(size=(200, 5)))
    for size in (1.0, 1e10, 1e100, 1e308):
        assert_inside(model.predict(signs * size), "softplus", 0.0, None)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    X=arrays(np.float64, (20, 3), elements=st.floats(-1e6, 1e6)),
    y=arrays(np.float64, 20, elements=st.floats(0, 1e12)),
    output=st.sampled_from(ONE_SIDED),
)
def test_whatever_is_fitted_stays_inside(X, y, output):
    model = PositiveRegressor((4,), output=output, epochs=3, random_state=0)
    diverged = None
    try:
        predictions = model.fit(X, y).predict(X * 1e6)
    except ValueError as error:  # a fit that diverges says so, and is no prediction
        diverged = str(error)
    if diverged is None:
        assert_inside(predictions, output, 0.0, None)
    else:
        assert "learning_rate" in diverged


RISING = sorted(name for name, link in LINKS.items() if link.is_monotone)


@cache
def monotone(output, dtype, n_networks=9):
    X, y = positive_regression()
    upper = 40.0 if LINKS[output].two_sided else None
    params = {"output": output, "upper": upper, "monotonic_cst": CST, "n_networks": n_networks}
    net = PositiveRegressor((8, 7), epochs=30, random_state=0, **params)
    return net.fit(X.astype(dtype), y)


@cache
def monotone_labels(kind, dtype):
    X, y = two_classes()
    if kind == "labels":
        y = np.column_stack([y, X[:, 0] + X[:, 2] > 0, X[:, 1] > X[:, 3]]).astype(int)
    n_networks = 1 if kind == "one network" else 6
    net = MultiLabelNetClassifier(
        (8, 7),
        monotonic_cst=CST,
        n_networks=n_networks,
        epochs=30,
        random_state=0,
    )
    return net.fit(X.astype(dtype), y)


@cache
def monotone_quantiles(ends, dtype, n_networks):
    X, y = positive_regression()
    net = QuantileNetRegressor(
        (8, 7),
        monotonic_cst=CST,
        n_networks=n_networks,
        epochs=30,
        random_state=0,
        **dict(ends),
    )
    return net.fit(X.astype(dtype), y)


def assert_rises(function, X, further, sizes=(7, 1000)):
    """Compare the rows in one batch with those further along in up to 200 smaller ones."""
    before = function(X)
    for size in sizes:
        after = in_batches(function, further[: 200 * size], size)
        assert n_broken(before[: len(after)], after) == 0


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("output", RISING)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_prediction_moves_against_the_sign_of_a_feature(output, dtype, data):
    model = monotone(output, dtype)
    X, other = data.draw(finite(dtype)), data.draw(finite(dtype))
    further = np.select(
        [np.sign(CST) == sign for sign in (1, -1)], [np.maximum(X, other), np.minimum(X, other)], X
    )
    sizes = (1, 4)
    assert_rises(model.predict, X, further.astype(dtype), sizes)
    assert_rises(pickle.loads(pickle.dumps(model)).predict, X, further.astype(dtype), sizes)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(("output", "n_networks"), [*((name, 9) for name in RISING), ("exp", 1)])
def test_neighbours_keep_the_order_too(output, n_networks, dtype):
    """Floats next to each other, and steps of every scale: where rounding errors would show."""
    model, rng = monotone(output, dtype, n_networks), np.random.default_rng(0)
    X, further = pairs(rng, 20_000, dtype, positive_regression()[0])
    assert_rises(model.predict, X, further)
    assert (model.predict(X) != model.predict(further)).any()
    assert_rises(lambda rows: np.asarray(model.model_(rows)), X[:2000], further[:2000], (2000,))


def _columns(method, columns, X):
    return method(X).reshape(len(X), -1)[:, columns]


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("kind", ["one network", "two classes", "labels"])
def test_no_probability_moves_against_the_sign_of_a_feature(kind, dtype):
    model, rng = monotone_labels(kind, dtype), np.random.default_rng(0)
    X, further = pairs(rng, 20_000, dtype, two_classes()[0])
    # The last column of two classes counts: the probability of the other one falls.
    last = slice(None) if kind == "labels" else slice(-1, None)
    for method in (model.predict_proba, model.decision_function, model.predict):
        outputs = partial(_columns, method, last)
        assert_rises(outputs, X, further)
    assert (model.predict_proba(X) != model.predict_proba(further)).any()
    assert_rises(lambda rows: np.asarray(model.model_(rows)), X[:2000], further[:2000], (2000,))


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("n_networks", [1, 7])
@pytest.mark.parametrize("ends", [{}, {"lower": 0}, {"upper": 60}, {"lower": 0, "upper": 60}])
def test_no_quantile_moves_against_the_sign_of_a_feature(ends, n_networks, dtype):
    model, rng = (
        monotone_quantiles(tuple(ends.items()), dtype, n_networks),
        np.random.default_rng(0),
    )
    X, further = pairs(rng, 20_000, dtype, positive_regression()[0])
    levels = [0.05, 0.1, 0.3, 0.5, 0.9, 0.95]  # some of them between those that were fitted
    found = model.predict_quantiles(further, levels)
    assert (np.diff(found, axis=1) >= 0).all()
    assert (model.predict_quantiles(X, levels) != found).any()
    assert_rises(partial(model.predict_quantiles, quantiles=levels), X, further)
    assert_rises(lambda rows: np.asarray(model.model_(rows)), X[:2000], further[:2000], (2000,))


def test_predictions_of_a_row_do_not_depend_on_the_other_rows():
    model = monotone("softplus", "float32")
    X = np.random.default_rng(0).normal(size=(500, 5)).astype("float32")
    for size in (1, 7):
        np.testing.assert_array_equal(in_batches(model.predict, X, size), model.predict(X))


def test_free_features_interact_freely():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (400, 5))
    y = 5 + 3 * X[:, 2] * X[:, 3] + X[:, 0] * (1 + X[:, 2])
    model = PositiveRegressor((32, 32), monotonic_cst=CST, n_networks=1, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.95


def test_non_negative_kernels_never_decrease():
    X, y = positive_regression()
    model = PositiveRegressor(
        (8,), kernel_constraint="non_neg", activation="relu", learning_rate=0.02, epochs=40
    ).fit(X, y)
    named = model._fitted.weights
    kernels = [array for name, array in named.items() if name.endswith("/kernel")]
    assert all((kernel >= 0).all() for kernel in kernels)
    assert (kernels[0] > 0).any()
    steps = np.linspace(-50, 50, 200)[:, None] * np.eye(5)[2] + X[0]
    assert (np.diff(model.predict(steps)) >= 0).all()


def assert_absent(net, matrices):
    """Whatever is read, trained, saved or computed with: what is absent is exactly zero."""
    for matrix, weights in zip(matrices, net.connection_weights_, strict=True):
        assert weights.nnz == matrix.sum()
        assert (weights.toarray()[matrix == 0] == 0.0).all()
    for kernel, matrix in zip(net.coefs_, matrices, strict=False):
        assert (kernel.toarray()[matrix == 0] == 0.0).all()
    for i, matrix in enumerate(matrices):
        layer = net.model_.get_layer(f"connected_{i}")
        if layer.kernel_type == "dense":
            assert (np.asarray(layer.kernel)[matrix == 0] == 0.0).all()
            assert (np.asarray(layer.weights[0])[matrix == 0] == 0.0).all()  # as it is stored
        else:
            assert layer.weights[0].shape == (matrix.sum(),)


OPTIMIZERS = [
    *sorted(OPTIMIZERS),
    keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True, weight_decay=0.1),
    keras.optimizers.Adam(clipnorm=1.0, use_ema=True, amsgrad=True),
]


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda item: getattr(item, "name", item))
@pytest.mark.parametrize("kernel", ["dense", "sparse"])
def test_absent_connections_are_zero_with_every_optimizer(optimizer, kernel):
    rng = np.random.default_rng(0)
    X, matrices = rng.normal(size=(40, 6)), [rng.random((6, 4)) < 0.5, rng.random((4, 3)) < 0.5]
    matrices = [(matrix | (np.arange(matrix.shape[1]) == 0)).astype(int) for matrix in matrices]
    net = SparseConnectedNet(
        matrices, kernel=kernel, optimizer=optimizer, epochs=4, batch_size=16, alpha=0.1, tol=None
    )
    net.fit(X, X[:, 0])
    assert_absent(net, matrices)
    assert_absent(net.partial_fit(X, X[:, 1]), matrices)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_absent_connections_are_zero_whatever_is_done(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    X = rng.normal(size=(40, 6)).astype(data.draw(st.sampled_from(PRECISIONS)))
    matrices = [(rng.random(shape) < 0.4).astype(int) for shape in ((6, 5), (5, 3))]
    for matrix in matrices:
        matrix[0] = 1
    kind = data.draw(st.sampled_from([SparseConnectedNet, SparseConnectedNetClassifier]))
    net = kind(
        matrices,
        kernel=data.draw(st.sampled_from(["dense", "sparse"])),
        kernel_constraint=data.draw(st.sampled_from([None, "non_neg"])),
        alpha=data.draw(st.sampled_from([0.0, 1.0])),
        dropout=data.draw(st.sampled_from([0.0, 0.5])),
        early_stopping=data.draw(st.booleans()),
        use_bias=data.draw(st.booleans()),
        optimizer=data.draw(st.sampled_from(["adamw", "sgd"])),
        learning_rate=data.draw(st.sampled_from([1e-3, 0.1])),
        epochs=3,
        batch_size=20,
        random_state=0,
    )
    y = X[:, 0] if kind is SparseConnectedNet else (X[:, 0] > 0).astype(int)
    net.fit(X, y)
    assert_absent(net, matrices)
    net.set_params(early_stopping=False).partial_fit(X, y)
    net = pickle.loads(pickle.dumps(net))
    assert_absent(net, matrices)
    # A feature's way through the network is that of the matrices.
    reached = (matrices[0] @ matrices[1]).sum(axis=1) > 0
    moved = X.copy()
    moved[:, ~reached] += 1e3
    outputs = [net.model_.predict(rows, verbose=0) for rows in (X, moved)]
    np.testing.assert_array_equal(*outputs)


def test_absent_connections_pass_nothing_however_large():
    matrix = np.array([[1, 0], [0, 1], [0, 0]])
    X = np.random.default_rng(0).normal(size=(30, 3))
    for kernel in ("dense", "sparse"):
        with pytest.warns(UserWarning, match="feed nothing"):
            net = SparseConnectedNet(matrix, kernel=kernel, epochs=3, random_state=0).fit(
                X, X[:, 0]
            )
        huge = X.copy()
        huge[:, 2] = np.finfo(float).max
        np.testing.assert_array_equal(net.predict(huge), net.predict(X))


@cache
def gated(gating, given, dtype):
    X, y = two_classes()
    experts = [(f"svm{i}", SVC(C=10.0**i)) for i in range(4)] if given else None
    model = GatedEnsembleClassifier(experts, gating=gating, k=3, epochs=20, random_state=0)
    return model.fit(X.astype(dtype), y)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("given_experts", [False, True], ids=["networks", "classifiers"])
@pytest.mark.parametrize(("gating", "used"), [("soft", 4), ("hard", 1), ("top_k", 3)])
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_gate_is_a_distribution_over_experts(gating, used, given_experts, dtype, data):
    model = gated(gating, given_experts, dtype)
    X = data.draw(finite(dtype, gaps=not given_experts))
    gate = model.gate_proba(X)
    assert (gate >= 0).all()
    np.testing.assert_allclose(gate.sum(axis=1), 1, rtol=1e-6)
    if gating == "hard":
        np.testing.assert_array_equal(np.sort(gate, axis=1), np.eye(4)[[3] * len(X)])
    assert ((gate > 0).sum(axis=1) <= used).all()  # a softmax underflows far from the data


@cache
def composed(total, n_networks, dtype):
    X, Y = compositions()
    net = CompositionRegressor(
        (8, 8), total=total, n_networks=n_networks, epochs=30, learning_rate=0.01, random_state=0
    )
    return net.fit(X.astype(dtype), total * Y)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(("total", "n_networks"), [(1.0, 5), (100.0, 1), (1e-30, 2), (1e30, 1)])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_parts_are_not_negative_and_sum_to_the_total(total, n_networks, dtype, data):
    model = composed(total, n_networks, dtype)
    X = data.draw(finite(data.draw(st.sampled_from(PRECISIONS)), gaps=True))
    parts = model.predict(X)
    assert parts.dtype == dtype
    assert (parts >= 0).all()
    tolerance = {"float32": 1e-5, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(parts.sum(axis=1, dtype=np.float64), total, rtol=tolerance)


@cache
def quantiles_fitted(lower, upper, n_networks, dtype):
    X, y = positive_regression()
    net = QuantileNetRegressor(
        (8, 8),
        quantiles=(0.01, 0.1, 0.5, 0.501, 0.9),
        lower=lower,
        upper=upper,
        n_networks=n_networks,
        epochs=30,
        learning_rate=0.01,
        random_state=0,
    )
    return net.fit(X.astype(dtype), y)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(
    ("lower", "upper", "n_networks"),
    [(None, None, 5), (0.0, None, 1), (None, 3.0, 2), (0.0, 3.0, 3)],
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_quantiles_do_not_cross_and_stay_in_their_range(lower, upper, n_networks, dtype, data):
    model = quantiles_fitted(lower, upper, n_networks, dtype)
    X = data.draw(finite(data.draw(st.sampled_from(PRECISIONS)), gaps=True))
    between = data.draw(st.lists(st.floats(0.01, 0.9), min_size=1, max_size=9))
    for levels in (None, np.sort(between)):
        quantiles = model.predict_quantiles(X, levels)
        assert quantiles.dtype == dtype
        assert np.isfinite(quantiles).all()
        assert (np.diff(quantiles, axis=1) >= 0).all()
        assert lower is None or (quantiles.astype(np.float64) > lower).all()
        assert upper is None or (quantiles.astype(np.float64) < upper).all()


@cache
def rows_to_calibrate(lower, upper):
    X, y = positive_regression()
    settings = {"quantiles": (0.1, 0.25, 0.5, 0.6, 0.8), "n_networks": 3, "random_state": 0}
    net = QuantileNetRegressor((8,), lower=lower, upper=upper, epochs=30, **settings).fit(X, y)
    return net, 3 * positive_regression(1)[0][:20]


@pytest.mark.parametrize(("lower", "upper"), [(None, None), (0.0, None), (None, 3.0), (0.0, 3.0)])
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_intervals_have_a_new_target_with_the_probability_of_their_levels(lower, upper, data):
    # Exchangeable are rows in any order. So each of them is the new one as often as the others: of
    # all 20 rows, at least the promised share must lie inside when the other 19 calibrate.
    net, X = rows_to_calibrate(lower, upper)
    numbers = st.floats(-1e100 if lower is None else lower, 1e100 if upper is None else upper)
    y, levels = data.draw(arrays(float, 20, elements=numbers)), np.array(net.quantiles)
    y_in_range, found = np.clip(y, *ends(lower, upper, float)), np.empty((20, 5))
    for new in range(20):
        others = np.arange(20) != new
        target = np.repeat(y[others, None], 5, axis=1)
        fitted = on_given_rows(net._as_trained, Rows(X[others], target, np.ones(19)))
        found[new] = fitted.predict(X)[new]
    is_covered = np.where(levels >= 0.5, y_in_range[:, None] <= found, y_in_range[:, None] >= found)
    assert (is_covered.sum(axis=0) >= 20 * np.maximum(levels, 1 - levels)).all()
    for low, high in ((0, 4), (1, 3), (0, 2)):
        inside = (found[:, low] <= y_in_range) & (y_in_range <= found[:, high])
        assert inside.sum() >= round(20 * (levels[high] - levels[low]), 6)
