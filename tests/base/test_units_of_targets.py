"""Units and offsets of y do not matter; where a precision has no digits for them, fit says so."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from skconstrain import PositiveRegressor, QuantileNetRegressor, SparseConnectedNet

REGRESSORS = [PositiveRegressor, QuantileNetRegressor, SparseConnectedNet]
FAST = {"hidden_layer_sizes": (10,), "epochs": 60, "random_state": 0}


def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(210, 3))
    return X, np.exp(0.8 * X[:, 0] + 0.1 * rng.normal(size=len(X)))


@pytest.mark.parametrize("regressor", REGRESSORS)
@pytest.mark.parametrize(("dtype", "powers"), [("float64", (-490, 480)), ("float32", (-110, 120))])
def test_a_unit_that_is_a_power_of_two_changes_no_digit(regressor, dtype, powers):
    X, y = data()
    X, net = X.astype(dtype), regressor(**FAST)
    expected = net.fit(X, y).predict(X)
    assert r2_score(y, expected) > 0.5
    for power in powers:
        found = net.fit(X, y * 2.0**power).predict(X)
        np.testing.assert_array_equal(found.astype(float) / 2.0**power, expected)


def test_ends_of_a_range_have_the_unit_of_y():
    X, y = data()
    net = PositiveRegressor(**FAST, output="sigmoid")
    X, unit = X.astype(np.float32), 2.0**120
    expected = net.set_params(lower=-1, upper=20).fit(X, y).predict(X)
    found = net.set_params(lower=-unit, upper=20 * unit).fit(X, y * unit).predict(X)
    np.testing.assert_array_equal(found.astype(float) / unit, expected)
    np.testing.assert_allclose(net.model_.predict(X, verbose=0)[:, 0], found, rtol=1e-4)


def test_outputs_of_far_units_train_together():
    X, y = data()
    net, units = PositiveRegressor(**FAST), np.array([2.0**-300, 1, 2.0**300])
    expected = net.fit(X, np.column_stack([y, y, y])).predict(X)
    np.testing.assert_array_equal(net.fit(X, y[:, None] * units).predict(X) / units, expected)


def test_units_that_the_precision_does_not_hold_are_refused():
    X, y = data()
    with pytest.raises(ValueError, match=r"y must fit into float32.*Got 1.*e-44 at most"):
        PositiveRegressor(**FAST).fit(X.astype(np.float32), 1e-45 * y)


@pytest.mark.parametrize("regressor", [PositiveRegressor, QuantileNetRegressor])
@pytest.mark.parametrize("monotonic_cst", [None, [1, 0, 0]])
def test_a_far_lower_end_is_as_good_as_none(regressor, monotonic_cst):
    X, y = data()
    net = regressor(**FAST, monotonic_cst=monotonic_cst)
    near, far = (net.set_params(lower=end).fit(X, y - 2).predict(X) for end in (-1e3, -1e9))
    assert r2_score(y - 2, far) > r2_score(y - 2, near) - 0.02


@pytest.mark.parametrize("regressor", REGRESSORS)
def test_an_offset_of_y_is_none_of_its_spread(regressor):
    X, y = data()
    net = regressor(**FAST)
    near, far = 1e6 + y, 1e15 + 1e4 * y
    expected, found = (r2_score(t, net.fit(X, t).predict(X)) for t in (near, far))
    assert found == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("regressor", [PositiveRegressor, QuantileNetRegressor])
def test_a_precision_without_digits_for_y_is_named(regressor):
    X, y = data()
    X, net = X.astype(np.float32), regressor(epochs=1, n_networks=1)
    with pytest.warns(UserWarning, match=r"1e\+08 away from 0: float32 has too few digits") as told:
        net.fit(X, 1e8 + y)
    assert "Use y minus a constant or dtype='float64'." in str(told[0].message)
    assert told[0].filename == __file__
    with pytest.warns(UserWarning, match=r"away from -1e\+09, the end of its range"):
        net.set_params(lower=-1e9).fit(X, y)


def test_equal_targets_and_rounding_errors_are_no_matter_of_digits(recwarn):
    X, y = data()
    y = 0.3 + 1e-17 * np.round(y)
    y[::2] = 0.1 + 0.2
    net = PositiveRegressor(epochs=2, n_networks=1).fit(X, y)
    np.testing.assert_allclose(net.predict(X), 0.3, rtol=1e-2)
    assert not recwarn.list
