"""ReliabilityDisplay: points are shares of positives in bins of probabilities."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import brier_score_loss
from sklearn.multioutput import MultiOutputClassifier

from skconstrain.inspection import ReliabilityDisplay
from tests.refusals import refuses

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


def predicted(n_labels=3):
    X, y = make_multilabel_classification(400, n_classes=n_labels, random_state=0)
    model = MultiOutputClassifier(LogisticRegression()).fit(X, y)
    return model, X, y, np.column_stack([part[:, 1] for part in model.predict_proba(X)])


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_points_are_those_of_scikit_learn(strategy):
    model, X, y, probability = predicted()
    display = ReliabilityDisplay.from_estimator(model, X, y, n_bins=7, strategy=strategy)
    for label in range(3):
        share, mean = calibration_curve(
            y[:, label], probability[:, label], n_bins=7, strategy=strategy
        )
        np.testing.assert_allclose(display.prob_true[label], share)
        np.testing.assert_allclose(display.prob_pred[label], mean)
        brier = brier_score_loss(y[:, label], probability[:, label])
        np.testing.assert_allclose(display.brier_scores[label], brier)
        drawn = display.axes_[label].collections[-1].get_offsets()
        np.testing.assert_allclose(drawn, np.column_stack([mean, share]))


def test_a_weight_of_two_is_a_row_twice():
    _, _, y, probability = predicted()
    weight = np.where(np.arange(len(y)) < 100, 2, 1)
    weighted = ReliabilityDisplay.from_predictions(y, probability, sample_weight=weight)
    twice = np.repeat(np.arange(len(y)), weight)
    repeated = ReliabilityDisplay.from_predictions(y[twice], probability[twice])
    for name in ("prob_true", "prob_pred", "brier_scores"):
        for one, other in zip(getattr(weighted, name), getattr(repeated, name), strict=True):
            np.testing.assert_allclose(one, other)
    dropped = ReliabilityDisplay.from_predictions(y, probability, sample_weight=weight - 1)
    kept = ReliabilityDisplay.from_predictions(y[:100], probability[:100])
    np.testing.assert_allclose(dropped.prob_true[0], kept.prob_true[0])


def test_intervals_hold_the_share_of_calibrated_rows():
    rng = np.random.default_rng(0)
    probability = rng.uniform(size=(300, 40))
    y = rng.uniform(size=probability.shape) < probability
    display = ReliabilityDisplay.from_predictions(y, probability, max_labels=40)
    inside = []
    for panel, mean in zip(display.axes_, display.prob_pred, strict=True):
        lines = np.stack(panel.collections[0].get_segments())
        inside.append((lines[:, 0, 1] <= mean) & (mean <= lines[:, 1, 1]))
    assert 0.92 < np.mean(inside) < 0.98


def test_a_binary_target_is_one_label_and_names_are_titles():
    X, y = make_classification(200, random_state=0)
    y = np.array(["no", "yes"])[y]
    model = LogisticRegression().fit(X, y)
    display = ReliabilityDisplay.from_estimator(model, X, y)
    assert display.label_names == ["class yes"]
    _, _, y, probability = predicted()
    frame = pd.DataFrame(y, columns=["p", "q", "r"])
    named = ReliabilityDisplay.from_predictions(frame, probability, labels=["r", 0])
    assert [panel.get_title(loc="left") for panel in named.axes_] == ["r", "p"]
    assert named.figure_.get_suptitle() == "2 of 3 labels"
    figure, ax = plt.subplots()
    assert named.plot(ax=ax).figure_ is figure


def test_what_is_refused():
    model, X, y, probability = predicted()
    with refuses("in [0, 1]", "Got 1.5"):
        ReliabilityDisplay.from_predictions(y, np.where(probability > 0.9, 1.5, probability))
    with refuses("entry for each of the 3 labels", "Got 2"):
        ReliabilityDisplay.from_predictions(y, probability[:, :2])
    with refuses("n_bins must be a whole number", "Got 0"):
        ReliabilityDisplay.from_estimator(model, X, y, n_bins=0)
    with refuses("strategy must be", "Got 'even'"):
        ReliabilityDisplay.from_estimator(model, X, y, strategy="even")
    with refuses("labels must name labels", "Got ['none']"):
        ReliabilityDisplay.from_estimator(model, X, y, labels=["none"])
    with pytest.raises(TypeError, match=r"predict_proba.*RidgeClassifier.*CalibratedClassifierCV"):
        ReliabilityDisplay.from_estimator(RidgeClassifier().fit(X, y), X, y)
