"""QuantileDisplay draws a fan of quantiles and their coverage, and says what it cannot draw."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from skconstrain import QuantileNetRegressor
from skconstrain.inspection import QuantileDisplay
from tests.refusals import refuses
from tests.registry import positive_regression

matplotlib.use("agg")


@pytest.fixture(scope="module")
def fitted():
    X, y = positive_regression()
    net = QuantileNetRegressor((4,), quantiles=(0.1, 0.5, 0.9), epochs=3, random_state=0)
    return net.fit(X, y), X, y


def test_draws_what_the_estimator_predicts(fitted):
    net, X, y = fitted
    display = QuantileDisplay.from_estimator(net, X, y)
    predicted = net.predict_quantiles(X)
    np.testing.assert_array_equal(display.y_quantiles, predicted)
    np.testing.assert_array_equal(display.coverage, (y[:, None] <= predicted).mean(axis=0))
    fan, coverage = display.axes_
    median, dots = fan.lines
    np.testing.assert_array_equal(median.get_ydata(), np.sort(predicted[:, 1]))
    np.testing.assert_array_equal(np.sort(dots.get_ydata()), np.sort(y))
    assert [text.get_text() for text in fan.get_legend().get_texts()] == ["0.1 to 0.9", "0.5", "y"]
    np.testing.assert_array_equal(coverage.lines[1].get_xdata(), [0.1, 0.5, 0.9])
    np.testing.assert_array_equal(coverage.lines[1].get_ydata(), display.coverage)


def test_draws_the_coverage_before_calibration(fitted):
    rows = (positive_regression(random_state) for random_state in range(4))
    X, y = (np.concatenate(part) for part in zip(*rows, strict=True))
    net = clone(fitted[0]).fit(X, y)
    before = net.predict_quantiles(X, calibrated=False)
    assert (before != net.predict_quantiles(X)).any()
    display = QuantileDisplay.from_estimator(net, X, y)
    np.testing.assert_array_equal(display.coverage_before, (y[:, None] <= before).mean(axis=0))
    panel = display.axes_[1]
    np.testing.assert_array_equal(panel.lines[2].get_ydata(), display.coverage_before)
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["calibrated", "before"]
    without = clone(net).set_params(calibration=None).fit(X, y)
    display = QuantileDisplay.from_estimator(without, X, y)
    assert display.coverage_before is None
    assert len(display.axes_[1].lines) == 2


def test_draws_along_a_feature(fitted):
    net, X, y = fitted
    frame = pd.DataFrame(X, columns=list("abcde"))
    of_frame = clone(net).fit(frame, y)
    named = QuantileDisplay.from_estimator(of_frame, frame, y, feature="c", quantiles=[0.2, 0.8])
    numbered = QuantileDisplay.from_estimator(net, X, y, feature=2)
    for display, name in ((named, "c"), (numbered, "feature 2")):
        np.testing.assert_array_equal(display.x, X[:, 2])
        assert display.axes_[0].get_xlabel() == name
    assert len(named.axes_[0].lines) == 1  # no level in the middle
    with refuses("feature must be a column of X", "below 5. Got 5"):
        QuantileDisplay.from_estimator(net, X, y, feature=5)


def test_bands_and_their_legend_differ_in_colour():
    rows = np.arange(4.0)
    bands = rows[:, None] + np.array([[-2.0, -1, 0, 1, 2]])
    levels = [0.05, 0.25, 0.5, 0.75, 0.95]
    fan = QuantileDisplay.from_predictions(rows, bands, quantiles=levels, x=rows).axes_[0]
    drawn = [tuple(band.get_facecolor()[0]) for band in fan.collections]
    shown = [patch.get_facecolor() for patch in fan.get_legend().get_patches()]
    assert drawn == shown
    assert len(set(shown)) == 2


def test_the_fan_along_one_of_several_features_is_a_mean_of_neighbours(fitted):
    net, X, y = fitted
    many = np.tile(X, (2, 1)) + np.linspace(0, 1e-6, 2 * len(X))[:, None]
    display = QuantileDisplay.from_estimator(net, many, np.tile(y, 2), feature=2)
    drawn = display.axes_[0].lines[0].get_ydata()
    order, n = np.argsort(many[:, 2], kind="stable"), display.n_neighbors
    assert n == len(many) // 20
    expected = display.y_quantiles[order, 1][10 : 10 + n].mean()
    np.testing.assert_allclose(drawn[10 + n // 2], expected)


def test_weights_count_as_repeated_rows():
    y, predicted = np.array([1.0, 2.0]), np.array([[1.5], [1.5]])
    display = QuantileDisplay.from_predictions(
        y, predicted, quantiles=[0.5], sample_weight=[3, 1], x=[5.0, 4.0], x_name="years"
    )
    np.testing.assert_array_equal(display.coverage, [0.75])
    assert display.axes_[0].get_xlabel() == "years"


def test_given_axes_are_divided(fitted):
    import matplotlib.pyplot as plt

    net, X, y = fitted
    figure, ax = plt.subplots()
    display = QuantileDisplay.from_estimator(net, X, y, ax=ax)
    assert display.figure_ is figure
    assert len(figure.axes) == 3
    assert display.plot().figure_ is not figure


def test_wrong_use_is_refused(fitted):
    _, X, y = fitted
    with pytest.raises(NotFittedError):
        QuantileDisplay.from_estimator(QuantileNetRegressor(), X, y)
    with pytest.raises(TypeError, match=r"predict_quantiles.* Got LinearRegression"):
        QuantileDisplay.from_estimator(LinearRegression().fit(X, y), X, y)
    with refuses("quantiles must be increasing levels", "for 1 columns"):
        QuantileDisplay.from_predictions(y, X[:, :1], quantiles=[0.1, 0.9])
    with refuses("inconsistent"):
        QuantileDisplay.from_predictions(y[:-1], X[:, :1], quantiles=[0.1])
