"""QuantileNetRegressor: learns quantiles, keeps their order and range, refuses errors."""

import pickle

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import d2_pinball_score, mean_pinball_loss

from skconstrain import QuantileNetRegressor
from skconstrain._formulas._quantile_levels import interpolated
from tests.refusals import refuses
from tests.registry import positive_regression

LEVELS = (0.05, 0.5, 0.95)
RANGES = [(None, None), (0.0, None), (None, 10.0), (0.0, 10.0)]


def fast(**params):
    settings = {"hidden_layer_sizes": (8,), "epochs": 5, "random_state": 0}
    return QuantileNetRegressor(**{**settings, **params})


def spreading(n_rows=2000, random_state=0):
    """Return rows whose targets spread more where the first feature is large."""
    rng = np.random.default_rng(random_state)
    X = rng.uniform(-1, 1, size=(n_rows, 2))
    return X, X[:, 1] + np.exp(X[:, 0]) * rng.normal(size=n_rows)


def true_quantiles(X, levels):
    return X[:, [1]] + np.exp(X[:, [0]]) * norm.ppf(levels)


def test_quantiles_are_learnt_and_those_between_are_interpolated():
    X, y = spreading()
    net = QuantileNetRegressor((20,), random_state=0).fit(X, y)
    X_test, y_test = spreading(random_state=1)
    levels = np.array([0.05, 0.1, 0.3, 0.5, 0.8, 0.95])
    found = net.predict_quantiles(X_test, levels)
    constants = np.quantile(y, levels)
    expected = true_quantiles(X_test, levels)
    error, of_constants = (np.abs(q - expected).mean(axis=0) for q in (found, constants))
    assert (error < 0.5 * of_constants).all()
    np.testing.assert_allclose((y_test[:, None] <= found).mean(axis=0), levels, atol=0.05)


@pytest.mark.parametrize(("lower", "upper"), RANGES)
def test_training_starts_at_the_weighted_quantiles(lower, upper):
    X, y = positive_regression()
    counts = np.arange(len(y)) % 3
    ends = {"lower": lower, "upper": upper}
    net = fast(learning_rate=1e-12, epochs=1, **ends).fit(X, y, sample_weight=counts)
    expected = np.quantile(np.repeat(y, counts), LEVELS, method="inverted_cdf")
    np.testing.assert_allclose(net.predict_quantiles(X[:1])[0], expected, rtol=1e-3)


@pytest.mark.parametrize(("lower", "upper"), RANGES)
def test_quantiles_are_learnt_in_every_range(lower, upper):
    X, y = positive_regression()
    net = QuantileNetRegressor((20,), lower=lower, upper=upper, early_stopping=False, epochs=300)
    assert net.set_params(random_state=0).fit(X, y).score(X, y) > 0.5


def test_the_loss_is_the_mean_pinball_loss_in_the_unit_of_y():
    X, y = positive_regression()
    net = fast(n_networks=1, learning_rate=1e-12, epochs=1).fit(X, 100 * y)
    columns = zip(net.predict_quantiles(X).T, LEVELS, strict=True)
    expected = np.mean([mean_pinball_loss(100 * y, q, alpha=level) for q, level in columns])
    assert net.loss_curve_[0] == pytest.approx(expected, rel=1e-5)


def test_the_score_is_d2_of_the_mean_pinball_loss():
    X, y = positive_regression()
    counts = np.arange(len(y)) % 3
    net = fast(quantiles=(0.5,)).fit(X, y)
    # scikit-learn interpolates between two rows: an odd number of them has a median.
    expected = d2_pinball_score(y[1:], net.predict(X[1:]), alpha=0.5)
    assert net.score(X[1:], y[1:]) == pytest.approx(expected)
    net = fast(quantiles=(0.2, 0.5, 0.9)).fit(X, y)
    repeated = np.repeat(X, counts, axis=0), np.repeat(y, counts)
    assert net.score(X, y, sample_weight=counts) == pytest.approx(net.score(*repeated))
    constant = np.quantile(y, (0.2, 0.5, 0.9), method="inverted_cdf")
    loss, of_constants = (
        sum(
            mean_pinball_loss(y, column, alpha=level)
            for level, column in zip((0.2, 0.5, 0.9), columns.T, strict=True)
        )
        for columns in (net.predict_quantiles(X), np.tile(constant, (len(y), 1)))
    )
    assert net.score(X, y) == pytest.approx(1 - loss / of_constants)
    assert net.score(X, np.ones(len(y))) == 0.0


def test_the_median_is_predicted():
    X, y = positive_regression()
    net = fast().fit(X, y)
    np.testing.assert_array_equal(net.predict(X), net.predict_quantiles(X)[:, 1])
    without = fast(quantiles=(0.1, 0.8)).fit(X, y)
    np.testing.assert_array_equal(without.predict(X), without.predict_quantiles(X, [0.5])[:, 0])


def test_an_interval_lies_between_two_quantiles():
    X, y = positive_regression()
    net = fast().fit(X, y)
    np.testing.assert_array_equal(net.predict_interval(X), net.predict_quantiles(X)[:, [0, 2]])
    half = net.predict_quantiles(X, [0.25, 0.75])
    np.testing.assert_array_equal(net.predict_interval(X, coverage=0.5), half)


def test_levels_may_be_asked_for_in_any_order():
    X, y = positive_regression()
    net = fast().fit(X, y)
    asked = np.array([0.95, 0.3, 0.05, 0.7, 0.3])
    found, ordered = net.predict_quantiles(X, asked), net.predict_quantiles(X, np.sort(asked))
    np.testing.assert_array_equal(np.sort(found, axis=1), ordered)
    np.testing.assert_array_equal(found[:, 1], found[:, 4])


def test_interpolation_is_exact_for_normal_quantiles_and_keeps_the_order():
    levels, asked = np.array([0.01, 0.4, 0.9]), np.linspace(0.01, 0.9, 1000)
    exact = interpolated(levels, norm.ppf(levels)[None], asked)
    np.testing.assert_allclose(exact[0], norm.ppf(asked), atol=1e-12)
    largest = np.finfo(np.float32).max
    hostile = np.array(
        [[-largest, 0, largest], [1, 1, 1.0000001], [-largest, -largest, largest], [0, 1e-45, 1]],
        np.float32,
    )
    found = interpolated(levels, hostile, asked)
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=1) >= 0).all()


def test_targets_that_are_mostly_equal_or_at_an_end_are_learnt():
    X, y = positive_regression()
    zeros = np.where(y < np.quantile(y, 0.7), 0.0, y)
    net = QuantileNetRegressor((20,), lower=0, early_stopping=False, random_state=0).fit(X, zeros)
    assert net.score(X, zeros) > 0.5
    low, median, _ = net.predict_quantiles(X).T
    assert (low > 0).all()
    assert np.median(median) < 0.1 * y.mean()
    constant = fast(epochs="auto").fit(X, np.full(len(X), 7.0))
    np.testing.assert_allclose(constant.predict_quantiles(X), 7.0, rtol=0.05)


@pytest.mark.parametrize("monotonic_cst", [None, [1, 0, 0, 0, 0]])
@pytest.mark.parametrize("n_networks", [1, 5])
def test_targets_close_to_an_end_of_a_range_are_learnt_as_in_a_range_that_fits(
    n_networks, monotonic_cst
):
    X, y = positive_regression()
    settings = {"n_networks": n_networks, "monotonic_cst": monotonic_cst, "lower": 0}
    net = QuantileNetRegressor((10,), **settings, early_stopping=False, random_state=0)
    rate = y / (1.5 * y.max())
    expected = net.set_params(upper=1).fit(X, rate).score(X, rate)
    for unit in (1e-4, 1e-9):
        assert net.fit(X, unit * rate).score(X, unit * rate) > expected - 0.02


def test_one_far_target_changes_little():
    X, y = spreading(400)
    far = np.where(np.arange(400) == 0, 1e4 * np.abs(y).max(), y)
    nets = [QuantileNetRegressor((20,), random_state=0).fit(X, target) for target in (y, far)]
    clean, other = (net.score(X[1:], y[1:]) for net in nets)
    assert other > clean - 0.05


def test_the_unit_of_y_does_not_matter():
    X, y = positive_regression()
    expected = fast().fit(X, y).predict_quantiles(X)
    for unit in (1e-30, 1e30):
        found = fast().fit(X, unit * y).predict_quantiles(X)
        np.testing.assert_allclose(found, unit * expected, rtol=1e-6)


def test_partial_fit_and_warm_start_go_on_with_the_same_levels():
    X, y = positive_regression()
    net = fast(early_stopping=False).partial_fit(X[:30], y[:30]).partial_fit(X[30:], y[30:])
    assert net.n_iter_ == 2
    twin = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(
        twin.partial_fit(X, y).predict_quantiles(X), net.partial_fit(X, y).predict_quantiles(X)
    )
    with refuses("head must stay QuantileHead(levels=(0.05, 0.5, 0.95)"):
        net.set_params(quantiles=(0.1, 0.5, 0.9)).partial_fit(X, y)


def test_predictions_out_of_fold_are_medians():
    X, y = positive_regression()
    net = fast(early_stopping=True, epochs=100).fit(X, y)
    assert net.oof_prediction_.shape == y.shape
    assert d2_pinball_score(y, net.oof_prediction_) > 0.2


@pytest.mark.parametrize(("lower", "upper"), RANGES)
def test_the_keras_model_predicts_the_same(lower, upper):
    X, y = positive_regression()
    for n_networks in (1, 5):
        net = fast(lower=lower, upper=upper, n_networks=n_networks).fit(X, y)
        by_keras = np.asarray(net.model_(X))
        np.testing.assert_allclose(by_keras, net.predict_quantiles(X), rtol=1e-12)


def test_wrong_use_is_refused_with_rule_value_and_remedy():
    X, y = positive_regression()
    for quantiles in ((0.0, 0.5), (0.5, 1.0), (), 0.5, ("a",), (0.5, np.nan)):
        with refuses("quantiles"):
            fast(quantiles=quantiles).fit(X, y)
    with refuses("quantiles must increase. Got (0.5, 0.1)"):
        fast(quantiles=(0.5, 0.1)).fit(X, y)
    with refuses("quantiles must reach", "the median. Got (0.9, 0.95). Add 0.5"):
        fast(quantiles=(0.9, 0.95)).fit(X, y)
    with refuses("upper must be greater than lower. Got lower=2, upper=1"):
        fast(lower=2, upper=1).fit(X, y)
    for name, end, relation in (("lower", 1, ">="), ("upper", 1, "<=")):
        with refuses(f"({name}=1) needs y {relation} 1. Got", f"Set {name}=, or shift y"):
            fast(**{name: end}).fit(X, y)
    with refuses("needs one target. Got y of 2 columns", "MultiOutputRegressor"):
        fast().fit(X, np.column_stack([y, y]))
    net = fast(quantiles=(0.1, 0.5, 0.9)).fit(X, y)
    with refuses("quantiles must lie between those of fit, 0.1 and 0.9. Got 0.95"):
        net.predict_quantiles(X, [0.5, 0.95])
    with refuses("quantiles must lie between those of fit"):
        net.predict_interval(X)
    for coverage in (0, 1, "a"):
        with refuses("coverage must lie between 0 and 1. Got"):
            net.predict_interval(X, coverage=coverage)
