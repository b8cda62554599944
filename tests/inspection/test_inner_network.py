"""Displays of what is inside a Pipeline, a search or a tuner: with its names and thresholds."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain import (
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    QuantileNetRegressor,
    SparseConnectedNetClassifier,
    TunedThresholdMultiLabelClassifierCV,
)
from skconstrain.inspection import (
    ConnectionDisplay,
    ContributionDisplay,
    GateDisplay,
    LossCurveDisplay,
    QuantileDisplay,
    ReliabilityDisplay,
    ThresholdCurveDisplay,
)

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

X, Y = make_multilabel_classification(200, n_features=4, n_classes=3, random_state=0)
Y = pd.DataFrame(Y, columns=["red", "green", "blue"])
FAST = {"epochs": 2, "random_state": 0}

WRAPPED = {
    "pipeline": lambda model: make_pipeline(StandardScaler(), model),
    "search over a pipeline": lambda model: GridSearchCV(
        make_pipeline(StandardScaler(), model), {}, cv=2, scoring=no_score
    ),
    "search in a pipeline": lambda model: make_pipeline(
        StandardScaler(), GridSearchCV(model, {}, cv=2, scoring=no_score)
    ),
}
EACH = pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)


def no_score(estimator, X, y):
    return 0.0


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def tuner(**params):
    inner = OneVsRestClassifier(LogisticRegression())
    return TunedThresholdMultiLabelClassifierCV(inner, cv=2, random_state=0, **params)


@EACH
def test_thresholds_folds_names_and_metric_of_a_tuner_are_shown(wrap):
    model = wrap(tuner(scoring="jaccard_macro")).fit(X, Y)
    scaled = StandardScaler().fit_transform(X)
    alone = tuner(scoring="jaccard_macro").fit(scaled, Y)
    display = ThresholdCurveDisplay.from_estimator(model, X, Y.to_numpy())
    assert display.label_names == ["red", "green", "blue"]
    assert display.metric_name == "Jaccard"
    np.testing.assert_array_equal(display.thresholds, alone.thresholds_)
    np.testing.assert_array_equal(display.cv_thresholds, alone.cv_thresholds_)
    expected = ThresholdCurveDisplay.from_estimator(alone, scaled, Y)
    np.testing.assert_array_equal(display.scores[0], expected.scores[0])
    display = ReliabilityDisplay.from_estimator(model, X, Y.to_numpy())
    assert display.label_names == ["red", "green", "blue"]


@EACH
def test_thresholds_of_a_network_are_shown(wrap):
    net = MultiLabelNetClassifier((4,), threshold={"green": 0.2}, n_networks=1, **FAST)
    display = ThresholdCurveDisplay.from_estimator(wrap(net).fit(X, Y), X, Y.to_numpy())
    np.testing.assert_array_equal(display.thresholds, [0.5, 0.2, 0.5])
    assert display.label_names == ["red", "green", "blue"]


def test_the_network_inside_a_tuner_is_drawn():
    net = SparseConnectedNetClassifier(np.eye(4), **FAST)
    outer = TunedThresholdMultiLabelClassifierCV(make_pipeline(StandardScaler(), net), cv=2)
    fitted = outer.fit(X, Y).estimator_[-1]
    assert LossCurveDisplay.from_estimator(outer).losses == fitted.loss_curve_
    display = ConnectionDisplay.from_estimator(outer)
    assert display.names[-1] == ["red", "green", "blue"]


def drawn(display):
    """Return the numbers that are drawn."""
    if isinstance(display, QuantileDisplay):
        return [display.y_quantiles]
    if isinstance(display, ContributionDisplay):
        return [display.prediction, *display.units]
    return [display.shares.usage, display.shares.overall_accuracy, display.regions.weights]


@EACH
@pytest.mark.parametrize("kind", ["quantiles", "contributions", "gate"])
def test_rows_pass_the_transformers_in_front(kind, wrap):
    y = Y["red"].to_numpy()
    net, show = {
        "quantiles": (
            QuantileNetRegressor((4,), n_networks=1, **FAST),
            lambda model, X: QuantileDisplay.from_estimator(model, X, y),
        ),
        "contributions": (
            SparseConnectedNetClassifier(np.eye(4), **FAST),
            lambda model, X: ContributionDisplay.from_estimator(model, X, row=3),
        ),
        "gate": (
            GatedEnsembleClassifier(n_experts=2, **FAST),
            lambda model, X: GateDisplay.from_estimator(model, X, y, kind="both"),
        ),
    }[kind]
    model = wrap(net).fit(X, y)
    scaled = StandardScaler().fit_transform(X)
    inside = model
    while not isinstance(inside, type(net)):
        inside = inside[-1] if hasattr(inside, "steps") else inside.best_estimator_
    for found, expected in zip(drawn(show(model, X)), drawn(show(inside, scaled)), strict=True):
        np.testing.assert_array_equal(found, expected)
