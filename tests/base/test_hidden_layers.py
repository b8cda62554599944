"""Hidden layers and the scale of sparse features, where nothing is set."""

import numpy as np
import pytest
from scipy import sparse

from skconstrain import MultiLabelNetClassifier
from skconstrain._lazy_rows import LazyRows
from skconstrain._networks._feature_summary import FeatureSummary

DEEP, WIDE = ((64, 64, 64), 0.0), ((256,), 0.5)


def words(n_rows, n_features, share, random_state=0):
    rng = np.random.default_rng(random_state)
    return (rng.random((n_rows, n_features)) < share).astype(float)


def labels(n_rows):
    return np.stack([np.arange(n_rows) % 2, np.arange(n_rows) % 3 == 0], axis=1).astype(int)


def layers(X, **params):
    net = MultiLabelNetClassifier(epochs=1, n_networks=1, random_state=0, **params)
    network = net.fit(X, labels(X.shape[0]))._fitted.network
    return network.hidden_layer_sizes, network.dropout


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        (words(201, 202, 0.5), WIDE),
        (words(201, 201, 0.5), DEEP),
        (words(290, 30, 0.05), WIDE),
        (words(290, 30, 0.2), DEEP),
        (words(300, 30, 0.05), DEEP),
        (sparse.csr_matrix(words(201, 202, 0.05)), WIDE),
        (words(200, 202, 0.05), DEEP),
    ],
    ids=["wide", "square", "sparse", "not sparse", "narrow", "sparse matrix", "few rows"],
)
def test_many_features_have_one_wide_layer_half_of_which_is_dropped(X, expected):
    assert layers(X) == expected


def test_what_is_set_is_taken():
    X = words(201, 202, 0.5)
    assert layers(X, hidden_layer_sizes=(8, 4)) == ((8, 4), 0.0)
    assert layers(X, hidden_layer_sizes=8, dropout=0.25) == ((8,), 0.25)
    assert layers(X, dropout=0.25) == ((256,), 0.25)


def test_training_that_continues_keeps_its_layers():
    net = MultiLabelNetClassifier(epochs=1, n_networks=1, warm_start=True, random_state=0)
    for X in (words(201, 202, 0.5), words(300, 202, 0.5)):
        network = net.fit(X, labels(X.shape[0]))._fitted.network
        assert (network.hidden_layer_sizes, network.dropout) == WIDE


@pytest.mark.parametrize("is_lazy", [False, True])
def test_sparse_rows_are_scaled_by_their_deviation_and_their_values_alike(is_lazy):
    X, weight = words(200, 20, 0.05), np.linspace(0.5, 1.5, 200)
    X[:, 1] *= 1e-3
    X[:, 2] = np.random.default_rng(0).normal(5, 1, 200)
    rows = LazyRows(X, "float64", chunk_bytes=200) if is_lazy else X
    center, scale = FeatureSummary(rows, weight).center_and_scale
    unscaled = np.r_[0, 1, 3:20]
    np.testing.assert_array_equal(center[unscaled], 0)
    value, share = np.where(unscaled == 1, 1e-3, 1), weight @ (X[:, unscaled] > 0) / weight.sum()
    np.testing.assert_allclose(scale[unscaled], value * (share * (1 - share)) ** 0.25)
    assert 4.5 < center[2] < 5.5
    assert 0.5 < scale[2] < 1.5


def test_the_scale_of_sparse_rows_follows_weights_and_leaves_empty_features():
    X, repeats = 2.0 * words(60, 20, 0.05), 1 + np.arange(60) % 3
    X[:, 0] = 0
    repeated = FeatureSummary(X.repeat(repeats, axis=0), np.ones(repeats.sum()))
    weighted = FeatureSummary(X, repeats.astype(float))
    for found, expected in zip(weighted.center_and_scale, repeated.center_and_scale, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert weighted.center_and_scale[1][0] == 1
