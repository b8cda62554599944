"""Thresholds of rare labels are drawn towards the threshold that is best for all labels."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import f1_score

from skconstrain._thresholds._metrics import f_beta
from skconstrain._thresholds._search import tune_each


def problem(random_state=0):
    """Return a frequent, a less frequent and a rare label, with calibrated probabilities."""
    rng = np.random.default_rng(random_state)
    scores = rng.beta([3, 1, 0.2], [3, 3, 4], (300, 3))
    return rng.random(scores.shape) < scores, scores


def tuned(y, scores, **settings):
    return tune_each(y, scores, [f_beta()] * y.shape[1], **settings)


def test_nothing_is_drawn_without_strength():
    y, scores = problem()
    np.testing.assert_array_equal(tuned(y, scores, shrinkage=0), tuned(y, scores))


def test_a_large_strength_gives_all_labels_the_threshold_that_is_best_for_all():
    y, scores = problem()
    found = tuned(y, scores, shrinkage=1e12)
    np.testing.assert_allclose(found, found[0], rtol=1e-6)
    candidates = np.append(np.unique(scores), 0.5)
    best = max(f1_score(y, scores >= t, average="macro") for t in candidates)
    assert f1_score(y, scores >= found[0] - 1e-6, average="macro") >= 0.99 * best


@pytest.mark.parametrize("limits", [(0.0, 1.0), None])
def test_positives_weigh_the_own_threshold(limits):
    y, scores = problem()
    own, common = (tuned(y, scores, shrinkage=s, limits=limits) for s in (0, 1e12))
    of, back = (logit, expit) if limits else (np.array, np.array)
    n = y.sum(axis=0)
    expected = back((n * of(own) + 20 * of(common)) / (n + 20))
    np.testing.assert_allclose(tuned(y, scores, shrinkage=20, limits=limits), expected, rtol=1e-6)
    assert n[2] < n[1] < n[0]


def test_a_weight_of_two_equals_repeating_a_row():
    y, scores = problem()
    repeats = 1 + np.arange(300) % 3
    repeated = tuned(y.repeat(repeats, axis=0), scores.repeat(repeats, axis=0), shrinkage=20)
    weighted = tuned(y, scores, weight=repeats.astype(float), shrinkage=20)
    np.testing.assert_allclose(weighted, repeated)


def test_a_label_without_a_positive_keeps_the_default_and_a_single_one_its_own():
    y, scores = problem()
    y[:, 2] = False
    assert tuned(y, scores, shrinkage=20)[2] == 0.5
    assert tuned(y[:, :1], scores[:, :1], shrinkage=20) == tuned(y[:, :1], scores[:, :1])
