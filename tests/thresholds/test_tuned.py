"""TunedThresholdMultiLabelClassifierCV: one threshold per label, chosen out of fold."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    fbeta_score,
    get_scorer,
    hamming_loss,
    make_scorer,
    matthews_corrcoef,
)
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RepeatedKFold,
    cross_val_predict,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted

from skconstrain import TunedThresholdMultiLabelClassifierCV as Tuned
from skconstrain._thresholds._metrics import f_beta
from skconstrain._thresholds._search import tune_each


def imbalanced(n_samples=600, n_labels=5, random_state=0):
    """Labels with 5 to 25 positives in a hundred, hidden in noise."""
    rng = np.random.default_rng(random_state)
    X = rng.normal(size=(n_samples, 10))
    eta = X @ rng.normal(size=(10, n_labels)) / np.sqrt(10) + rng.normal(size=(n_samples, n_labels))
    share = np.linspace(0.05, 0.25, n_labels)
    return X, (eta > np.quantile(eta, 1 - share, axis=0).diagonal()).astype(int)


# What thresholds of labels are drawn by, nothing set.
DRAWN = {"shrinkage": 20.0}


def logistic(**params):
    return OneVsRestClassifier(LogisticRegression(**params))


class Counting(ClassifierMixin, BaseEstimator):
    """One feature per label is its probability; counts its fits and remembers its rows."""

    rows = []

    def fit(self, X, y, sample_weight=None):
        self.rows.append((X[:, 0].astype(int), sample_weight))
        self.seen_, self.n_labels_ = set(X[:, 0].astype(int)), np.shape(y)[1]
        return self

    def predict_proba(self, X):
        known = np.isin(X[:, 0].astype(int), list(self.seen_))[:, None]
        return np.where(known, 0.999, X[:, 1 : 1 + self.n_labels_])


@pytest.fixture
def fits():
    Counting.rows.clear()
    yield Counting.rows
    Counting.rows.clear()


def numbered(n_samples, n_labels, random_state=0):
    """X holds the number of the row, then a probability per label."""
    rng = np.random.default_rng(random_state)
    scores = rng.random((n_samples, n_labels))
    y = (rng.random((n_samples, n_labels)) < scores**3).astype(int)
    return np.column_stack([np.arange(n_samples), scores]), y


# --- what is fitted and on which scores ---------------------------------------------------------


def test_159_labels_cost_cv_plus_one_fits(fits):
    X, y = numbered(400, 159)
    tuned = Tuned(Counting(), cv=4, random_state=0).fit(X, y)
    assert len(fits) == 5
    assert sorted(len(rows) for rows, _ in fits)[-1] == 400
    assert tuned.thresholds_.shape == (159,)
    assert tuned.cv_thresholds_.shape == (4, 159)


def test_only_scores_of_unseen_rows_are_used(fits):
    """Counting says 0.999 for every row it has seen: one of them would show in the thresholds."""
    X, y = numbered(300, 4)
    tuned = Tuned(Counting(), random_state=0).fit(X, y)
    expected = tune_each(y > 0, X[:, 1:], [f_beta()] * 4, **DRAWN)
    np.testing.assert_array_equal(tuned.thresholds_, expected)
    held_out = [np.setdiff1d(np.arange(300), rows) for rows, _ in fits[:5]]
    np.testing.assert_array_equal(np.sort(np.concatenate(held_out)), np.arange(300))


def test_best_score_and_thresholds_are_those_of_cross_val_predict():
    X, y = imbalanced()
    folds = KFold(3)
    tuned = Tuned(logistic(), cv=folds).fit(X, y)
    scores = cross_val_predict(logistic(), X, y, cv=folds, method="predict_proba")
    expected = tune_each(y > 0, scores, [f_beta()] * 5, **DRAWN)
    np.testing.assert_allclose(tuned.thresholds_, expected)
    predicted = scores >= tuned.thresholds_
    assert tuned.best_score_ == pytest.approx(f1_score(y, predicted, average="macro"))
    for fold, (_, test) in zip(tuned.cv_thresholds_, folds.split(X), strict=True):
        expected = tune_each(y[test] > 0, scores[test], [f_beta()] * 5, **DRAWN)
        np.testing.assert_allclose(fold, expected)


def test_better_than_one_half_on_rare_labels():
    X, y = imbalanced(3000)
    train, test = slice(0, 1500), slice(1500, None)
    untuned = logistic().fit(X[train], y[train])
    tuned = Tuned(logistic(), random_state=0).fit(X[train], y[train])
    at_half, at_tuned = (
        f1_score(y[test], m.predict(X[test]), average="macro") for m in (untuned, tuned)
    )
    assert at_tuned > at_half + 0.05


def test_positives_of_a_rare_label_lie_in_different_folds(fits):
    X, y = numbered(200, 3)
    y[:, 2] = 0
    y[:5, 2] = 1
    tuned = Tuned(Counting(), random_state=0).fit(X, y)
    held_out = [np.setdiff1d(np.arange(200), rows) for rows, _ in fits[:5]]
    assert [y[rows, 2].sum() for rows in held_out] == [1] * 5
    assert np.isfinite(tuned.cv_thresholds_).all()


def test_a_label_with_a_single_positive_keeps_the_default(fits):
    """While it is held out nothing is left to learn the label from."""
    X, y = numbered(200, 3)
    y[:, 1] = 0
    y[17, 1] = 1
    for params in ({}, {"scoring": "f1_micro"}):
        with pytest.warns(UserWarning, match="1 of 3 labels have no positive that is held out"):
            tuned = Tuned(Counting(), random_state=0, **params).fit(X, y)
        assert tuned.thresholds_[1] == 0.5
        assert np.isnan(tuned.cv_thresholds_[:, 1]).all()


# --- classifiers of every kind ------------------------------------------------------------------

KINDS = {
    "one vs rest": OneVsRestClassifier(LogisticRegression()),
    "one vs rest, decision": OneVsRestClassifier(LinearSVC()),
    "multi output": MultiOutputClassifier(LogisticRegression()),
    "chain": ClassifierChain(LogisticRegression(), random_state=0),
    "forest": RandomForestClassifier(10, random_state=0),
    "tree": DecisionTreeClassifier(max_depth=4, random_state=0),
    "neighbours": KNeighborsClassifier(9),
    "ridge": RidgeClassifier(),
    "network": MLPClassifier((5,), max_iter=20, random_state=0),
    "pipeline": make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:divide by zero encountered in log")  # of a leaf without a label
def test_any_classifier_of_several_labels(kind):
    X, y = make_multilabel_classification(150, n_classes=3, random_state=0)
    inner = KINDS[kind]
    tuned = Tuned(inner, cv=2, random_state=0).fit(X, y)
    method = "predict_proba" if hasattr(inner, "predict_proba") else "decision_function"
    scores = getattr(tuned, method)(X)
    assert scores.shape == y.shape
    assert tuned.predict(X).dtype == y.dtype
    np.testing.assert_array_equal(tuned.predict(X), (scores >= tuned.thresholds_).astype(int))
    for name in ("predict_proba", "predict_log_proba", "decision_function"):
        assert hasattr(tuned, name) == hasattr(inner, name)
        if hasattr(tuned, name):
            assert getattr(tuned, name)(X).shape == y.shape
    if method == "predict_proba":
        assert ((tuned.thresholds_ >= 0) & (tuned.thresholds_ <= 1)).all()
    assert tuned.n_features_in_ == X.shape[1]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(tuned)).predict(X), tuned.predict(X))
    check_is_fitted(tuned)


def test_probabilities_of_a_list_are_those_of_the_positive_class():
    X, y = make_multilabel_classification(100, n_classes=3, random_state=0)
    forest = RandomForestClassifier(10, random_state=0)
    tuned = Tuned(forest, cv=2, random_state=0).fit(X, y)
    expected = np.column_stack([p[:, 1] for p in forest.fit(X, y).predict_proba(X)])
    np.testing.assert_array_equal(tuned.predict_proba(X), expected)
    assert tuned.classes_.tolist() == [0, 1, 2]
    assert get_scorer("roc_auc")(tuned, X, y) > 0.9


def test_response_method_is_obeyed():
    X, y = imbalanced(300)
    tuned = Tuned(logistic(), response_method="decision_function", random_state=0).fit(X, y)
    scores = tuned.decision_function(X)
    np.testing.assert_array_equal(tuned.predict(X), scores >= tuned.thresholds_)
    assert (tuned.thresholds_ < 0).any()  # no probabilities


# --- targets ------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Label not 1 is present")
def test_data_frames_keep_names():
    X, y = imbalanced(300, 3)
    X, y = pd.DataFrame(X).add_prefix("x"), pd.DataFrame(y, columns=["red", "green", "blue"])
    tuned = Tuned(logistic(), random_state=0).fit(X, y)
    assert tuned.label_names_.tolist() == ["red", "green", "blue"]
    assert tuned.feature_names_in_.tolist() == X.columns.tolist()
    with pytest.warns(UserWarning, match=r"1 of 3 labels have no positive .*: 'green'"):
        tuned.fit(X, y.assign(green=0))
    assert tuned.thresholds_[1] == 0.5
    assert np.isnan(tuned.cv_thresholds_[:, 1]).all()
    assert np.isfinite(tuned.best_score_)


def test_sparse_y_in_sparse_y_out():
    X, y = imbalanced(300, 3)
    tuned = Tuned(logistic(), random_state=0)
    dense = tuned.fit(X, y).predict(X)
    found = tuned.fit(X, sparse.csr_matrix(y)).predict(X)
    assert sparse.issparse(found)
    np.testing.assert_array_equal(found.toarray(), dense)


def test_rows_without_a_label_and_a_target_without_any():
    X, y = imbalanced(300, 3)
    assert (y.sum(axis=1) == 0).any()
    with pytest.warns(UserWarning, match="3 of 3 labels have no positive"):
        tuned = Tuned(KNeighborsClassifier(), random_state=0).fit(X, np.zeros_like(y))
    assert tuned.thresholds_.tolist() == [0.5] * 3
    assert not tuned.predict(X).any()


def test_a_binary_target_is_one_label():
    X, y = make_classification(400, weights=[0.9], flip_y=0.05, random_state=0)
    y = np.array(["no", "yes"])[y]
    tuned = Tuned(LogisticRegression(), scoring="f1", cv=KFold(4)).fit(X, y)
    scores = cross_val_predict(LogisticRegression(), X, y, cv=KFold(4), method="predict_proba")
    expected = tune_each((y == "yes")[:, None], scores[:, [1]], [f_beta()])
    np.testing.assert_allclose(tuned.thresholds_, expected)
    assert tuned.cv_thresholds_.shape == (4, 1)
    assert tuned.predict_proba(X).shape == (400, 2)
    assert set(tuned.predict(X)) == {"no", "yes"}
    macro = Tuned(LogisticRegression(), cv=KFold(4)).fit(X, y)
    assert macro.thresholds_ == tuned.thresholds_


def test_a_multiclass_target_has_the_largest_probability(fits):
    X, y = make_classification(300, n_classes=3, n_informative=6, random_state=0)
    tuned = Tuned(LogisticRegression()).fit(X, y)
    plain = LogisticRegression().fit(X, y)
    np.testing.assert_array_equal(tuned.predict(X), plain.predict(X))
    assert tuned.thresholds_ is tuned.cv_thresholds_ is tuned.best_score_ is None


# --- scoring ------------------------------------------------------------------------------------

COSTS = np.array([[[0, 1], [9, 0]], [[0, 9], [1, 0]], [[0, 1], [1, 0]]])


def counted(scoring, **params):
    """Thresholds and score of fixed out-of-fold probabilities, by prefit."""
    X, y = numbered(400, 3)
    model = Counting()
    model.seen_, model.n_labels_ = set(), 3
    tuned = Tuned(model, scoring=scoring, cv="prefit", **params).fit(X, y)
    return tuned, y, X[:, 1:]


@pytest.mark.parametrize(
    "name",
    [
        f"{m}_{a}"
        for m in ("f1", "jaccard", "precision", "recall")
        for a in ("macro", "weighted", "micro", "samples")
    ]
    + ["accuracy"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_best_score_is_what_scikit_learn_computes_and_beats_one_half(name):
    tuned, y, scores = counted(name)
    score = get_scorer(name)._score_func, get_scorer(name)._kwargs
    reached, at_half = (
        score[0](y, (scores >= t).astype(int), **score[1]) for t in (tuned.thresholds_, 0.5)
    )
    assert tuned.best_score_ == pytest.approx(reached)
    assert reached >= at_half


def test_averages_of_counts_are_recognised_however_they_are_given():
    by_name = counted("f1_micro")[0].thresholds_
    scorer = make_scorer(f1_score, average="micro", zero_division=0)
    np.testing.assert_array_equal(counted(scorer)[0].thresholds_, by_name)
    f2, y, scores = counted(make_scorer(fbeta_score, beta=2, average="macro"))
    expected = tune_each(y > 0, scores, [f_beta(2)] * 3, **DRAWN)
    np.testing.assert_array_equal(f2.thresholds_, expected)


def test_a_scorer_that_is_not_known_by_ascent():
    tuned, y, scores = counted(make_scorer(hamming_loss, greater_is_better=False), max_cut_offs=50)
    assert tuned.best_score_ == pytest.approx(-hamming_loss(y, scores >= tuned.thresholds_))
    assert tuned.best_score_ > -hamming_loss(y, scores >= 0.5)


def test_costs_per_label_are_minimised():
    tuned, y, scores = counted("cost", cost_matrix=COSTS)
    assert tuned.thresholds_[0] < tuned.thresholds_[2] < tuned.thresholds_[1]

    def cost(thresholds):
        predicted = (scores >= thresholds).astype(int)
        return np.mean([c[t, p].mean() for c, t, p in zip(COSTS, y.T, predicted.T, strict=True)])

    assert tuned.best_score_ == pytest.approx(-cost(tuned.thresholds_))
    assert cost(tuned.thresholds_) <= min(cost(t) for t in np.linspace(0, 1, 50))


def test_balanced_accuracy_and_the_fall_back():
    tuned, y, scores = counted("balanced_accuracy")
    mean = [
        balanced_accuracy_score(t, p)
        for t, p in zip(y.T, (scores >= tuned.thresholds_).T, strict=True)
    ]
    assert tuned.best_score_ == pytest.approx(np.mean(mean))
    fallen = counted("f1_macro", fbr=0.99)[0]
    np.testing.assert_array_equal(fallen.thresholds_, scores.max(axis=0))


# --- cv, refit, weights, routing ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("cv", "n_splits"),
    [(None, 5), (3, 3), (0.25, 1), (KFold(4), 4), (RepeatedKFold(n_splits=2, n_repeats=2), 4),
     (list(KFold(2).split(np.zeros((300, 1)))), 2)],
)  # fmt: skip
def test_kinds_of_cv(fits, cv, n_splits):
    X, y = numbered(300, 3)
    tuned = Tuned(Counting(), cv=cv, random_state=0).fit(X, y)
    assert tuned.cv_thresholds_.shape == (n_splits, 3)
    assert len(fits) == n_splits + 1


def test_refit_false_keeps_the_classifier_of_the_single_split(fits):
    X, y = numbered(300, 3)
    tuned = Tuned(Counting(), cv=0.2, refit=False, random_state=0).fit(X, y)
    assert len(fits) == 1
    assert len(tuned.estimator_.seen_) == pytest.approx(240, abs=3)


def test_random_state_decides_and_jobs_do_not():
    X, y = imbalanced(300, 3)
    one, two = (Tuned(KNeighborsClassifier(), n_jobs=n, random_state=3).fit(X, y) for n in (1, 2))
    np.testing.assert_array_equal(one.cv_thresholds_, two.cv_thresholds_)
    np.testing.assert_array_equal(one.thresholds_, two.thresholds_)


def test_prefit_uses_the_given_classifier():
    X, y = imbalanced(600, 3)
    inner = logistic().fit(X[:300], y[:300])
    tuned = Tuned(inner, cv="prefit").fit(X[300:], y[300:])
    assert tuned.estimator_ is inner
    expected = tune_each(y[300:] > 0, inner.predict_proba(X[300:]), [f_beta()] * 3, **DRAWN)
    np.testing.assert_array_equal(tuned.thresholds_, expected)
    frozen = Tuned(FrozenEstimator(inner), random_state=0).fit(X[300:], y[300:])
    np.testing.assert_allclose(frozen.thresholds_, expected)


def test_a_weight_of_zero_removes_a_row_from_the_search(fits):
    X, y = numbered(200, 3)
    weight = (np.arange(200) % 3 > 0).astype(float)
    folds = KFold(2)
    weighted = Tuned(Counting(), cv=folds).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(fits[0][1], weight[fits[0][0]])
    kept = weight > 0
    expected = tune_each(y[kept] > 0, X[kept, 1:], [f_beta()] * 3, **DRAWN)
    np.testing.assert_array_equal(weighted.thresholds_, expected)


def test_routing_hands_metadata_to_fits_search_and_folds(fits):
    X, y = numbered(200, 3)
    weight, groups = 1.0 + (np.arange(200) % 2), np.arange(200) // 20
    with config_context(enable_metadata_routing=True):
        inner = Counting().set_fit_request(sample_weight=True)
        tuned = Tuned(inner, cv=GroupKFold(2)).fit(X, y, sample_weight=weight, groups=groups)
        for rows, given in fits:
            np.testing.assert_array_equal(given, weight[rows])
        assert not set(groups[fits[0][0]]) & set(groups[fits[1][0]])
        expected = tune_each(y > 0, X[:, 1:], [f_beta()] * 3, weight=weight, **DRAWN)
        np.testing.assert_array_equal(tuned.thresholds_, expected)
        fits.clear()
        only_search = Tuned(clone(inner).set_fit_request(sample_weight=False), cv=2, random_state=0)
        only_search.fit(X, y, sample_weight=weight)
        assert all(given is None for _, given in fits)
        np.testing.assert_array_equal(only_search.thresholds_, expected)
        fits.clear()
        scorer = get_scorer("f1_macro").set_score_request(sample_weight=True)
        search = GridSearchCV(
            Tuned(inner, cv=2, random_state=0), {"fbr": [None]}, cv=2, scoring=scorer
        )
        search.fit(X, y, sample_weight=weight)
        assert len(fits) == 9
        for rows, given in fits:
            np.testing.assert_array_equal(given, weight[rows])


def test_inside_a_grid_search_over_the_classifier():
    X, y = imbalanced(300, 3)
    tuned = Tuned(logistic(), cv=2, random_state=0)
    search = GridSearchCV(tuned, {"estimator__estimator__C": [0.01, 1.0]}, cv=2, scoring="f1_macro")
    search.fit(X, y)
    assert search.best_estimator_.thresholds_.shape == (3,)


# --- wrong use ----------------------------------------------------------------------------------

PROBA = {"response_method": "predict_proba"}
REFUSED = {
    "one label only": ({"estimator": LogisticRegression()}, "Logistic.* takes one. Use OneVsRest"),
    "binary-only name": ({"scoring": "f1"}, "one number for 3 labels. Got 'f1'.*'f1_macro'"),
    "binary-only function": ({"scoring": make_scorer(matthews_corrcoef)}, "number for 3 labels"),
    "no average": ({"scoring": make_scorer(f1_score, average=None)}, "array of shape"),
    "scores, not labels": ({"scoring": "roc_auc"}, "must compare predicted labels"),
    "plain function": ({"scoring": lambda estimator, X, y: 0.0}, "make_scorer"),
    "cost without matrix": ({"scoring": "cost"}, "belong together"),
    "matrix without cost": ({"cost_matrix": np.eye(2)}, "belong together"),
    "two matrices": ({"scoring": "cost", "cost_matrix": [np.eye(2)] * 2}, r"shape \(3, 2, 2\)"),
    "fbr of micro": ({"scoring": "f1_micro", "fbr": 0.1}, "macro- or weighted"),
    "refit": ({"refit": False}, "single split. Got 5"),
    "unfitted": ({"cv": "prefit"}, "needs a fitted estimator. Got an unfitted OneVsRest"),
    "no method": ({"estimator": RidgeClassifier(), **PROBA}, "must have predict_proba"),
    "fbr": ({"fbr": 1.5}, "fbr"),
    "cv": ({"cv": "none"}, "cv"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_settings_are_refused_in_a_sentence(case):
    params, message = REFUSED[case]
    X, y = imbalanced(100, 3)
    tuned = Tuned(**{"estimator": logistic(), "random_state": 0, **params})
    with pytest.raises((ValueError, AttributeError), match=message):
        tuned.fit(X, y)
    if case == "unfitted":
        with pytest.raises(NotFittedError):
            tuned.fit(X, y)


def test_settings_are_refused_before_anything_is_fitted(fits):
    X, y = numbered(50, 3)
    with pytest.raises(ValueError, match="one number for 3 labels"):
        Tuned(Counting(), scoring="matthews_corrcoef").fit(X, y)
    assert not fits


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (
            np.tile([[0, 1, 2], [2, 1, 0]], (50, 1)),
            "0 and 1, one column a label.* Got 2 at row 0",
        ),
        (
            np.tile([[1, 2, 2], [2, 1, 1]], (50, 1)),
            "0 and 1, one column a label.* Got 2 at row 0",
        ),
        (np.zeros(100), "at least two classes. Got one class"),
        (np.linspace(0, 1, 100), "Unknown label type"),
    ],
)
def test_wrong_targets_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        Tuned(logistic()).fit(imbalanced(100)[0], y)


def test_labels_that_differ_from_those_of_fit():
    X, y = imbalanced(200, 3)
    tuned = Tuned(logistic(), random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"the 3 labels seen in fit. Got shape \(200, 2\)"):
        tuned.score(X, y[:, :2])
    with pytest.raises(ValueError, match=r"scores for the 2 labels of y. OneVsRest.* gives 3"):
        Tuned(logistic().fit(X, y), cv="prefit").fit(X, y[:, :2])
    tuned.thresholds_ = tuned.thresholds_[:2]
    with pytest.raises(ValueError, match=r"one threshold per label, 3. Got 2"):
        tuned.predict(X)
    binary = LogisticRegression().fit(X, y[:, 0])
    with pytest.raises(ValueError, match=r"classes that estimator was fitted with, \[0 1\]"):
        Tuned(binary, cv="prefit").fit(X, np.where(y[:, 0], "a", "b"))


def test_weights_that_cannot_be_used():
    X, y = imbalanced(100, 3)
    with pytest.raises(ValueError, match="enable_metadata_routing=True"):
        Tuned(logistic()).fit(X, y, sample_weight=np.ones(100))
    with pytest.raises(ValueError, match=r"positive for some row|at least one non-zero"):
        Tuned(KNeighborsClassifier().fit(X, y), cv="prefit").fit(X, y, sample_weight=np.zeros(100))

    def unweighted(y_true, y_pred):
        return np.mean(y_true == y_pred)

    tuned = Tuned(KNeighborsClassifier().fit(X, y), cv="prefit", scoring=make_scorer(unweighted))
    with pytest.raises(ValueError, match="must take sample_weight"):
        tuned.fit(X, y, sample_weight=np.ones(100))


def test_scores_that_are_no_numbers_are_refused(fits):
    X, y = numbered(100, 2)
    X[7, 1] = np.nan
    with pytest.raises(ValueError, match="scores must be finite"):
        Tuned(Counting(), random_state=0).fit(X, y)


# --- scikit-learn -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "inner", [RidgeClassifier(), LogisticRegression(C=100)], ids=["ridge", "logistic"]
)
def test_check_estimator(inner):
    """Ridge runs the checks of several labels, logistic regression those of probabilities.

    For a binary target scikit-learn checks that `predict` is the larger of two probabilities; no
    tuned threshold promises that, and TunedThresholdClassifierCV(LogisticRegression()) fails it. On
    the data of that check these two have their best threshold where it makes no difference.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(Tuned(inner))


def test_importing_costs_no_tensorflow():
    code = "import sys, skconstrain; skconstrain.TunedThresholdMultiLabelClassifierCV; "
    code += "print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
