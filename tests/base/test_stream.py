"""Scales follow the rows of all calls of `partial_fit`, and what was learnt stays."""

import pickle

import numpy as np
import pytest

from skconstrain import (
    CompositionRegressor,
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    PositiveRegressor,
    QuantileNetRegressor,
    SparseConnectedNet,
)
from skconstrain._base._rows import Rows
from skconstrain._base._stream import Stream

SHORT = {"hidden_layer_sizes": (6,), "random_state": 0}
WIRED = np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1]])


def salaries(n_rows=400):
    """Return salaries, ages and flags, and what follows from them, of another unit."""
    rng = np.random.default_rng(0)
    X = [rng.uniform(2e4, 12e4, n_rows), rng.uniform(18, 80, n_rows), rng.integers(0, 2, n_rows)]
    y = 100 + X[0] / 1000 + 2 * X[1] + 30 * X[2] + rng.normal(0, 3, n_rows)
    return np.column_stack(X), y


def streamed(net, X, y, first, n_passes=20, **settings):
    """Train on a first part, then on parts of 50 rows again and again."""
    net.partial_fit(*first, **settings)
    for _ in range(n_passes):
        for rows in range(0, len(X), 50):
            net.partial_fit(X[rows : rows + 50], y[rows : rows + 50])
    return net


REGRESSORS = {
    "softplus": lambda: PositiveRegressor(n_networks=1, **SHORT),
    "sigmoid": lambda: PositiveRegressor(n_networks=1, output="sigmoid", upper=1e4, **SHORT),
    "quantiles": lambda: QuantileNetRegressor(n_networks=1, lower=0, **SHORT),
    "wired": lambda: SparseConnectedNet(WIRED, kernel="sparse", **SHORT),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REGRESSORS)
def test_a_stream_may_begin_with_one_row_sorted_rows_or_zeros(name):
    X, y = salaries()
    order = np.argsort(X[:, 0])
    expected = streamed(REGRESSORS[name](), X, y, (X[:100], y[:100])).score(X, y)
    one = streamed(REGRESSORS[name](), X, y, (X[:1], y[:1])).score(X, y)
    zeros = streamed(REGRESSORS[name](), X, y, (X[:100], 0 * y[:100])).score(X, y)
    first = X[order[:100]], y[order[:100]]
    by_salary = streamed(REGRESSORS[name](), X[order], y[order], first).score(X, y)
    assert min(one, zeros, by_salary) > expected - 0.1


@pytest.mark.parametrize(
    "net",
    [
        MultiLabelNetClassifier(n_networks=1, **SHORT),
        GatedEnsembleClassifier(**SHORT),
    ],
)
def test_classifiers_too(net):
    X, y = salaries()
    y = (y > np.median(y)).astype(int)
    order = np.argsort(X[:, 0])
    first = X[order[:100]], y[order[:100]]
    net = streamed(net, X[order], y[order], first, n_passes=15, classes=[0, 1])
    assert net.score(X, y) > 0.9


NETS = {
    "embedded": lambda X, y: PositiveRegressor(**SHORT).partial_fit(X, y),
    "monotone": lambda X, y: PositiveRegressor(monotonic_cst=[1, 0, -1], **SHORT).partial_fit(X, y),
    "dense": lambda X, y: SparseConnectedNet(WIRED, **SHORT).partial_fit(X, y),
    "wired": lambda X, y: SparseConnectedNet(WIRED, kernel="sparse", **SHORT).partial_fit(X, y),
    "gated": lambda X, y: GatedEnsembleClassifier(**SHORT).partial_fit(X, y > np.median(y)),
}


@pytest.mark.parametrize("name", NETS)
def test_predictions_stay_when_scales_of_features_change(name):
    X, y = salaries(100)
    fitted = NETS[name](X, y)._fitted
    center, scale = (fitted.weights[f"standardize/{part}"] for part in ("center", "scale"))
    moved = fitted.network.with_scales(fitted.weights, center + scale / 1e3, 3 * scale, True)
    # Near the center, where nothing is clipped.
    near = center + scale * np.random.default_rng(0).uniform(-1e-3, 1e-3, (20, 3))
    after = type(fitted)(fitted.network, moved).predict(near)
    tolerance = 1e-5 if name == "monotone" else 1e-7  # whose sums are on a grid
    np.testing.assert_allclose(after, fitted.predict(near), rtol=tolerance)
    assert np.ptp(after, axis=0).max() > 0


@pytest.mark.parametrize("output", ["relu", "abs", "square", "exp", "sigmoid", "tanh", "softplus"])
@pytest.mark.parametrize("monotone", [False, True])
def test_predictions_stay_when_the_scale_of_targets_changes(output, monotone):
    if monotone and output in ("abs", "square"):
        pytest.skip("falls where eta is negative")
    X, y = salaries(100)
    upper = 1e4 if output in ("sigmoid", "tanh") else None
    signs = [1, 0, 0] if monotone else None
    net = PositiveRegressor(output=output, upper=upper, monotonic_cst=signs, **SHORT)
    fitted = net.partial_fit(X, y)._fitted
    known, scale = net._start(Rows(X, 4 * y[:, None], np.ones(100)))
    assert scale[0] > 3 * net._target_scale[0]
    moved = fitted.network.with_start(fitted.weights, known)
    after, before = type(fitted)(fitted.network, moved).predict(X), fitted.predict(X)
    # A softplus bends elsewhere, by a part of its scale.
    bend = np.log(2) * scale[0] if output == "softplus" else 0
    np.testing.assert_allclose(after, before, rtol=1e-5 if monotone else 1e-9, atol=bend)


@pytest.mark.parametrize("ends", [(None, None), (0.0, None), (None, 1e3), (0.0, 1e4)])
def test_quantiles_stay_when_the_scale_of_targets_changes(ends):
    X, y = salaries(200)
    net = QuantileNetRegressor(lower=ends[0], upper=ends[1], **SHORT)
    fitted = net.partial_fit(X, y)._fitted
    known, _ = net._start(Rows(X, np.repeat(2 * y[:, None], 3, axis=1), np.ones(200)))
    moved = fitted.network.with_start(fitted.weights, known)
    after, before = type(fitted)(fitted.network, moved).predict(X), fitted.predict(X)
    np.testing.assert_allclose(after, before, atol=0.25 * y.std())


def test_a_stream_of_one_kind_changes_no_scale():
    X, y = salaries()
    net = PositiveRegressor(n_networks=1, **SHORT).partial_fit(X[:100], y[:100])
    before = net._fitted.weights
    for rows in range(100, 400, 50):
        net.partial_fit(X[rows : rows + 50], y[rows : rows + 50])
    for name in ("standardize/center", "standardize/scale", "output/scale", "output/gain"):
        np.testing.assert_array_equal(net._fitted.weights[name], before[name])


def test_scales_of_fit_stay():
    X, y = salaries()
    net = PositiveRegressor(n_networks=1, epochs=2, **SHORT).fit(X[:100], y[:100])
    before = net._fitted.weights["standardize/scale"]
    net.partial_fit(1e3 * X, 1e3 * y)
    np.testing.assert_array_equal(net._fitted.weights["standardize/scale"], before)


def test_a_stream_goes_on_after_a_pickle():
    X, y = salaries(200)
    shares = np.column_stack([y, 2 * y]) / (3 * y[:, None])
    here = CompositionRegressor(**SHORT).partial_fit(X[:1], shares[:1])
    there = pickle.loads(pickle.dumps(here))
    for net in (here, there):
        net.partial_fit(X[1:], shares[1:])
    np.testing.assert_array_equal(here.predict(X), there.predict(X))


def test_a_sample_of_the_stream_is_kept_with_equal_chances():
    stream, n_rows = None, 0
    for length in (1, 500, 2_000, 10_000, 3, 7_000):
        numbers = np.arange(n_rows, n_rows + length, dtype=float)
        rows = Rows(numbers[:, None], numbers[:, None], np.ones(length))
        stream = Stream.of(rows) if stream is None else stream.joined(rows)
        n_rows += length
        assert stream.n_seen == n_rows
        assert len(stream.rows.X) == min(n_rows, 1024)
    np.testing.assert_array_equal(stream.rows.X, stream.rows.target)
    assert len(np.unique(stream.rows.X)) == 1024
    assert abs(stream.rows.X.mean() / n_rows - 0.5) < 0.04  # four standard errors
