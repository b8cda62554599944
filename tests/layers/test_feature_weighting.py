"""FeatureWeighting: what it computes, its signs, and what it learns in plain Keras models."""

import keras
import numpy as np
import pytest

from skconstrain.layers import FeatureWeighting
from tests.refusals import refuses


def test_features_are_unchanged_before_training():
    X = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    np.testing.assert_allclose(np.asarray(FeatureWeighting()(X)), X, rtol=1e-6)
    each = np.asarray(FeatureWeighting(n_models=4)(X))
    np.testing.assert_allclose(each, np.repeat(X[:, None], 4, axis=1), rtol=1e-6)


@pytest.mark.parametrize("n_models", [None, 2])
def test_a_weight_of_w_is_a_factor_of_the_rate_times_w(n_models):
    layer, rng = FeatureWeighting(n_models, rate=4.0, dtype="float64"), np.random.default_rng(0)
    X = rng.normal(size=(5, 3))
    layer.build(X.shape)
    w = rng.normal(size=layer.weight.shape)
    layer.weight.assign(w)
    several = X if n_models is None else X[:, None]
    np.testing.assert_allclose(np.asarray(layer(X)), 4 * w * several, rtol=1e-15)


def trained(layer, target):
    """Return the factors that a linear model has learnt."""
    X = np.random.default_rng(0).normal(size=(200, 3)).astype("float32")
    model = keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(1, trainable=False)])
    model.layers[-1].set_weights([np.ones((3, 1)), np.zeros(1)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    for _ in range(210):
        model.train_on_batch(X, target(X))
    return layer.rate * np.asarray(layer.weight)


def test_features_of_no_use_have_small_factors():
    factors = trained(FeatureWeighting(), lambda X: X[:, 0])
    assert abs(factors[0] - 1) < 0.05
    assert (abs(factors[1:]) < 0.05).all()


def test_factors_learn_as_fast_as_the_rate_says():
    def steps(X):  # far away: every step of Adam is the learning rate
        return 1e3 * X.sum(axis=1)

    slow, fast = (trained(FeatureWeighting(rate=rate), steps) for rate in (1.0, 6.0))
    np.testing.assert_allclose(fast - 1, 6 * (slow - 1), rtol=0.05)


def test_factors_stay_positive_where_they_must():
    assert (trained(FeatureWeighting(), lambda X: -X[:, 0])[0]) < -0.5
    assert (trained(FeatureWeighting(non_negative=True), lambda X: -X[:, 0]) >= 0).all()


def test_it_is_saved_with_its_settings(tmp_path):
    model = keras.Sequential([keras.Input((3,)), FeatureWeighting(2, 3.0, True)])
    model.save(tmp_path / "model.keras")
    layer = keras.saving.load_model(tmp_path / "model.keras").layers[-1]
    assert (layer.n_models, layer.rate, layer.non_negative) == (2, 3.0, True)


@pytest.mark.parametrize("rate", [0, -1.0, "fast"])
def test_a_rate_that_is_not_positive_is_refused(rate):
    with refuses("rate must be a positive number", repr(rate)):
        FeatureWeighting(rate=rate)
