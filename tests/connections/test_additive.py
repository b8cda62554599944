"""Sums of parts: which inputs reach which part, and that others do not interact."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_friedman1
from sklearn.linear_model import LinearRegression

from skconstrain import SparseConnectedNet, SparseConnectedNetClassifier
from skconstrain.connections import additive
from tests.plain import PLAIN
from tests.refusals import refuses


def reached(layers):
    """Return for each part the inputs that have a path to it, and how many paths."""
    paths = np.linalg.multi_dot([np.eye(layers[0].shape[0]), *(m.toarray() for m in layers)])
    return [tuple(np.flatnonzero(column)) for column in paths.T], paths


groups_of_five = st.lists(st.sets(st.integers(0, 4), min_size=1), max_size=4)


@settings(max_examples=60, deadline=None)
@given(groups=groups_of_five, sizes=st.lists(st.integers(1, 4), max_size=3))
def test_a_part_is_reached_by_the_inputs_of_its_group_alone(groups, sizes):
    layers = additive(5, groups, units_per_part=sizes)
    parts, paths = reached(layers)
    rest = set(range(5)).difference(*groups)
    expected = [tuple(sorted(group)) for group in [*groups, *([rest] if rest else [])]]
    assert parts == list(dict.fromkeys(expected))
    assert set(paths.ravel()) <= {0, np.prod(sizes)}
    assert layers[-1].unit_names == tuple(" & ".join(f"x{i}" for i in part) for part in parts)


def test_names_of_inputs_may_be_given_and_name_the_parts():
    layers = additive(["age", "bmi", "bp"], [["bp", "age"], [1]])
    assert layers[-1].unit_names == ("age & bp", "bmi")
    assert reached(layers)[0] == [(0, 2), (1,)]
    assert additive(["age", "bmi", "bp"], [{0, 2}, {"bmi"}])[0] == layers[0]


def test_no_interactions_and_pairwise_are_all_single_inputs_and_all_pairs():
    assert reached(additive(4))[0] == [(0,), (1,), (2,), (3,)]
    assert reached(additive(4, "pairwise"))[0] == list(combinations(range(4), 2))
    assert reached(additive(1, "pairwise"))[0] == [(0,)]


def mixed_differences(predict, X, i, j, rng):
    """Return how much the effect of feature i depends on feature j, for each row."""
    other = rng.permutation(X)
    changed = [X.copy() for _ in range(4)]
    changed[1][:, i] = changed[3][:, i] = other[:, i]
    changed[2][:, j] = changed[3][:, j] = other[:, j]
    one, with_i, with_j, both = map(predict, changed)
    return both - with_i - with_j + one


@pytest.mark.parametrize("kernel", ["dense", "sparse"])
def test_inputs_of_no_common_group_do_not_interact_and_others_do(kernel):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = X[:, 0] * X[:, 1] + X[:, 2] ** 2
    labels = (y > np.median(y)).astype(int)
    settings = PLAIN | {"activation": ["tanh", "tanh", "linear"], "kernel": kernel}
    settings |= {"epochs": 20, "learning_rate": 0.01, "random_state": 0}
    layers = additive(3, [[0, 1]])
    regressor = SparseConnectedNet(layers, **settings).fit(X, y)
    classifier = SparseConnectedNetClassifier(layers, **settings).fit(X, labels)
    for predict in (regressor.predict, classifier.decision_function):
        scale = np.ptp(predict(X))
        assert abs(mixed_differences(predict, X, 0, 1, rng)).max() > 0.01 * scale
        assert abs(mixed_differences(predict, X, 0, 2, rng)).max() < 1e-12 * scale
        assert abs(mixed_differences(predict, X, 1, 2, rng)).max() < 1e-12 * scale


def test_curves_learn_what_lines_do_not():
    X, y = make_friedman1(700, n_features=5, noise=0.1, random_state=0)
    y = y - 10 * np.sin(np.pi * X[:, 0] * X[:, 1])  # what is left is additive
    layers = additive(5)
    net = SparseConnectedNet(layers, activation=["tanh", "tanh", "linear"], random_state=0)
    lines = LinearRegression().fit(X[:500], y[:500]).score(X[500:], y[500:])
    curves = net.fit(X[:500], y[:500]).score(X[500:], y[500:])
    assert 1 - curves < 0.2 * (1 - lines)
    parts = net.activations(X)
    constant = net.predict(X) - parts @ net.coefs_[-1].ravel()
    assert np.ptp(constant) < 1e-9 * np.ptp(y)


@pytest.mark.parametrize(
    ("interaction_cst", "sentence"),
    [
        ("all", ["'no_interactions', 'pairwise' or a sequence", "'all'"]),
        (3, ["a sequence of groups", "Got 3"]),
        ([0, 1], ["Group 0 must be a sequence", "Got 0"]),
        (["ab"], ["Group 0 must be a sequence", "'ab'"]),
        ([[0], [0, 9]], ["0 to 2", "Got 9 in group 1"]),
        ([["z"]], ["names the input 'z'", "names like 'a'"]),
        ([[0, True]], ["names the input True"]),
        ([[0, [1]]], ["names the input [1]"]),
        ([[]], ["must have an input"]),
    ],
)
def test_groups_that_do_not_fit_are_refused(interaction_cst, sentence):
    with refuses(*sentence):
        additive(["a", "b", "c"], interaction_cst)


@pytest.mark.parametrize("units", [4, "16", [0], [2.5]])
def test_units_that_are_no_positive_integers_are_refused(units):
    with refuses("units_per_part"):
        additive(3, units_per_part=units)
