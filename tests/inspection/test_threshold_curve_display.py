"""ThresholdCurveDisplay: what is drawn is what the metric says."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, fbeta_score, jaccard_score, make_scorer
from sklearn.multiclass import OneVsRestClassifier

from skconstrain import TunedThresholdMultiLabelClassifierCV
from skconstrain.inspection import ThresholdCurveDisplay

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


def data(n_labels=3):
    return make_multilabel_classification(300, n_classes=n_labels, random_state=0)


def tuned(X, y, **params):
    inner = OneVsRestClassifier(LogisticRegression())
    return TunedThresholdMultiLabelClassifierCV(inner, random_state=0, **params).fit(X, y)


def test_curves_are_the_metric_at_every_threshold():
    X, y = data()
    model = tuned(X, y)
    display = ThresholdCurveDisplay.from_estimator(model, X, y)
    scores = model.predict_proba(X)
    for label in range(3):
        edges, values = display.edges[label], display.scores[label]
        assert edges[0] == 0
        assert edges[-1] == 1
        for low, high, value in list(zip(edges, edges[1:], values, strict=False))[::20]:
            predicted = scores[:, label] >= (low + high) / 2
            assert value == pytest.approx(f1_score(y[:, label], predicted, zero_division=0))


def test_a_panel_shows_the_chosen_threshold_and_the_folds():
    X, y = data()
    model = tuned(X, y)
    display = ThresholdCurveDisplay.from_estimator(model, X, y)
    assert len(display.axes_) == 3
    panel = display.axes_[0]
    lines = {line.get_label(): np.asarray(line.get_xdata(), float) for line in panel.lines}
    assert set(lines["chosen threshold"]) == {model.thresholds_[0]}
    np.testing.assert_array_equal(lines["folds"], model.cv_thresholds_[:, 0])
    assert set(lines["default"]) == {0.5}
    reached = f1_score(y[:, 0], model.predict(X)[:, 0])
    assert panel.get_title("left") == "label 0"
    assert panel.get_title("right").endswith(f"{reached:.2f}")
    assert panel.get_ylabel() == "F1"


@pytest.mark.parametrize(
    ("scoring", "name", "reference"),
    [
        ("jaccard_samples", "Jaccard", jaccard_score),
        (make_scorer(fbeta_score, beta=2, average="macro"), "F-beta", partial(fbeta_score, beta=2)),
        ("accuracy", "F1", f1_score),
    ],
)  # fmt: skip
def test_the_metric_is_the_one_that_was_tuned(scoring, name, reference):
    X, y = data()
    model = tuned(X, y, scoring=scoring, max_cut_offs=5)
    display = ThresholdCurveDisplay.from_estimator(model, X, y)
    assert display.metric_name == name
    at_low = reference(y[:, 0], np.ones(len(y), int))
    assert display.scores[0][0] == pytest.approx(at_low)


def test_labels_are_chosen_by_name_or_column():
    X, y = data(5)
    frame = pd.DataFrame(y, columns=["a", "b", "c", "d", "e"])
    model = tuned(X, frame)
    display = ThresholdCurveDisplay.from_estimator(model, X, frame, labels=["e", 1])
    assert [panel.get_title("left") for panel in display.axes_] == ["e", "b"]
    display.plot(max_labels=4)
    assert len(display.axes_) == 4
    assert display.figure_.legends[0].get_title().get_text() == "4 of 5 labels"
    with pytest.raises(ValueError, match=r"labels must name labels or columns .* Got \['z'\]"):
        display.plot(labels=["a", "z"])


def test_an_axes_is_divided():
    X, y = data()
    figure, axes = plt.subplots(1, 2)
    display = ThresholdCurveDisplay.from_estimator(tuned(X, y), X, y, ax=axes[0])
    assert display.figure_ is figure
    figure.canvas.draw()
    assert all(panel.get_position().x1 <= axes[1].get_position().x0 for panel in display.axes_)


def test_from_predictions_of_one_label_and_of_scores_that_are_no_probabilities():
    rng = np.random.default_rng(0)
    y, score = rng.integers(0, 2, 50), rng.normal(size=50) * 3
    display = ThresholdCurveDisplay.from_predictions(y, score, default=0.0, metric="recall")
    assert len(display.axes_) == 1
    assert display.edges[0][0] < score.min()
    assert display.scores[0][0] == 1.0
    assert display.scores[0][-1] == 0.0


def test_classifiers_that_were_not_tuned_and_binary_targets():
    X, y = data()
    plain = OneVsRestClassifier(LogisticRegression()).fit(X, y)
    assert ThresholdCurveDisplay.from_estimator(plain, X, y).thresholds is None
    binary = TunedThresholdMultiLabelClassifierCV(LogisticRegression()).fit(X, y[:, 0])
    display = ThresholdCurveDisplay.from_estimator(binary, X, y[:, 0])
    assert display.thresholds.tolist() == binary.thresholds_.tolist()
    assert display.axes_[0].get_title("left") == "class 1"


def test_wrong_use_is_refused_in_a_sentence():
    y = data()[1]
    score = np.full(y.shape, 0.5)
    draw = ThresholdCurveDisplay.from_predictions
    with pytest.raises(ValueError, match=r"column for each of the 3 labels of y_true. Got 2"):
        draw(y, score[:, :2])
    with pytest.raises(
        ValueError, match=r"thresholds must have one entry for each of the 3 labels"
    ):
        draw(y, score, thresholds=[0.5, 0.5])
    with pytest.raises(ValueError, match=r"metric must be one of .* Got 'auc'"):
        draw(y, score, metric="auc")
    with pytest.raises(ValueError, match="a multiclass target has no thresholds"):
        draw(np.arange(len(y)) % 3, score[:, 0])
    with pytest.raises(ValueError, match="hold 0 and 1, one column a label"):
        draw(y + 1, score)


@pytest.mark.filterwarnings("ignore:Label not 1 is present")
def test_a_label_without_a_positive_is_drawn():
    X, y = data()
    y[:, 1] = 0
    with pytest.warns(UserWarning, match="no positive"):
        model = tuned(X, y)
    ThresholdCurveDisplay.from_estimator(model, X, y).figure_.canvas.draw()
