"""Rounds: experts on their own parts, scores of rows that they were not fitted on."""

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from skconstrain._gated._expert_rows import ExpertRows
from skconstrain._gated._rounds import Rounds


def rounds_of(X, y, owner):
    pairs = [(name, KNeighborsClassifier(1)) for name in "ab"]
    return Rounds(
        n_rounds=1,
        estimators=pairs,
        responses=["predict_proba"] * 2,
        classes=np.unique(y),
        cv=4,
        rows=ExpertRows(X, y, {}),
        n_jobs=None,
        verbose=0,
        owner=owner,
    )


def test_an_expert_is_fitted_on_its_own_rows():
    rng = np.random.default_rng(0)
    X, y, owner = rng.normal(size=(60, 2)), rng.integers(0, 3, 60), rng.integers(0, 2, 60)
    for number, expert in enumerate(rounds_of(X, y, owner).fit()):
        own = owner == number
        assert expert.name == "ab"[number]
        assert expert.estimator.n_samples_fit_ == own.sum()
        assert (expert.estimator.predict(X[own]) == y[own]).all()
    some = np.arange(40)
    fitted = rounds_of(X, y, owner).fit(some)
    assert [e.estimator.n_samples_fit_ for e in fitted] == np.bincount(owner[some]).tolist()


def test_scores_are_of_experts_that_did_not_see_the_row():
    rng = np.random.default_rng(0)
    X, y, owner = rng.normal(size=(200, 2)), rng.integers(0, 3, 200), rng.integers(0, 2, 200)
    rounds = rounds_of(X, y, owner)
    scores = rounds.scores(np.random.default_rng(1), "round")
    assert scores.shape == (200, 2, 3)
    # One neighbour is right about every row that it was fitted on; classes are drawn at random.
    right = scores[np.arange(200), owner].argmax(axis=1) == y
    assert right.mean() < 0.5
    np.testing.assert_array_equal(scores, rounds.scores(np.random.default_rng(1), "round"))
