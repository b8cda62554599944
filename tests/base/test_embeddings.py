"""Which features are embedded, and that networks keep their promises with embeddings."""

import pickle

import numpy as np
import pytest

from skconstrain import (
    CompositionRegressor,
    MultiLabelNetClassifier,
    PositiveRegressor,
    QuantileNetRegressor,
)
from tests.chunks import chunks_of
from tests.refusals import refuses

SHORT = {"epochs": 3, "random_state": 0}


def table(n_rows=300, seed=0):
    """Return rows of a number, a flag, nine categories and a number of ten values."""
    rng = np.random.default_rng(seed)
    columns = [
        rng.normal(size=n_rows),
        rng.integers(2, size=n_rows),
        rng.integers(9, size=n_rows),
        np.arange(n_rows) % 10,
    ]
    X = np.stack(columns, axis=1).astype(float)
    return X, np.abs(X[:, 0]) + X[:, 1] + 0.1 * X[:, 3]


def columns_of(estimator):
    """Return the columns that a fitted estimator embeds."""
    return next(
        (stage.columns for stage in estimator._fitted.network.front if stage.name == "embedding"),
        None,
    )


@pytest.mark.parametrize("as_rows", [np.asarray, np.float32])
def test_features_of_ten_values_and_more_are_embedded(as_rows):
    X, y = table()
    assert columns_of(PositiveRegressor(**SHORT).fit(as_rows(X), y)) == (0, 3)


def test_values_beyond_the_first_rows_count(tmp_path):
    X, y = table(3000)
    X[:1000, 3] = 0
    assert columns_of(PositiveRegressor(**SHORT).fit(X, y)) == (0, 3)
    large = np.memmap(tmp_path / "X", mode="w+", shape=X.shape, dtype=X.dtype)
    large[:] = X
    with chunks_of(20_000):
        in_chunks = PositiveRegressor(**SHORT).fit(large, y)
    assert columns_of(in_chunks) == (0, 3)


def test_features_that_mostly_have_one_value_are_not_embedded_nor_are_very_many():
    X, y = table()
    X[:250, 3] = 0
    assert columns_of(PositiveRegressor(**SHORT).fit(X, y)) == (0,)
    # A weight is a number of copies of the row.
    weight = np.r_[np.ones(250), np.full(50, 30.0)]
    assert columns_of(PositiveRegressor(**SHORT).fit(X, y, weight)) == (0, 3)
    many = np.random.default_rng(0).normal(size=(60, 501))
    assert columns_of(PositiveRegressor(**SHORT).fit(many, y[:60])) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"n_frequencies": 0},
        {"standardize": False},
        {"kernel_constraint": "non_neg"},
        {"monotonic_cst": [1, 0, 0, -1]},
    ],
)
def test_there_is_none_where_it_is_switched_off_or_would_break_a_promise(settings):
    X, y = table()
    assert columns_of(PositiveRegressor(**settings, **SHORT).fit(X, y)) is None


@pytest.mark.parametrize("n_networks", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numpy_predicts_what_keras_does(n_networks, dtype):
    X, y = table()
    net = PositiveRegressor(n_networks=n_networks, dtype=dtype, **SHORT).fit(X, y)
    of_keras = np.asarray(net.model_(X.astype(dtype)))[:, 0]
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(net.predict(X), of_keras, rtol=tolerance)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(net)).predict(X), net.predict(X))


@pytest.mark.parametrize("n_networks", [1, 3])
def test_training_goes_on_with_the_embedding_that_it_had(n_networks):
    X, y = table()
    net = PositiveRegressor(warm_start=True, n_networks=n_networks, **SHORT).fit(X, y)
    net.fit(np.round(X), y)  # of which the first has few values
    assert columns_of(net) == (0, 3)
    net.partial_fit(X[:5], y[:5])
    assert net.n_iter_ == 7
    with refuses("n_frequencies must stay 8. Got 4", "Fit a clone instead"):
        net.set_params(n_frequencies=4).fit(X, y)


def test_every_estimator_with_the_parameter_embeds():
    X, y = table()
    shares = np.stack([y, 1 + y], axis=1)
    shares /= shares.sum(axis=1, keepdims=True)
    cases = [
        (QuantileNetRegressor(**SHORT), y),
        (CompositionRegressor(**SHORT), shares),
        (MultiLabelNetClassifier(**SHORT), (y > 1).astype(int)),
    ]
    for net, target in cases:
        assert columns_of(net.fit(X, target)) == (0, 3), net
