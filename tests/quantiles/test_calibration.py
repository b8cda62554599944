"""Calibration: quantiles have the shares of targets of their levels, on rows not trained on."""

import pickle
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain import QuantileNetRegressor
from skconstrain._base._rows import Rows
from skconstrain._quantiles._calibration import _calibrated, _shifts, on_given_rows
from tests.monotone import n_broken, pairs
from tests.refusals import refuses
from tests.registry import positive_regression

LEVELS = np.array([0.1, 0.25, 0.5, 0.6, 0.8])
RANGES = [(None, None), (0.0, None), (None, 10.0), (0.0, 10.0)]
# Range, number of networks, precision, signs of features.
each_kind = pytest.mark.parametrize(
    "kind",
    [
        (None, None, 5, "float64", None),
        (0.0, None, 3, "float32", None),
        (None, 10.0, 1, "float64", None),
        (0.0, 10.0, 3, "float32", (1, 0, -1, 0, 0)),
        (None, None, 1, "float64", (1, 0, -1, 0, 0)),
    ],
)


def fast(**params):
    settings = {"hidden_layer_sizes": (8,), "quantiles": LEVELS, "epochs": 5, "random_state": 0}
    return QuantileNetRegressor(**{**settings, **params})


@cache
def trained(lower, upper, n_networks, dtype, signs):
    X, y = positive_regression()
    ends = {"lower": lower, "upper": upper, "monotonic_cst": signs}
    return fast(**ends, n_networks=n_networks, calibration=None).fit(X.astype(dtype), y)


def calibrated(net, X, y):
    """Return a copy that is calibrated on rows."""
    copy = pickle.loads(pickle.dumps(net))
    dtype = net._fitted.network.dtype
    target = np.repeat(np.asarray(y, float)[:, None], len(LEVELS), axis=1)
    copy._fitted = on_given_rows(net._fitted, Rows(X.astype(dtype), target, np.ones(len(X))))
    return copy


def many():
    """Return so many rows that folds calibrate."""
    parts = [positive_regression(random_state) for random_state in range(10, 14)]
    return (np.concatenate(part) for part in zip(*parts, strict=True))


def fresh(n_rows=40, random_state=3):
    X, y = positive_regression(random_state)
    return X[:n_rows], y[:n_rows]


@each_kind
def test_each_level_has_just_the_rows_it_must_have(kind):
    X, y = fresh()
    net = calibrated(trained(*kind), X, y)
    # Shifts alone, in no order: order may only add to what a level covers.
    found = net.predict_quantiles(X)
    below = np.where(LEVELS >= 0.5, y[:, None] <= found, y[:, None] >= found).sum(axis=0)
    needed = np.ceil((len(y) + 1) * np.maximum(LEVELS, 1 - LEVELS))
    assert (below >= needed).all()
    np.testing.assert_array_equal(below, needed)


@pytest.mark.parametrize("n_networks", [1, 3])
def test_shifts_are_scores_of_brute_force(n_networks):
    X, y = fresh()
    net = trained(None, None, n_networks, "float64", None)
    scores = np.sort(y[:, None] - net.predict_quantiles(X), axis=0)
    up = np.ceil((len(y) + 1) * LEVELS).astype(int) - 1
    down = len(y) - np.ceil((len(y) + 1) * (1 - LEVELS)).astype(int)
    expected = scores[np.where(LEVELS >= 0.5, up, down), np.arange(len(LEVELS))]
    scale = net._fitted.weights["output/scale"]
    np.testing.assert_allclose(calibrated(net, X, y).calibration_ * scale, expected, atol=1e-12)


def test_rows_of_the_folds_have_the_shares_of_their_levels():
    X, y = many()
    counts = (np.arange(len(y)) % 10 > 0) * (1 + np.arange(len(y)) % 2)
    net = fast(lower=0, early_stopping=True).fit(X, y, sample_weight=counts)
    fitted, shares = net._fitted, np.zeros(len(LEVELS))
    for k in range(5):
        own = net._oof_folds == k
        found = fitted.member(k).predict(X[own])
        covered = np.where(LEVELS >= 0.5, y[own, None] <= found, y[own, None] >= found)
        shares += counts[own] @ covered
    needed = counts.sum() * np.maximum(LEVELS, 1 - LEVELS)
    assert (shares >= needed - 1e-9).all()
    assert (shares < needed + 2).all()  # the row that reaches it weighs 2 at most


def test_a_weight_of_zero_is_no_row_and_one_of_two_is_the_row_twice():
    X, y = fresh()
    net = trained(0.0, 10.0, 3, "float32", None)
    counts = np.arange(len(y)) % 3
    y = np.where(np.arange(len(y)) % 7 == 1, 0.0, y)  # some at the end of the range
    values = net._fitted.before_head(X.astype(np.float32))
    repeated = np.repeat(np.arange(len(y)), counts)
    of_weights = _shifts(net._fitted, values, y, counts, extra=1)
    of_rows = _shifts(net._fitted, values[repeated], y[repeated], np.ones(counts.sum()), extra=1)
    np.testing.assert_array_equal(of_weights, of_rows)


@pytest.mark.parametrize(("lower", "upper"), RANGES)
def test_too_few_rows_give_the_end_of_the_range_and_a_warning(lower, upper):
    X, y = fresh(8)
    net = trained(lower, upper, 3, "float64", None)
    with pytest.warns(UserWarning, match=r"X_cal must have 9 rows .* from 0.1 to 0.9 say. Got 8"):
        net = calibrated(net, X, y)
    first = net.predict_quantiles(X)[:, 0]
    assert net.calibration_[0] == -np.inf
    assert np.isfinite(net.calibration_[1:]).all()
    if lower is None:
        assert (first == -np.inf).all()
        assert (net.predict_quantiles(X, [0.2]) == -np.inf).all()
    else:
        assert ((first > lower) & (first < 1e-300)).all()
    np.testing.assert_allclose(np.asarray(net.model_(X)), net.predict_quantiles(X), rtol=1e-12)


@each_kind
def test_keras_and_pickles_predict_the_same(kind):
    X, y = fresh()
    net = calibrated(trained(*kind), X, y)
    expected = net.predict_quantiles(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(net)).predict_quantiles(X), expected)
    by_keras = np.asarray(net.model_(X.astype(kind[3])))
    tolerance = {"float32": 1e-5, "float64": 1e-12}[kind[3]]
    np.testing.assert_allclose(by_keras, expected, rtol=tolerance)


@pytest.mark.parametrize(("lower", "upper"), RANGES)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(shifts=st.lists(st.floats(-(2.0**60), 2.0**60, width=32), min_size=5, max_size=5))
def test_no_shift_makes_quantiles_cross_or_intervals_narrower(lower, upper, shifts):
    X, _ = fresh()
    net = trained(lower, upper, 3, "float32", None)
    fitted = _calibrated(net._fitted, np.array(shifts))
    found, alone = fitted.predict(X.astype(np.float32)), np.empty((len(X), len(LEVELS)))
    for k, shift in enumerate(shifts):
        moved = _calibrated(net._fitted, np.full(len(LEVELS), shift))
        alone[:, k] = moved.predict(X.astype(np.float32))[:, k]
    assert (np.diff(found, axis=1) >= 0).all()
    assert (found[:, 2:] >= alone[:, 2:]).all()
    assert (found[:, :2] <= alone[:, :2]).all()
    assert lower is None or (found.astype(float) > lower).all()
    assert upper is None or (found.astype(float) < upper).all()


def test_no_calibrated_quantile_moves_against_the_sign_of_a_feature():
    X, y = fresh()
    net = calibrated(trained(0.0, 10.0, 3, "float32", (1, 0, -1, 0, 0)), X, y)
    rows, further = pairs(np.random.default_rng(0), 20_000, np.float32, X, (1, 0, -1, 0, 0))
    assert n_broken(net.predict_quantiles(rows), net.predict_quantiles(further)) == 0
    moved = net.predict_quantiles(X + np.array([1, 0, -1, 0, 0]))
    assert (moved > net.predict_quantiles(X)).any()


def test_targets_at_an_end_of_the_range_do_not_pull_quantiles_onto_it():
    X, y = fresh()
    y = np.where(X[:, 0] < 0.5, 0.0, y)  # the share of zeros is above some levels
    assert 0.6 < (y == 0).mean() < 0.8
    net = trained(0.0, None, 3, "float64", None)
    before = net.predict_quantiles(X)
    after = calibrated(net, X, y).predict_quantiles(X)
    assert (y[:, None] <= after[:, 2:]).mean(axis=0).min() >= 0.6
    assert (after[:, 2:] > 0.05 * before[:, 2:]).all()


def test_rows_of_the_user_calibrate_in_the_place_of_folds():
    X, y = many()
    X_cal, y_cal = fresh()
    of_folds = fast().fit(X, y)
    given = fast().fit(X, y, X_cal=X_cal, y_cal=y_cal)
    without = fast(calibration=None).fit(X, y)
    assert without.calibration_ is None
    np.testing.assert_array_equal(of_folds.oof_prediction_, without.oof_prediction_)
    expected = calibrated(without, X_cal, y_cal)
    np.testing.assert_array_equal(given.calibration_, expected.calibration_)
    assert (given.calibration_ != of_folds.calibration_).any()
    for net in (of_folds, given):
        before = net.predict_quantiles(X, calibrated=False)
        np.testing.assert_array_equal(before, without.predict_quantiles(X))


def test_training_goes_on_from_quantiles_as_they_were_trained():
    X, y = many()
    nets = [
        fast(calibration=calibration, warm_start=True).fit(X, y).fit(X, y)
        for calibration in ("auto", None)
    ]
    uncalibrated = [net.predict_quantiles(X, calibrated=False) for net in nets]
    np.testing.assert_array_equal(*uncalibrated)
    assert nets[0].calibration_ is not None
    assert nets[0].partial_fit(X, y).calibration_ is None
    np.testing.assert_array_equal(
        *(net.predict_quantiles(X) for net in (nets[0], nets[1].partial_fit(X, y)))
    )


def test_without_rows_apart_nothing_is_calibrated():
    X, y = many()
    for params in ({"n_networks": 1}, {"early_stopping": False}):
        assert fast(**params).fit(X, y).calibration_ is None
    assert fast().fit(X[:200], y[:200]).calibration_ is None  # too few


def test_predict_returns_intervals_and_quantiles_inside_a_pipeline():
    X, y = many()
    pipeline = make_pipeline(StandardScaler(), fast()).fit(X, y)
    net, inside = pipeline[-1], pipeline[:-1].transform(X)
    found = pipeline.predict(X, coverage=0.6)
    np.testing.assert_array_equal(found, net.predict_interval(inside, 0.6))
    found = pipeline.predict(X, quantiles=[0.3, 0.7])
    np.testing.assert_array_equal(found, net.predict_quantiles(inside, [0.3, 0.7]))
    with refuses("quantiles or coverage, not both. Got quantiles=[0.3] and coverage=0.6"):
        net.predict(X, quantiles=[0.3], coverage=0.6)


def test_wrong_rows_are_refused_before_training():
    X, y = positive_regression()
    with refuses("X_cal and y_cal must be given together. Got y_cal=None"):
        fast().fit(X, y, X_cal=X)
    with refuses('X_cal needs calibration="auto". Got calibration=None'):
        fast(calibration=None).fit(X, y, X_cal=X, y_cal=y)
    net = fast(lower=0)
    with refuses("needs y >= 0. Got -"):
        net.fit(X, y, X_cal=X, y_cal=-y)
    assert not hasattr(net, "_fitted")
    with refuses("X_cal must have the 5 features of X. Got 3"):
        net.fit(X, y, X_cal=X[:, :3], y_cal=y)
