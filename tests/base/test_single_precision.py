"""Several networks train in single precision where nothing is lost by it, and predict in double."""

import numpy as np
import pytest

from skconstrain import MultiLabelNetClassifier, PositiveRegressor
from skconstrain._base import _single_precision

FAST = {"hidden_layer_sizes": (8,), "epochs": 20, "random_state": 0}


def data(n_rows=300):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 4))
    return X, np.exp(X[:, 0]) + 0.1 * rng.random(n_rows)


@pytest.fixture
def precisions(monkeypatch):
    """Collect what was decided about each training."""
    decided, decide = [], _single_precision.trains_in_single

    def noted(network, run):
        decided.append(decide(network, run))
        return decided[-1]

    monkeypatch.setattr(_single_precision, "trains_in_single", noted)
    return decided


def test_predictions_are_those_of_double_precision_to_rounding(precisions):
    X, y = data()
    single = PositiveRegressor(**FAST).fit(X, y)
    double = PositiveRegressor(**FAST, dtype="float64").fit(X, y)
    assert precisions == [True]
    np.testing.assert_allclose(single.predict(X), double.predict(X), rtol=1e-4)
    assert (single.predict(X) != double.predict(X)).any()
    assert single.predict(X).dtype == single.model_.output.dtype == "float64"
    assert {weight.dtype for weight in single._fitted.weights.values()} == {np.dtype("float64")}


def test_what_is_not_trained_keeps_its_digits():
    X, y = data()
    single, double = (
        PositiveRegressor(**FAST, dtype=dtype).fit(X, y) for dtype in (None, "float64")
    )
    named = [net._fitted.weights for net in (single, double)]
    for name in ("standardize/center", "standardize/scale", "output/scale", "output/gain"):
        np.testing.assert_array_equal(named[0][name], named[1][name])


def test_features_far_from_zero_keep_their_differences():
    """In single precision, numbers near ten million are whole."""
    X, y = data()
    far = PositiveRegressor(**FAST).fit(1e7 + X, y)
    near = PositiveRegressor(**FAST).fit(X, y)
    np.testing.assert_allclose(far.predict(1e7 + X), near.predict(X), rtol=1e-3)


def test_a_search_by_callbacks_sees_weights_of_the_network_itself():
    X, y = data()
    net = PositiveRegressor(**FAST).fit(X, y)
    again = PositiveRegressor(**FAST, warm_start=True).fit(X, y)
    np.testing.assert_array_equal(net.predict(X), again.predict(X))
    assert again.fit(X, y).n_iter_ == 40


@pytest.mark.parametrize(
    ("params", "shift"),
    [
        ({"n_networks": 1}, 0),
        ({"batch_size": 300}, 0),  # weights of rows count exactly
        ({"standardize": False}, 0),
        ({}, 1e5),  # targets whose differences float32 would lose
    ],
)
def test_double_precision_stays_where_it_shows(precisions, params, shift):
    X, y = data()
    PositiveRegressor(**{**FAST, **params}).fit(X, y + shift)
    assert precisions == [False]


def test_small_weights_of_rows_are_no_zeros(precisions):
    X, y = data()
    weight = np.full(len(X), 1e-200)
    tiny = PositiveRegressor(**FAST, alpha=0).fit(X, y, sample_weight=weight)
    assert precisions == [False]
    assert np.corrcoef(tiny.predict(X), y)[0, 1] > 0.5


def test_classifiers_do_the_same(precisions):
    X, y = data()
    net = MultiLabelNetClassifier(**FAST).fit(X, y > 1)
    assert precisions == [True]
    assert net.predict_proba(X).dtype == "float64"
