"""Thresholds of labels of which every row has a least number."""

import numpy as np
import pytest
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import (
    f1_score,
    get_scorer,
    hamming_loss,
    make_scorer,
    precision_score,
    zero_one_loss,
)
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain import MultiLabelNetClassifier, TunedThresholdMultiLabelClassifierCV
from skconstrain._formulas._decisions import decide
from skconstrain._thresholds._averages import Called
from skconstrain._thresholds._line import Decisions, Line
from skconstrain._thresholds._outcomes import Outcomes
from skconstrain._thresholds._scoring import Scoring, resolve_scoring

hamming = make_scorer(hamming_loss, greater_is_better=False)
zero_one = make_scorer(zero_one_loss, greater_is_better=False)
SCORINGS = [
    "cost",
    "accuracy",
    hamming,
    "recall_weighted",
    "f1_macro",
    "jaccard_weighted",
    "precision_micro",
    "f1_samples",
    "balanced_accuracy",
    make_scorer(f1_score, average="macro", pos_label=1, labels=[0, 2]),
]


def some_scores(n_rows=60, n_labels=4, seed=0):
    rng = np.random.default_rng(seed)
    score = rng.uniform(size=(n_rows, n_labels))
    y = rng.uniform(size=score.shape) < 0.2 + 0.6 * score
    return y, score, rng.uniform(0.5, 2, n_rows)


def resolved(scoring, max_cut_offs=1000):
    costs = np.random.default_rng(1).uniform(0, 2, (4, 2, 2)) if scoring == "cost" else None
    return resolve_scoring(scoring, cost_matrix=costs, n_labels=4, max_cut_offs=max_cut_offs)


@pytest.mark.parametrize("least", [0, 1, 2, 3])
@pytest.mark.parametrize("scoring", SCORINGS, ids=str)
def test_every_cut_off_has_the_score_of_its_predictions(scoring, least):
    y, score, weight = some_scores()
    scoring = resolved(scoring)
    thresholds = np.array([0.9, 0.6, 0.8, 0.7])
    decisions = Decisions(y, score, weight, thresholds, least=least, limits=(0.0, 1.0))
    for label in range(4):
        line = decisions.line(label)
        found, expected = scoring.along(line), []
        for cut, threshold in enumerate(line.ranking.thresholds()):
            moved = thresholds.copy()
            moved[label] = threshold
            predicted = decide(score, moved, least)
            np.testing.assert_array_equal(line.predictions(cut), predicted)
            expected.append(scoring.score(y, predicted, weight))
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("scoring", SCORINGS, ids=str)
def test_the_score_of_rows_with_a_least_number_is_raised(scoring):
    y, score, weight = some_scores(200)
    scoring = resolved(scoring)
    options = {"default": 0.5, "limits": (0.0, 1.0)}

    def reached(thresholds):
        return scoring.score(y, decide(score, thresholds, 2), weight)

    freely = scoring.tune(y, score, weight, **options)
    honouring = scoring.tune(y, score, weight, **options, least=2)
    assert reached(honouring) >= max(reached(freely), reached(np.full(4, 0.5)))
    # No other threshold of a single label is better.
    for label in range(4):
        for threshold in np.linspace(0, 1, 101):
            moved = honouring.copy()
            moved[label] = threshold
            assert reached(moved) <= reached(honouring) + 1e-9
    # All labels of every row: there is nothing to choose.
    assert scoring.tune(y, score, weight, **options, least=4).shape == (4,)


@pytest.mark.parametrize("least", [0, 1, 2, 4])
def test_counts_follow_thresholds_that_move(least):
    rng = np.random.default_rng(least)
    for _ in range(20):
        score = rng.uniform(size=(30, 5)).round(1)  # margins are equal often
        y, weight = rng.uniform(size=score.shape) < score, rng.uniform(0.5, 2, 30)
        decisions = Decisions(y, score, weight, np.full(5, 0.5), least=least, limits=(0.0, 1.0))
        for _ in range(20):
            line = decisions.line(int(rng.integers(5)))
            decisions.move(line, round(rng.uniform(), 1))
            predicted = decide(score, decisions.thresholds, least)
            found, expected = decisions.outcomes, Outcomes(y, predicted, weight)
            for name in ("predicted", "n_true", "n_hits", "n_predicted"):
                np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
            np.testing.assert_allclose(found.by_label, expected.by_label, atol=1e-12)
            np.testing.assert_array_equal(found.by_label == 0, expected.by_label == 0)


@pytest.mark.parametrize("least", [0, 1, 2])
@pytest.mark.parametrize("max_cut_offs", [7, 1000])
@pytest.mark.parametrize("scoring", ["accuracy", zero_one, hamming], ids=str)
def test_counted_scores_choose_what_calls_of_their_function_choose(
    scoring, max_cut_offs, least, monkeypatch
):
    scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    options = {"default": 0.5, "limits": (0.0, 1.0), "least": least}

    def function(y_true, y_pred, weight):
        return scorer._sign * scorer._score_func(y_true, y_pred, sample_weight=weight)

    by_calls = Scoring(Called(function), limit=max_cut_offs)
    problems = [some_scores(n_rows, seed=n_rows) for n_rows in (12, 60, 100)]
    expected = [by_calls.tune(*problem, **options) for problem in problems]

    def refuse(line, cut):
        raise AssertionError("Scores that are counts need no predictions of a cut-off.")

    monkeypatch.setattr(Line, "predictions", refuse)
    for problem, thresholds in zip(problems, expected, strict=True):
        found = resolved(scoring, max_cut_offs).tune(*problem, **options)
        np.testing.assert_array_equal(found, thresholds)


NET = {"hidden_layer_sizes": (), "epochs": 15, "learning_rate": 0.05, "tol": None}


def wrapped(kind, least):
    net = MultiLabelNetClassifier(min_labels=least, random_state=0, **NET)
    if kind == "search":
        return GridSearchCV(net, {"alpha": [1e-4]}, cv=2)
    return make_pipeline(StandardScaler(), net) if kind == "pipeline" else net


@pytest.mark.parametrize(("least", "scoring"), [(1, "precision_macro"), (3, "f1_macro")])
@pytest.mark.parametrize("kind", ["plain", "pipeline", "search"])
def test_the_tuner_honours_the_least_number_of_labels(kind, least, scoring):
    X, y = make_multilabel_classification(400, 10, n_classes=6, n_labels=1, random_state=0)
    X, X_new, y, _ = train_test_split(X, y, random_state=0)
    # One split: the scores that thresholds are chosen on are those of the classifier that is kept.
    settings = {"scoring": scoring, "cv": [(range(200), range(200, 300))], "refit": False}
    tuned = TunedThresholdMultiLabelClassifierCV(wrapped(kind, least), **settings).fit(X, y)
    for rows in (X, X_new, 1e3 * X_new):
        assert tuned.predict(rows).sum(axis=1).min() >= least
        assert tuned.estimator_.predict(rows).sum(axis=1).min() >= least
    metric = precision_score if "precision" in scoring else f1_score
    held_out, y_held_out = X[200:300], y[200:300]
    options = {"average": "macro", "zero_division": 0}
    found = metric(y_held_out, tuned.predict(held_out), **options)
    assert tuned.best_score_ == pytest.approx(found)
    # Better than thresholds that were chosen for predictions without a least number.
    free = TunedThresholdMultiLabelClassifierCV(wrapped(kind, 0), **settings).fit(X, y)
    probability = tuned.predict_proba(held_out)
    np.testing.assert_allclose(free.predict_proba(held_out), probability, rtol=1e-6)
    assert found >= metric(y_held_out, decide(probability, free.thresholds_, least), **options)


@pytest.mark.parametrize("scoring", ["f1_macro", "f1_micro", "accuracy"])
@pytest.mark.parametrize("least", [0, 2])
def test_the_scores_of_all_cut_offs_are_kept_if_asked_for(scoring, least):
    X, y = make_multilabel_classification(300, 10, n_classes=4, n_labels=1, random_state=0)
    net = MultiLabelNetClassifier(min_labels=least, random_state=0, **NET).fit(X, y)
    settings = {"scoring": scoring, "cv": "prefit", "max_cut_offs": 20, "shrinkage": 0}
    tuner = TunedThresholdMultiLabelClassifierCV(net, **settings, store_cv_results=True)
    tuned = tuner.fit(X, y)
    assert set(tuned.cv_results_) == {"thresholds", "scores"}
    scorer, best = get_scorer(scoring), tuned.thresholds_
    for label in range(4):
        thresholds, scores = (tuned.cv_results_[key][label] for key in ("thresholds", "scores"))
        assert (np.diff(thresholds) > 0).all()
        assert len(thresholds) == len(scores) <= (20 if scoring == "accuracy" else len(X) + 1)
        assert len(thresholds) > 10
        assert scores.max() <= tuned.best_score_ + 1e-9
        for i in range(0, len(thresholds), 7):
            tuned.thresholds_ = best.copy()
            tuned.thresholds_[label] = thresholds[i]
            assert scorer(tuned, X, y) == pytest.approx(scores[i])
        tuned.thresholds_ = best
    assert not hasattr(tuner.set_params(store_cv_results=False).fit(X, y), "cv_results_")
    classes = y[:, 0] + y[:, 1]
    tuner = tuner.set_params(estimator=net.fit(X, classes), store_cv_results=True)
    assert tuner.fit(X, classes).cv_results_ is None
