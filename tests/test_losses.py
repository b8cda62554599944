"""Losses: each equals scikit-learn's metric of that name, and scales as it says."""

import copy
import pickle

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics

from skconstrain import losses
from skconstrain._engine import freeze
from skconstrain.losses._regression import regression_loss
from tests.backends import output_and_gradients
from tests.refusals import refuses

METRICS = {
    "squared_error": metrics.mean_squared_error,
    "absolute_error": metrics.mean_absolute_error,
    "squared_log_error": metrics.mean_squared_log_error,
    "poisson": metrics.mean_poisson_deviance,
    "gamma": metrics.mean_gamma_deviance,
    "tweedie": lambda y, mu: metrics.mean_tweedie_deviance(y, mu, power=1.7),
    "quantile": lambda y, mu: metrics.mean_pinball_loss(y, mu, alpha=0.8),
}
positive = arrays(np.float64, (7, 1), elements=st.floats(0.01, 1e3))


def value(name, y, mu):
    named = regression_loss(name, power=1.7, quantile=0.8)
    return float(np.mean(np.asarray(named.loss.call(y, mu)))), named.exponent


def rounding(y, mu):
    """Return what a deviance, a difference of these, may lose in JAX' single precision."""
    return 1e-5 + 1e-6 * max(y.max(), mu.max())


@pytest.mark.parametrize("name", sorted(METRICS))
@settings(deadline=None, max_examples=30)
@given(y=positive, mu=positive)
def test_equals_the_metric(name, y, mu):
    expected = METRICS[name](y[:, 0], mu[:, 0])
    # 1e-7 is added to the mean of a deviance.
    np.testing.assert_allclose(value(name, y, mu)[0], expected, rtol=1e-4, atol=rounding(y, mu))


@pytest.mark.parametrize("name", sorted(METRICS))
@settings(deadline=None, max_examples=20)
@given(y=positive, mu=positive, scale=st.floats(0.1, 10))
def test_grows_with_the_unit_as_it_says(name, y, mu, scale):
    plain, exponent = value(name, y, mu)
    if exponent is None:
        assert name == "squared_log_error"
        return
    scaled, _ = value(name, y * scale, mu * scale)
    np.testing.assert_allclose(
        scaled, plain * scale**exponent, rtol=1e-3, atol=10 * rounding(y, mu)
    )


@pytest.mark.parametrize("power", [0, 1, 1.5, 2, 3])
def test_tweedie_powers(power):
    y, mu = np.array([[0.5], [2.0]]), np.array([[1.0], [1.5]])
    loss = losses.TweedieDeviance(power=power)
    expected = metrics.mean_tweedie_deviance(y[:, 0], mu[:, 0], power=power)
    np.testing.assert_allclose(np.mean(np.asarray(loss.call(y, mu))), expected, rtol=1e-5)


def test_several_quantiles_have_a_column_each():
    y, predicted = np.array([[1.0], [-2.0], [0.5]]), np.array([[0.0, 2.0], [-3.0, 0.0], [0.5, 0.6]])
    loss = losses.PinballLoss((0.1, 0.8)).call(y, predicted)
    expected = [
        metrics.mean_pinball_loss(y[:, 0], column, alpha=level)
        for level, column in zip((0.1, 0.8), predicted.T, strict=True)
    ]
    np.testing.assert_allclose(np.mean(np.asarray(loss)), np.mean(expected), rtol=1e-6)


def test_a_prediction_of_zero_has_a_finite_deviance():
    zero = np.zeros((1, 1))
    assert np.isfinite(np.asarray(losses.TweedieDeviance(1.0).call(zero + 1, zero))).all()
    assert np.asarray(losses.TweedieDeviance(1.0).call(zero, zero)) < 1e-6


@pytest.mark.parametrize(
    "loss",
    [
        losses.TweedieDeviance(1.2),
        losses.PinballLoss(0.3),
        losses.PinballLoss((0.3, 0.7)),
        losses.AsymmetricLoss(3.0, 0.5, from_logits=True),
        losses.CategoricalFocalLoss(1.5, label_smoothing=0.1),
        losses.LogLoss(0.2),
    ],
)
def test_rebuilds_from_its_config_a_pickle_a_copy_and_what_it_prints(loss):
    twins = keras.losses.deserialize(keras.losses.serialize(loss)), copy.deepcopy(loss)
    for twin in (*twins, pickle.loads(pickle.dumps(loss)), eval(repr(loss), vars(losses))):
        assert type(twin) is type(loss)
        assert twin.get_config() == loss.get_config()
        assert freeze(twin) == freeze(loss)


def numpy_asymmetric(y, p, gamma_negative, gamma_positive, margin, smoothing):
    """Write the formula of Ridnik et al. down, with the weight of a positive in y."""
    shifted = np.maximum(p - margin, 0)
    if_one = -((1 - p) ** gamma_positive) * np.log(p)
    if_zero = -(shifted**gamma_negative) * np.log(1 - shifted)
    rest = smoothing / 2
    of_positive, of_negative = (
        (1 - rest) * if_one + rest * if_zero,
        (1 - rest) * if_zero + rest * if_one,
    )
    return np.where(y > 0, y * of_positive, of_negative).mean(axis=1)


@pytest.mark.parametrize("gammas", [(4.0, 1.0), (2.0, 2.0), (0.0, 0.0), (0.5, 0.0)])
@pytest.mark.parametrize("margin", [0.0, 0.05])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@settings(deadline=None, max_examples=20)
@given(logits=arrays(np.float64, (3, 4), elements=st.floats(-12, 12)), seed=st.integers(0, 99))
def test_asymmetric_loss_equals_its_formula(gammas, margin, smoothing, logits, seed):
    y = np.random.default_rng(seed).choice([0.0, 1.0, 3.0], size=logits.shape)
    p = 1 / (1 + np.exp(-logits))
    expected = numpy_asymmetric(y, p, *gammas, margin, smoothing)
    loss = losses.AsymmetricLoss(*gammas, margin, smoothing, from_logits=True)
    np.testing.assert_allclose(np.asarray(loss.call(y, logits)), expected, rtol=1e-5, atol=1e-12)
    _, (gradient,) = output_and_gradients(lambda values: loss.call(y, values), logits * 1e3)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("gamma", [0.0, 2.0])
@settings(deadline=None, max_examples=20)
@given(logits=arrays(np.float64, (3, 4), elements=st.floats(-12, 12)))
def test_categorical_focal_loss_equals_its_formula(gamma, logits):
    y = np.eye(4)[[0, 3, 1]]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    smoothed = 0.9 * y + 0.1 / 4
    expected = -(smoothed * (1 - p) ** gamma * np.log(p)).sum(axis=1)
    loss = losses.CategoricalFocalLoss(gamma, label_smoothing=0.1, from_logits=True)
    np.testing.assert_allclose(np.asarray(loss.call(y, logits)), expected, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_log_loss_is_that_of_keras(smoothing):
    y, p = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.3, 0.6], [0.2, 0.9]])
    loss = losses.LogLoss(label_smoothing=smoothing)(y, p)
    expected = keras.losses.BinaryCrossentropy(label_smoothing=smoothing)(y, p)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


@pytest.mark.parametrize("value", [-0.1, 1.0, np.nan, "a", None])
def test_settings_out_of_range_are_named(value):
    for loss in (losses.LogLoss, losses.AsymmetricLoss, losses.CategoricalFocalLoss):
        with refuses("label_smoothing must be a number in [0, 1)", f"Got {value!r}"):
            loss(label_smoothing=value)


def test_wrong_use():
    with pytest.raises(ValueError, match=r"power must be 0, or at least 1. Got 0.5"):
        losses.TweedieDeviance(0.5)
    with pytest.raises(ValueError, match=r"quantile must lie between 0 and 1. Got 1"):
        losses.PinballLoss(1)
    for quantiles in ((), (0.5, 1.0)):
        with pytest.raises(ValueError, match=r"quantile must lie between 0 and 1. Got \("):
            losses.PinballLoss(quantiles)
