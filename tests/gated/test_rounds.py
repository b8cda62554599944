"""Rounds: experts on their own parts, scores of rows that they were not fitted on."""

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from skconstrain._gated._expert_rows import ExpertRows
from skconstrain._gated._rounds import Parts


def parts_of(X, y):
    pairs = [(name, KNeighborsClassifier(1)) for name in "ab"]
    classes = np.unique(y)
    return Parts(pairs, ["predict_proba"] * 2, classes, 4, ExpertRows(X, y, {}), None, 0)


def test_an_expert_is_fitted_on_its_own_rows():
    rng = np.random.default_rng(0)
    X, y, owner = rng.normal(size=(60, 2)), rng.integers(0, 3, 60), rng.integers(0, 2, 60)
    for number, expert in enumerate(parts_of(X, y).fit(owner)):
        own = owner == number
        assert expert.name == "ab"[number]
        assert expert.estimator.n_samples_fit_ == own.sum()
        assert (expert.estimator.predict(X[own]) == y[own]).all()
    some = np.arange(40)
    fitted = parts_of(X, y).fit(owner, some)
    assert [e.estimator.n_samples_fit_ for e in fitted] == np.bincount(owner[some]).tolist()


def test_scores_are_of_experts_that_did_not_see_the_row():
    rng = np.random.default_rng(0)
    X, y, owner = rng.normal(size=(200, 2)), rng.integers(0, 3, 200), rng.integers(0, 2, 200)
    parts = parts_of(X, y)
    scores = parts.scores(owner, np.random.default_rng(1), "round")
    assert scores.shape == (200, 2, 3)
    # One neighbour is right about every row that it was fitted on; classes are drawn at random.
    right = scores[np.arange(200), owner].argmax(axis=1) == y
    assert right.mean() < 0.5
    np.testing.assert_array_equal(scores, parts.scores(owner, np.random.default_rng(1), "round"))
