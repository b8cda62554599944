"""An expert's scores stand in the columns of all classes, whatever classes and methods it has."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skconstrain import GatedEnsembleClassifier
from skconstrain._gated._expert import (
    RESPONSES,
    all_scores,
    choose_response,
    logits_of,
    make_expert,
    make_experts,
)
from skconstrain._gated._expert_fits import fit_experts, fit_parts, out_of_fold_scores
from skconstrain._gated._expert_list import check_experts, check_prefit
from skconstrain._gated._expert_params import params_of_experts

ALL = np.array(["ash", "birch", "cedar", "dogwood"])
SOME = [0, 2]  # positions of the classes that an expert knows


def blobs(positions=range(4)):
    """Rows around a centre for each class."""
    X, number = make_blobs(80, centers=[[0, 0], [0, 9], [9, 0], [9, 9]], random_state=0)
    used = np.isin(number, list(positions))
    return X[used], ALL[number[used]]


@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize("positions", [range(4), [0, 1, 3], SOME, [2]])
def test_the_best_column_is_the_class_that_the_expert_predicts(response, positions):
    X, y = blobs(positions)
    estimator = SVC() if response == "decision_function" else GaussianNB()
    if len(positions) == 1:
        estimator = DummyClassifier()
    expert = make_expert("some", estimator.fit(X, y), response, ALL, X)
    scores = expert.scores(X)
    assert scores.shape == (len(X), 4)
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(ALL[scores.argmax(axis=1)], estimator.predict(X))
    unknown = np.setdiff1d(range(4), positions)
    if len(unknown):
        assert (scores[:, unknown].max(axis=1) < scores.max(axis=1)).all()
    np.testing.assert_array_equal(expert.seen, np.isin(range(4), positions))


@pytest.mark.parametrize("kind", [GaussianNB, SVC, Perceptron])
def test_two_classes_have_one_column_of_the_second(kind):
    X, y = blobs(SOME)
    estimator = kind().fit(X, y)
    expert = make_expert("two", estimator, "auto", ALL[SOME], X)
    assert expert.scores(X).shape == (len(X), 1)
    np.testing.assert_array_equal(expert.scores(X)[:, 0] > 0, estimator.predict(X) == ALL[2])
    assert expert.seen.tolist() == [True]
    assert expert.is_calibrated == hasattr(estimator, "predict_proba")


def test_probabilities_of_zero_and_one_have_finite_logits():
    for probability in ([[0.0, 1.0], [0.25, 0.75]], [[0.0, 0.0, 1.0], [0.2, 0.3, 0.5]]):
        logits = logits_of(np.array(probability))
        assert np.isfinite(logits).all()
    np.testing.assert_allclose(logits[1], np.log([0.2, 0.3, 0.5]))


@pytest.mark.parametrize("kind", [LogisticRegression, GaussianNB, RidgeClassifier, SVC])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_far_rows_have_finite_scores_and_no_warning(kind, dtype):
    X, y = blobs()
    expert = make_expert("far", kind().fit(X.astype(dtype), y), "auto", ALL, X)
    far = np.array([[1, -1], [1, 1], [0, 1]], dtype) * np.finfo(dtype).max
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(expert.scores(far)).all()
    near = expert.scores(X.astype(dtype))
    np.testing.assert_array_equal(ALL[near.argmax(axis=1)], expert.estimator.predict(X))


def test_one_against_one_decisions_become_votes():
    X, y = blobs()
    estimator = SVC(decision_function_shape="ovo").fit(X, y)
    assert estimator.decision_function(X).shape[1] == 6
    assert make_expert("ovo", estimator, "decision_function", ALL, X).response == "predict"


def test_the_first_method_there_is_is_asked():
    assert choose_response("a", GaussianNB(), "auto") == "predict_proba"
    assert choose_response("a", SVC(), "auto") == "decision_function"
    assert choose_response("a", GaussianNB(), "predict") == "predict"
    with pytest.raises(ValueError, match="Got 'near', a KNeighborsClassifier without"):
        choose_response("near", KNeighborsClassifier(), "decision_function")


def test_an_unknown_class_is_refused():
    X, y = blobs()
    with pytest.raises(ValueError, match="'a' was fitted on the class birch, which is not in y"):
        make_expert("a", GaussianNB().fit(X, y), "auto", ALL[SOME], X)


def test_machines_that_are_computed_together_score_as_one_by_one():
    X, y = blobs()
    estimators = [
        SVC().fit(X, y),
        GaussianNB().fit(X, y),
        SVC(kernel="linear").fit(*blobs([0, 1])),
        make_pipeline(StandardScaler(), SVC()).fit(X, y),
    ]
    names = [f"expert {i}" for i in range(4)]
    experts = make_experts(names, estimators, ["auto"] * 4, ALL, X)
    assert [expert.name for expert in experts] == names
    found = all_scores(experts, X)
    assert found.shape == (len(X), 4, 4)
    for i, expert in enumerate(experts):
        np.testing.assert_allclose(found[:, i], expert.scores(X), rtol=1e-9, atol=1e-9)


def test_out_of_fold_scores_are_of_clones_that_did_not_see_the_row():
    X, y = blobs()
    y = np.random.default_rng(0).permutation(y)  # nothing to learn but the rows themselves
    near = make_expert("near", KNeighborsClassifier(1).fit(X, y), "auto", ALL, X)
    frozen = FrozenEstimator(near.estimator)
    same = make_expert("frozen", frozen, "auto", ALL, X)
    scores = out_of_fold_scores([near, same], X, y, {}, cv=KFold(4), n_jobs=None)
    right = ALL[scores.argmax(axis=2)] == y[:, None]
    assert right[:, 1].all()
    assert right[:, 0].mean() < 0.6


def test_parts_are_fitted_on_their_own_rows():
    X, y = blobs()
    pairs = [(name, GaussianNB()) for name in "abcd"]
    first, second = np.flatnonzero(np.isin(y, ALL[:2])), np.flatnonzero(y == ALL[3])
    parts = [first, second, np.array([], int), np.arange(len(y))]
    fitted = fit_parts(pairs, X, y, {}, parts, n_jobs=None)
    assert [expert.classes_.tolist() for expert in fitted[:2]] == [["ash", "birch"], ["dogwood"]]
    assert isinstance(fitted[1], DummyClassifier)
    np.testing.assert_array_equal(fitted[3].predict(X), GaussianNB().fit(X, y).predict(X))
    # No rows: the most frequent class of all; all are equally frequent here.
    assert isinstance(fitted[2], DummyClassifier)
    assert fitted[2].classes_[0] in ALL
    assert not hasattr(pairs[0][1], "classes_")  # clones are fitted


def test_weights_go_to_the_last_step_of_a_pipeline():
    X, y = blobs(SOME)
    weight = np.where(y == "ash", 50.0, 1.0)
    pair = [("a", make_pipeline(StandardScaler(), LogisticRegression(C=1e-4)))]
    params = params_of_experts(GatedEnsembleClassifier(pair), pair, weight, {})
    (weighted,) = fit_experts(pair, X, y, params, n_jobs=None)
    (plain,) = fit_experts(pair, X, y, {}, n_jobs=None)
    assert (weighted.predict_proba(X)[:, 0] > plain.predict_proba(X)[:, 0]).all()


def test_a_list_of_classifiers_under_unique_names_is_taken():
    check_experts([("a", SVC()), ("b", GaussianNB())], {"gating"})
    with pytest.raises(ValueError, match=r"not a parameter's\. Got 'gating'"):
        check_experts([("gating", SVC()), ("b", GaussianNB())], {"gating"})


def test_a_fitted_expert_of_the_same_features_is_taken():
    X, y = blobs()
    check_prefit("a", GaussianNB().fit(X, y), 2)
    with pytest.raises(ValueError, match="'a', a GaussianNB, is not"):
        check_prefit("a", GaussianNB(), 2)
    with pytest.raises(ValueError, match=r"'a' was fitted on 2 features\. Got X with 3"):
        check_prefit("a", GaussianNB().fit(X, y), 3)
