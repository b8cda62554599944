"""ContributionDisplay: contributions sum to the difference of two predictions."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain import SparseConnectedNet, SparseConnectedNetClassifier
from skconstrain.connections import from_edges
from skconstrain.inspection import ContributionDisplay
from skconstrain.inspection._contributions import contributions
from tests.refusals import refuses

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

NAMES = ["a", "b", "c", "d", "e"]
EDGES = {"low": ["a", "b", "c"], "high": ["c", "d"], "alone": ["e"], "top": ["low", "high"]}
FAST = {"epochs": 20, "dtype": "float64", "random_state": 0}


def data():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60, 5)), columns=NAMES)
    return X, np.exp(X["a"]) + X["c"] * X["d"]


def fitted(**params):
    X, y = data()
    layers = from_edges(EDGES, inputs=NAMES)
    net = SparseConnectedNet(layers, **{"hidden_layer_sizes": (3,), **FAST, **params})
    return net.fit(X, y), X


@pytest.mark.parametrize("activation", ["relu", "tanh", "silu", "hard_sigmoid"])
@pytest.mark.parametrize("standardize", [False, True])
def test_every_layer_sums_to_the_difference_of_predictions(activation, standardize):
    net, X = fitted(activation=activation, standardize=standardize)
    baseline = X.mean()
    display = ContributionDisplay.from_estimator(net, X, row=7, baseline=baseline)
    prediction, before = net.predict(pd.concat([X.iloc[[7]], baseline.to_frame().T]))
    np.testing.assert_allclose(display.prediction, prediction, rtol=1e-9)
    np.testing.assert_allclose(display.baseline_prediction, before, rtol=1e-9)
    sums = [*(one.sum() for one in display.units), *(one.sum() for one in display.flows)]
    np.testing.assert_allclose(sums, prediction - before, rtol=1e-9)
    for below, flow, above in zip(display.units, display.flows, display.units[1:], strict=False):
        np.testing.assert_allclose(flow.sum(axis=1), below, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(flow.sum(axis=0), above, rtol=1e-9, atol=1e-12)


def test_flows_follow_the_connections():
    net, X = fitted()
    display = ContributionDisplay.from_estimator(net, X)
    for flow, kernel in zip(display.flows, net.coefs_, strict=True):
        connected = kernel.toarray() != 0 if sparse.issparse(kernel) else kernel != 0
        assert not flow.toarray()[~connected].any()


def test_a_linear_network_has_the_contributions_of_its_linear_model():
    net, X = fitted(activation="linear", standardize=False)
    display = ContributionDisplay.from_estimator(net, X, row=3)
    linear = LinearRegression().fit(X, net.predict(X))
    expected = linear.coef_ * (X.iloc[3] - X.median())
    np.testing.assert_allclose(display.units[0], expected, rtol=1e-6, atol=1e-9)


def test_the_rule_is_that_of_the_paper():
    # Two inputs feed a relu unit that is off at the baseline: half of what it is fed passes.
    rows, kernel = np.array([[3.0, 1.0], [0.0, 0.0]]), np.array([[1.0], [1.0]])
    found = contributions(
        rows, [kernel, 2 * np.eye(1)], [np.full(1, -2.0), np.zeros(1)], ["relu"], 0
    )
    np.testing.assert_allclose(found.outputs, [4, 0])
    np.testing.assert_allclose(found.units[0], [3, 1])


def test_inputs_that_cancel_each_other_keep_their_contributions():
    rows, kernel = np.array([[1.0, 1.0], [0.0, 0.0]]), np.array([[2.0], [-2.0]])
    found = contributions(rows, [kernel, np.eye(1)], [np.full(1, 0.5), np.zeros(1)], ["tanh"], 0)
    slope = 1 - np.tanh(0.5) ** 2
    np.testing.assert_allclose(found.units[0], [2 * slope, -2 * slope], rtol=1e-6)


def test_an_input_without_a_path_contributes_nothing():
    X, y = data()
    matrix = np.ones((5, 3))
    matrix[4] = 0
    with pytest.warns(match="feed nothing: e"):
        net = SparseConnectedNet([matrix], hidden_layer_sizes=(), **FAST).fit(X, y)
    display = ContributionDisplay.from_estimator(net, X, row=2)
    assert display.units[0][4] == 0.0
    assert (display.units[0][:4] != 0).all()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_of_a_classifier_logits_are_explained(n_classes):
    X, y = data()
    y = pd.qcut(y, n_classes, labels=list("uvw")[:n_classes]).astype(str)
    layers = from_edges(EDGES, inputs=NAMES)
    net = SparseConnectedNetClassifier(layers, **FAST).fit(X, y)
    display = ContributionDisplay.from_estimator(net, X, row=1, output=-1)
    logits = np.asarray(net.decision_function(X.iloc[[1]]))
    np.testing.assert_allclose(display.prediction, logits.ravel()[-1], rtol=1e-9)
    assert display.axes_[0].get_xlabel() == "contribution to the logit"
    assert str(display.names[-1][0]).endswith("uvw"[n_classes - 1])


def test_what_is_drawn():
    net, X = fitted()
    display = ContributionDisplay.from_estimator(net, X, row=5, max_inputs=2, max_units=2)
    bars, graph = display.axes_
    inputs = display.units[0]
    largest = np.argsort(-np.abs(inputs))[:2]
    widths = [patch.get_width() for patch in bars.patches]
    np.testing.assert_allclose(widths[:2], inputs[largest])
    np.testing.assert_allclose(sum(widths), inputs.sum())
    labels, others = [label.get_text() for label in bars.get_yticklabels()], ["3 others"]
    assert labels == [f"{NAMES[i]} = {X.iloc[5, i]:.4g}" for i in largest] + others
    assert set(display.units_[0]) == set(largest)
    assert [len(units) for units in display.units_] == [2, 2, 2, 2, 1]
    texts = [text.get_text() for text in graph.texts]
    assert {"inputs", "output", "prediction"} <= set(texts)
    figure, ax = plt.subplots()
    assert display.plot(ax=ax).figure_ is figure


def test_a_gap_is_the_center_of_its_feature():
    X, y = data()
    X.iloc[3:20, 1] = np.nan
    net = SparseConnectedNet(from_edges(EDGES, inputs=NAMES), **FAST).fit(X, y)
    display = ContributionDisplay.from_estimator(net, X, row=5)
    np.testing.assert_allclose(display.prediction, net.predict(X.iloc[[5]])[0], rtol=1e-9)
    assert np.isfinite(display.units[0]).all()


def test_a_pipeline_and_rows_without_names():
    X, y = data()
    layers = [layer.without_names() for layer in from_edges(EDGES, inputs=NAMES)]
    net = SparseConnectedNet(layers, **FAST)
    model = make_pipeline(StandardScaler(), net).fit(X.to_numpy(), y)
    display = ContributionDisplay.from_estimator(model, X.to_numpy())
    np.testing.assert_allclose(display.prediction, model.predict(X.to_numpy()[:1])[0], rtol=1e-9)
    labels = [label.get_text() for label in display.axes_[0].get_yticklabels()]
    assert all(label.startswith("x") for label in labels)


def test_what_is_refused():
    net, X = fitted()
    with refuses("row must be a number", "60 rows", "Got 60"):
        ContributionDisplay.from_estimator(net, X, row=60)
    with refuses("output must be a number", "Got 1"):
        ContributionDisplay.from_estimator(net, X, output=1)
    with refuses("baseline must hold", "5 features", "Got shape (3,)"):
        ContributionDisplay.from_estimator(net, X, baseline=[1, 2, 3])
    with refuses("one row", "its own baseline", "baseline="):
        ContributionDisplay.from_estimator(net, X[:1])
    with refuses("max_inputs must be a whole number", "Got 0"):
        ContributionDisplay.from_estimator(net, X, max_inputs=0)
    with pytest.raises(TypeError, match=r"SparseConnectedNet.*Got LinearRegression"):
        ContributionDisplay.from_estimator(LinearRegression().fit(X, X["a"]), X)
    mixed, _ = fitted(activation="softmax")
    with refuses("each unit by itself", "Got 'softmax'", "tanh"):
        ContributionDisplay.from_estimator(mixed, X)
