"""The sentence in which each class states its guarantee, tested far from the training data."""

from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skconstrain import PositiveRegressor
from skconstrain._links import LINKS
from tests.registry import positive_regression

ONE_SIDED = sorted(name for name, link in LINKS.items() if not link.two_sided)
OUTPUTS = sorted(LINKS)
PRECISIONS = ["float32", "float64"]


def finite(dtype, shape=(4, 5)):
    width = np.dtype(dtype).itemsize * 8
    numbers = st.floats(width=width, allow_nan=False, allow_infinity=False)
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
    X = data.draw(finite(data.draw(st.sampled_from(PRECISIONS))))
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
    model = PositiveRegressor((4,), output=output, epochs=3, random_state=0, jit_compile=False)
    diverged = None
    try:
        predictions = model.fit(X, y).predict(X * 1e6)
    except ValueError as error:  # a fit that diverges says so, and is no prediction
        diverged = str(error)
    if diverged is None:
        assert_inside(predictions, output, 0.0, None)
    else:
        assert "learning_rate" in diverged


def test_non_negative_kernels_never_decrease():
    X, y = positive_regression()
    model = PositiveRegressor(
        (8,), kernel_constraint="non_neg", activation="relu", learning_rate=0.02, epochs=40
    ).fit(X, y)
    kernels = [array for array in model._weights if array.ndim == 2]
    assert all((kernel >= 0).all() for kernel in kernels)
    assert (kernels[0] > 0).any()
    steps = np.linspace(-50, 50, 200)[:, None] * np.eye(5)[2] + X[0]
    assert (np.diff(model.predict(steps)) >= 0).all()
