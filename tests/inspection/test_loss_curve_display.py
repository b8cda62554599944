"""LossCurveDisplay draws the losses of an estimator, and says what it cannot draw."""

import matplotlib
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain import MultiLabelNetClassifier, PositiveRegressor
from skconstrain.inspection import LossCurveDisplay
from tests.registry import positive_regression, two_classes

matplotlib.use("agg")


def test_draws_training_and_validation_losses():
    X, y = positive_regression(0)
    net = PositiveRegressor((4,), epochs=7, early_stopping=True, tol=None, random_state=0).fit(X, y)
    display = LossCurveDisplay.from_estimator(net)
    training, validation = display.lines_
    np.testing.assert_array_equal(training.get_xdata(), np.arange(1, 8))
    np.testing.assert_array_equal(training.get_ydata(), net.loss_curve_)
    np.testing.assert_array_equal(validation.get_ydata(), -np.array(net.validation_scores_))
    assert display.best_epoch == 1 + np.argmax(net.validation_scores_)
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == [
        "PositiveRegressor, training",
        "PositiveRegressor, validation",
        f"weights kept (epoch {display.best_epoch})",
    ]


def test_validation_without_early_stopping_keeps_the_last_weights():
    X, y = two_classes(0)
    net = MultiLabelNetClassifier((4,), epochs=3, early_stopping=False, random_state=0)
    net.fit(X, y, X_val=X, y_val=y)
    display = LossCurveDisplay.from_estimator(net, name="net")
    assert len(display.lines_) == 2
    assert display.best_epoch is None


def test_a_brier_score_has_an_axis_of_its_own():
    X, y = two_classes(0)
    net = MultiLabelNetClassifier((4,), n_networks=1, epochs=3, early_stopping=True, random_state=0)
    display = LossCurveDisplay.from_estimator(net.fit(X, y), name="net")
    training, validation = display.lines_
    assert training.axes is display.ax_
    assert validation.axes is display.validation_ax_ is not display.ax_
    assert display.ax_.get_ylabel() == "loss"
    assert display.validation_ax_.get_ylabel() == "validation Brier score"
    np.testing.assert_array_equal(validation.get_ydata(), -np.array(net.validation_scores_))
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    kept = f"weights kept (epoch {display.best_epoch})"
    assert labels == ["net, training", "net, validation (Brier score)", kept]
    by_loss = LossCurveDisplay.from_estimator(net.set_params(scoring="loss").fit(X, y))
    assert by_loss.validation_ax_ is by_loss.ax_


def test_draws_into_given_axes_on_a_logarithmic_scale():
    import matplotlib.pyplot as plt

    X, y = positive_regression(0)
    net = PositiveRegressor((4,), epochs=1, random_state=0).fit(X, y)
    figure, ax = plt.subplots()
    display = LossCurveDisplay.from_estimator(net, ax=ax, log_scale=True)
    assert display.figure_ is figure
    assert ax.get_yscale() == "log"
    assert display.lines_[0].get_marker() == "o"


def test_pipelines_searches_and_perceptrons():
    X, y = positive_regression(0)
    pipe = make_pipeline(StandardScaler(), PositiveRegressor((4,), epochs=2, random_state=0))
    search = GridSearchCV(pipe, {"positiveregressor__alpha": [0.0, 1.0]}, cv=2).fit(X, y)
    curve = search.best_estimator_[-1].loss_curve_
    assert LossCurveDisplay.from_estimator(search).losses == curve
    mlp = MLPRegressor(
        hidden_layer_sizes=(4,), max_iter=300, early_stopping=True, random_state=0
    ).fit(X, y)
    display = LossCurveDisplay.from_estimator(mlp)
    assert len(display.lines_) == 1  # its validation scores are no losses


def test_refusals():
    X, y = positive_regression(0)
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(PositiveRegressor())
    with pytest.raises(TypeError, match=r"loss_curve_.*Got LinearRegression\(\)"):
        LossCurveDisplay.from_estimator(LinearRegression().fit(X, y))
    display = LossCurveDisplay([0.5, 0.0])
    with pytest.raises(ValueError, match="The smallest is 0"):
        display.plot(log_scale=True)
