"""monotonic_cst: how it is given, what it refuses, and that training and copies keep it."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain import MultiLabelNetClassifier, PositiveRegressor, QuantileNetRegressor
from skconstrain._engine import precision
from skconstrain._formulas._signs import kernel_bounds
from skconstrain.layers import Standardize
from tests.monotone import CST, n_broken, pairs
from tests.refusals import refuses
from tests.registry import positive_regression, two_classes

FAST = {"hidden_layer_sizes": (8,), "epochs": 5, "random_state": 0, "n_networks": 1}
REGRESSOR = PositiveRegressor(**FAST)
CLASSIFIER = MultiLabelNetClassifier(**FAST)
QUANTILES = QuantileNetRegressor(**FAST)
EACH = pytest.mark.parametrize(
    ("net", "data"),
    [
        (REGRESSOR, positive_regression),
        (CLASSIFIER, two_classes),
        (QUANTILES, positive_regression),
    ],
)


def with_(net, **params):
    return clone(net).set_params(**{"monotonic_cst": CST, **params})


def assert_signs(net):
    """Every stored kernel has the signs that its layer needs."""
    for layer in net._fitted.network.layers:
        low, high = kernel_bounds(layer.monotonic_cst, layer.n_free, layer.units)
        kernel = net._fitted.weights[f"{layer.name}/kernel"]
        assert ((low <= kernel) & (kernel <= high)).all()


@EACH
def test_a_dict_goes_by_the_names_of_the_features(net, data):
    X, y = data()
    frame = pd.DataFrame(X, columns=list("abcde"))
    by_name = with_(net, monotonic_cst={"a": 1, "b": -1, "e": 1}).fit(frame, y)
    np.testing.assert_array_equal(by_name.predict(frame), with_(net).fit(frame, y).predict(frame))


@EACH
@pytest.mark.parametrize("nothing", [[0] * 5, {}])
def test_no_sign_is_the_ordinary_network(net, data, nothing):
    X, y = data()
    X = pd.DataFrame(X, columns=list("abcde"))
    ordinary = clone(net).fit(X, y)
    same = with_(net, monotonic_cst=nothing).fit(X, y)
    np.testing.assert_array_equal(ordinary.predict(X), same.predict(X))


@pytest.mark.parametrize(
    "given", [[1, 2, 0, 0, 0], [1, 0], {"a": 3}, {"z": 1}, {"a": 1, "y": 0, "z": 1}]
)
def test_errors_are_those_of_boosting(given):
    X, y = positive_regression()
    X = pd.DataFrame(X, columns=list("abcde"))
    with pytest.raises(ValueError, match="monotonic") as theirs:
        HistGradientBoostingRegressor(monotonic_cst=given).fit(X, y)
    with pytest.raises(ValueError, match="monotonic") as ours:
        with_(REGRESSOR, monotonic_cst=given).fit(X, y)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([[1]] * 5, ["monotonic_cst", "shape (5,)", "shape (5, 1)"]),
        ([None] * 5, ["-1, 0 or 1", "None"]),
    ],
)
def test_what_boosting_does_not_refuse_in_words(given, said):
    with refuses(*said):
        with_(REGRESSOR, monotonic_cst=given).fit(*positive_regression())


def test_a_dict_needs_names():
    with refuses("PositiveRegressor", "feature names", "integer array"):
        with_(REGRESSOR, monotonic_cst={"a": 1}).fit(*positive_regression())


@pytest.mark.parametrize("given", [3, "up", 1.5])
@EACH
def test_other_types_are_refused(net, data, given):
    with refuses("monotonic_cst", repr(given)):
        with_(net, monotonic_cst=given).fit(*data())


def test_several_classes_are_refused_as_by_boosting():
    X, _ = two_classes()
    y = np.arange(len(X)) % 3
    with pytest.raises(ValueError, match="monotonic") as theirs:
        HistGradientBoostingClassifier(monotonic_cst=CST).fit(X, y)
    with pytest.raises(ValueError, match="monotonic") as ours:
        with_(CLASSIFIER).fit(X, y)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"output": "square"}, ["output='square'", "falls", "'softplus'"]),
        ({"output": "abs"}, ["output='abs'", "falls", "'softplus'"]),
        ({"output": "softabs"}, ["output='softabs'", "falls", "'softplus'"]),
        ({"kernel_constraint": "non_neg"}, ["kernel_constraint='non_neg'", "None"]),
        ({"standardize": False}, ["standardize=True", "Got standardize=False"]),
        ({"activation": np.sin}, ["activation", "name", "sin", "'relu'"]),
        ({"activation": "glu"}, ["activation", "name", "'glu'", "'relu'"]),
    ],
)
def test_what_contradicts_it_is_refused(params, said):
    with refuses(*said):
        with_(REGRESSOR, **params).fit(*positive_regression())


@pytest.mark.parametrize(("sizes", "optimizer"), [((), "sgd"), ((1,), "lion"), ((8, 6), "adam")])
@EACH
def test_signs_are_kept_whatever_trains(net, data, sizes, optimizer):
    X, y = data()
    params = {"alpha": 1.0, "dropout": 0.3, "optimizer": optimizer, "learning_rate": 0.05}
    net = with_(net, hidden_layer_sizes=sizes, **params).fit(X, y)
    assert_signs(net)
    assert_signs(net.partial_fit(X, y))
    before, after = pairs(np.random.default_rng(0), 2000, "float64", X)
    copy = pickle.loads(pickle.dumps(net))
    assert n_broken(net.predict(before), copy.predict(after)) == 0


def test_all_features_may_have_signs_whatever_the_activation_of_free_units():
    X, y = positive_regression()
    before, after = pairs(np.random.default_rng(0), 2000, "float64", X, [1] * 5)
    net = with_(REGRESSOR, monotonic_cst=[1] * 5, activation="softmax").fit(X, y)
    assert n_broken(net.predict(before), net.predict(after)) == 0


@EACH
def test_searches_and_pipelines_choose_it(net, data):
    X, y = data()
    grid = {"net__monotonic_cst": [None, CST, [0, 0, 0, 0, -1]]}
    pipeline = Pipeline([("scale", StandardScaler()), ("net", clone(net))])
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@EACH
def test_training_goes_on_with_the_same_signs_only(net, data):
    X, y = data()
    net = with_(net, warm_start=True).fit(X, y)
    with refuses("monotonic_cst must stay (1, -1, 0, 0, 1)", "Got (1, 0, 0, 0, 0)"):
        net.set_params(monotonic_cst=[1, 0, 0, 0, 0]).fit(X, y)
    with refuses("monotonic_cst must stay (1, -1, 0, 0, 1)", "Got None"):
        net.set_params(monotonic_cst=None).fit(X, y)


def test_standardised_features_keep_their_order_where_the_plain_form_does_not():
    """Why Standardize has `monotone`: with rounding errors, neighbours change places."""
    X = np.full((200_000, 1), 2.5)
    X += np.spacing(2.5) * np.arange(len(X))[:, None]
    with precision():
        plain, kept = (
            np.diff(np.asarray(Standardize(monotone=flag, dtype="float64")(X))[:, 0])
            for flag in (False, True)
        )
    assert (plain < 0).any()
    assert (kept >= 0).all()
