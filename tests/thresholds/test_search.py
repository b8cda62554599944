"""The search for thresholds, against brute force over all cut-offs."""

import itertools
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import balanced_accuracy_score, f1_score, fbeta_score, jaccard_score

from skconstrain._thresholds._averages import Called, Pooled, RowMean
from skconstrain._thresholds._line import Decisions
from skconstrain._thresholds._metrics import (
    all_right,
    any_wrong,
    balanced_accuracy,
    f_beta,
    hamming,
    jaccard,
    negative_cost,
)
from skconstrain._thresholds._outcomes import count_outcomes
from skconstrain._thresholds._ranking import Ranking
from skconstrain._thresholds._scoring import Scoring
from skconstrain._thresholds._search import ascend, tune_each, tune_together

COST = np.array([[0.0, 1.0], [5.0, -2.0]])
quiet = partial(f1_score, zero_division=0.0)


def mean_cost(y_true, y_pred, sample_weight=None):
    return -np.average(COST[y_true.astype(int), y_pred.astype(int)], weights=sample_weight)


METRICS = {
    "f1": (f_beta(), quiet),
    "f2": (f_beta(2.0), partial(fbeta_score, beta=2.0, zero_division=0.0)),
    "jaccard": (jaccard(), partial(jaccard_score, zero_division=0.0)),
    "balanced_accuracy": (balanced_accuracy(), balanced_accuracy_score),
    "cost": (negative_cost(COST), mean_cost),
}
every_metric = pytest.mark.parametrize("name", METRICS)

# Few different scores: ties, and the ends 0 and 1, are the rule.
COARSE = st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.5000000001, 0.75, 0.9, 1.0])
FINE = st.floats(0, 1, allow_subnormal=False)


@st.composite
def problems(draw, max_labels=3, max_samples=9, with_weights=True):
    n_samples, n_labels = draw(st.integers(1, max_samples)), draw(st.integers(1, max_labels))
    scores = draw(
        arrays(float, (n_samples, n_labels), elements=draw(st.sampled_from([COARSE, FINE])))
    )
    y = draw(arrays(bool, (n_samples, n_labels)))
    weights = arrays(float, n_samples, elements=st.sampled_from([1.0, 2.0, 0.3, 7.0]))
    return y, scores, draw(weights) if with_weights and draw(st.booleans()) else None


def cut_offs(score):
    """Every threshold in [0, 1] that predicts something else, found without sorting anything."""
    several = {0.0, 1.0, 0.5, *score, *np.nextafter(score, 2)}
    return [threshold for threshold in several if threshold <= 1]


@every_metric
@settings(max_examples=60, deadline=None)
@given(problem=problems())
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.filterwarnings("ignore:A single label was found")
def test_each_label_gets_its_best_cut_off(name, problem):
    metric, reference = METRICS[name]
    y, scores, weight = problem
    found = tune_each(y, scores, [metric] * y.shape[1], weight=weight)
    for true, score, threshold in zip(y.T, scores.T, found, strict=True):
        assert 0 <= threshold <= 1
        if not true.any():
            assert threshold == 0.5
            continue

        def value(t, true=true, score=score):
            return reference(true, score >= t, sample_weight=weight)

        values = {t: value(t) for t in cut_offs(score)}
        assert value(threshold) == pytest.approx(max(values.values()), abs=1e-9)
        if values[0.5] == max(values.values()):
            assert threshold == 0.5  # the default is never left without a gain


@settings(max_examples=50, deadline=None)
@given(problem=problems(max_labels=1))
def test_ties_go_to_the_threshold_nearest_to_the_default(problem):
    y, scores, weight = problem
    if not y.any():
        return
    ranking = Ranking.of(scores[:, 0])
    weight = np.ones(len(y)) if weight is None else weight
    values = f_beta()(*ranking.counts(y[:, 0], weight))
    best = ranking.thresholds()[np.isclose(values, values.max(), rtol=1e-12, atol=0)]
    found = tune_each(y, scores, [f_beta()], weight=weight)[0]
    assert abs(found - 0.5) == np.abs(best - 0.5).min()


@settings(max_examples=50, deadline=None)
@given(problem=problems(with_weights=False), repeats=arrays(int, 9, elements=st.integers(1, 3)))
def test_a_weight_is_a_repetition(problem, repeats):
    y, scores, _ = problem
    repeats, metrics = repeats[: len(y)], [f_beta()] * y.shape[1]
    repeated = tune_each(y.repeat(repeats, axis=0), scores.repeat(repeats, axis=0), metrics)
    weighted = tune_each(y, scores, metrics, weight=repeats.astype(float))
    np.testing.assert_array_equal(weighted, repeated)


@settings(max_examples=50, deadline=None)
@given(score=arrays(float, st.integers(1, 9), elements=st.one_of(COARSE, FINE)))
def test_thresholds_of_cut_offs_predict_what_the_cut_off_says(score):
    ranking = Ranking.of(score)
    for cut, threshold in enumerate(ranking.thresholds()):
        np.testing.assert_array_equal(ranking.predicted(cut), score >= threshold)
        assert ranking.cut_at(threshold) == cut


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300, 1e17])
def test_scores_without_limits_have_finite_thresholds(scale):
    score = np.array([-1.0, 0.5, 2.0, 2.0]) * scale
    thresholds = Ranking.of(score, limits=None).thresholds(default=0.0)
    assert np.isfinite(thresholds).all()
    assert {int((score >= t).sum()) for t in thresholds} == {0, 2, 3, 4}


def test_threshold_is_midway_and_the_default_is_kept_where_it_is_as_good():
    y = np.array([[False], [False], [True], [True]])
    assert tune_each(y, np.array([[0.1], [0.2], [0.3], [0.4]]), [f_beta()]) == [0.25]
    assert tune_each(y, np.array([[0.1], [0.2], [0.9], [0.95]]), [f_beta()]) == [0.5]


def test_fall_back_of_fan_and_lin_is_the_highest_score():
    rng = np.random.default_rng(0)
    y = rng.random((200, 2)) < [0.02, 0.5]
    scores = rng.random((200, 2)) * 0.5
    scores[:, 1] = 0.3 * scores[:, 1] + 0.5 * y[:, 1]
    plain, fallen = (tune_each(y, scores, [f_beta()] * 2, fbr=fbr) for fbr in (None, 0.6))
    assert fallen[0] == scores[:, 0].max() != plain[0]
    assert fallen[1] == plain[1]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), rate=st.floats(0.05, 0.6))
def test_best_f1_threshold_of_calibrated_scores_is_half_the_best_f1(seed, rate):
    """Lipton, Elkan and Naryanaswamy (2014), Theorem 1, without sampling noise.

    Every score stands for two rows, a positive with the score as weight and a negative with the
    rest, so that the scores are calibrated exactly.
    """
    score = np.random.default_rng(seed).beta(rate * 3, (1 - rate) * 3, 4000).clip(1e-6, 1 - 1e-6)
    y = np.repeat([[True], [False]], len(score), axis=0)
    both, weight = np.tile(score, 2)[:, None], np.concatenate([score, 1 - score])
    threshold = tune_each(y, both, [f_beta()], weight=weight)[0]
    best = float(f_beta()(*count_outcomes(y, both >= threshold, weight))[0])
    below, above = score[score < threshold].max(initial=0), score[score >= threshold].min()
    assert below - 1e-9 <= best / 2 <= above + 1e-9


def averaged(average):
    def score(y, predicted, weight):
        if y.shape[1] == 1:  # scikit-learn would read one column as a binary target
            y, predicted = np.hstack([y, y]), np.hstack([predicted, predicted])
        return quiet(y, predicted, average=average, sample_weight=weight)

    return score


def subset_accuracy(y, predicted, weight):
    return np.average((y == predicted).all(axis=1), weights=weight)


def hamming_score(y, predicted, weight):
    return -np.average((y != predicted).mean(axis=1), weights=weight)


AVERAGES = {
    "micro": (Pooled(f_beta()), averaged("micro")),
    "samples": (RowMean(f_beta()), averaged("samples")),
    "subset accuracy": (RowMean(all_right()), subset_accuracy),
    "zero-one": (RowMean(any_wrong()), lambda y, p, weight: subset_accuracy(y, p, weight) - 1),
    "hamming": (RowMean(hamming()), hamming_score),
}
SETTINGS = {"labels": None, "default": 0.5, "limits": (0.0, 1.0)}


@pytest.mark.parametrize("name", AVERAGES)
@settings(max_examples=60, deadline=None)
@given(problem=problems())
def test_scores_along_a_label_are_what_scikit_learn_computes(name, problem):
    average, reference = AVERAGES[name]
    y, scores, weight = problem
    start = np.zeros(y.shape[1])
    decisions = Decisions(y, scores, weight, start, least=0, limits=(0.0, 1.0))
    line = decisions.line(0)
    decisions.move(line, line.ranking.thresholds()[-1])
    for label in range(y.shape[1]):
        line = decisions.line(label)
        for cut, value in enumerate(average.along(line, slice(None))):
            expected = scores >= decisions.thresholds
            expected[:, label] = line.ranking.predicted(cut)
            np.testing.assert_array_equal(line.predictions(cut), expected)
            assert value == pytest.approx(reference(y, expected, weight), abs=1e-9)
    predicted = scores >= decisions.thresholds
    value = average.value(decisions.outcomes)
    assert value == pytest.approx(reference(y, predicted, weight), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(problem=problems())
def test_ascent_never_gets_worse_than_its_starts(problem):
    y, scores, weight = problem
    cases = {**AVERAGES, "function": (Called(subset_accuracy), subset_accuracy)}
    starts = [
        np.full(y.shape[1], 0.5),
        tune_each(y, scores, [f_beta()] * y.shape[1], weight=weight),
    ]
    for average, reference in cases.values():
        scoring = Scoring(average, limit=100 if isinstance(average, Called) else None)
        found = tune_together(scoring, y, scores, weight=weight, **SETTINGS)
        reached = reference(y, scores >= found, weight)
        assert reached >= max(reference(y, scores >= t, weight) for t in starts) - 1e-9
        assert ((found >= 0) & (found <= 1)).all()


@settings(max_examples=60, deadline=None)
@given(problem=problems(max_labels=2, max_samples=7))
def test_micro_f1_by_ascent_is_the_best_of_all_combinations(problem):
    y, scores, weight = problem
    average, reference = AVERAGES["micro"]
    thresholds = tune_together(Scoring(average), y, scores, weight=weight, **SETTINGS)
    found = reference(y, scores >= thresholds, weight)
    # A label without a positive keeps 0.5.
    choices = [cut_offs(s) if t.any() else [0.5] for s, t in zip(scores.T, y.T, strict=True)]
    best = max(reference(y, scores >= np.array(t), weight) for t in itertools.product(*choices))
    assert found == pytest.approx(best, abs=1e-9)


def test_every_step_of_the_ascent_is_up():
    rng = np.random.default_rng(0)
    y = rng.random((300, 8)) < 0.2
    scores = np.clip(rng.normal(0.3 + 0.2 * y, 0.15), 0, 1)
    scoring = Scoring(RowMean(f_beta()))
    decisions = Decisions(y, scores, None, np.full(8, 0.5), least=0, limits=(0.0, 1.0))
    values, move = [scoring.value(decisions.outcomes)], decisions.move

    def observed(line, threshold):
        move(line, threshold)
        values.append(scoring.value(decisions.outcomes))

    decisions.move = observed
    assert ascend(scoring, decisions, range(8), 0.5) == values[-1]
    assert (np.diff(values) >= -1e-12).all()
    assert values[-1] > values[0]


@settings(max_examples=50, deadline=None)
@given(problem=problems(max_labels=1, max_samples=30))
def test_thinned_cut_offs_keep_the_best_of_a_metric_that_rewards_right_predictions(problem):
    y, scores, _ = problem
    ranking = Ranking.of(scores[:, 0])
    # So many can have a positive above and a negative below, and two are ends.
    kept = ranking.candidates(y[:, 0], at_most=2 + min(y.sum(), (~y).sum()))
    for metric in (f_beta(), jaccard(), negative_cost(np.array([[0, 1], [1, 0]]))):
        values = metric(*ranking.counts(y[:, 0], np.ones(len(y))))
        assert values[kept].max() == pytest.approx(values.max())


def test_thinning_keeps_to_its_number():
    rng = np.random.default_rng(0)
    ranking = Ranking.of(rng.random(1000))
    assert len(ranking.candidates(rng.random(1000) < 0.5, at_most=20)) == 20
