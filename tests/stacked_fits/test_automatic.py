"""Folds and experts that train together give what ordinary fits give."""

import threading
import time
import warnings

import joblib
import numpy as np
import pytest
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skconstrain import TunedThresholdMultiLabelClassifierCV
from skconstrain._stacked_fits import _automatic
from skconstrain.model_selection import BatchedGridSearchCV
from tests.plain import (
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    SparseConnectedNetClassifier,
)
from tests.stacked_fits.test_barrier import in_time

FAST = {"epochs": 8, "batch_size": 16, "tol": None, "random_state": 0}


@pytest.fixture
def barriers(monkeypatch):
    """All barriers that are made; few fits are enough for one."""
    monkeypatch.setattr(_automatic, "FEWEST_FITS", 2)
    made, make = [], _automatic.Barrier

    def making(*args, **kwargs):
        made.append(make(*args, **kwargs))
        return made[-1]

    monkeypatch.setattr(_automatic, "Barrier", making)
    return made


@pytest.fixture
def alone(monkeypatch):
    """Return what a function returns while nothing trains together."""

    def calling(function):
        with monkeypatch.context() as patch:
            patch.setattr(_automatic, "trains_in_stacks", lambda estimator: False)
            return function()

    return calling


def multilabel():
    return make_multilabel_classification(70, 5, n_classes=3, random_state=0)


def classes(n_classes=2):
    settings = {"n_informative": 4, "n_classes": n_classes, "random_state": 0}
    return make_classification(90, 6, **settings)


def net(hidden=(6,), **settings):
    return MultiLabelNetClassifier(hidden, **{**FAST, **settings})


def tuned(estimator, **settings):
    return TunedThresholdMultiLabelClassifierCV(estimator, cv=3, random_state=0, **settings)


TUNED = {
    "net": net(),
    "pipeline": make_pipeline(StandardScaler(), net()),
    "early stopping": net(early_stopping=True, epochs=40, n_iter_no_change=2, tol=0.01),
    "dropout": net(dropout=0.3),
}


@pytest.mark.parametrize("name", TUNED)
def test_thresholds_are_those_of_ordinary_fits(name, barriers, alone):
    X, y = multilabel()
    expected = alone(lambda: tuned(TUNED[name]).fit(X, y))
    assert not barriers
    found = tuned(TUNED[name]).fit(X, y)
    assert len(barriers) == 1
    np.testing.assert_allclose(found.thresholds_, expected.thresholds_, rtol=1e-6)
    np.testing.assert_allclose(found.cv_thresholds_, expected.cv_thresholds_, rtol=1e-6)
    np.testing.assert_allclose(found.best_score_, expected.best_score_, rtol=1e-6)
    np.testing.assert_allclose(found.predict_proba(X), expected.predict_proba(X), rtol=1e-6)
    if name == "net":
        assert barriers[0].stack_sizes == [3]  # the folds; all rows are padded to another shape


def test_a_single_label_and_weights(barriers, alone):
    X, y = classes()
    weight = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    expected = alone(lambda: tuned(net()).fit(X, y, sample_weight=weight))
    found = tuned(net()).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(found.thresholds_, expected.thresholds_, rtol=1e-6)
    assert sum(barriers[0].stack_sizes) >= 2


EXPERTS = {
    "nets": [("narrow", net((4,))), ("same", net((4,), random_state=1)), ("wide", net((6,)))],
    "pipelines": [
        ("scaled", make_pipeline(StandardScaler(), net((4,)))),
        ("same", make_pipeline(StandardScaler(), net((4,), alpha=0.1))),
    ],
    "mixed": [("net", net((4,))), ("svc", SVC()), ("other", net((4,), random_state=1))],
    "wired": [
        ("one", SparseConnectedNetClassifier(hidden_layer_sizes=(4,), **FAST)),
        ("two", SparseConnectedNetClassifier(hidden_layer_sizes=(4,), **{**FAST, "alpha": 0.1})),
    ],
}


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n_rounds", [0, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", EXPERTS)
def test_experts_are_those_of_ordinary_fits(name, n_rounds, n_classes, barriers, alone):
    X, y = classes(n_classes)
    gated = {"cv": 3, "n_rounds": n_rounds, "gate_hidden_layer_sizes": (4,), **FAST}
    expected = alone(lambda: GatedEnsembleClassifier(EXPERTS[name], **gated).fit(X, y))
    assert not barriers
    found = GatedEnsembleClassifier(EXPERTS[name], **gated).fit(X, y)
    np.testing.assert_allclose(found.predict_proba(X), expected.predict_proba(X), rtol=1e-6)
    np.testing.assert_allclose(found.loss_curve_, expected.loss_curve_, rtol=1e-6)
    assert barriers
    if n_rounds == 0:  # parts of rounds may be padded to different shapes
        n_nets = sum(_automatic.trains_in_stacks(expert) for _, expert in EXPERTS[name])
        # The folds of all networks at one barrier.
        assert sum(barriers[-1].stack_sizes) == 3 * n_nets


def test_a_failing_expert_is_named(barriers):
    X, y = classes()
    experts = [("good", net()), ("bad", net(learning_rate=1e30, optimizer="sgd"))]
    with pytest.raises(ValueError, match="Expert 'bad' failed to fit"):
        in_time_or_raise(lambda: GatedEnsembleClassifier(experts, cv=3, **FAST).fit(X, y))


def in_time_or_raise(task):
    def catching():
        try:
            return task(), None
        except Exception as error:
            return None, error

    result, error = in_time(catching)
    if error is not None:
        raise error
    return result


@pytest.mark.parametrize("scaled", [False, True])
def test_a_search_over_tuned_networks(scaled, barriers, alone):
    X, y = multilabel()
    inner = make_pipeline(StandardScaler(), net()) if scaled else net()
    rate = "multilabelnetclassifier__learning_rate" if scaled else "learning_rate"
    grid = {f"estimator__{rate}": [0.001, 0.01, 0.03]}
    search = BatchedGridSearchCV(tuned(inner), grid, cv=2, scoring="f1_macro")
    expected = alone(lambda: BatchedGridSearchCV(**search.get_params(deep=False)).fit(X, y))
    in_time(lambda: search.fit(X, y), seconds=120)
    for name in ("mean_test_score", "split0_test_score", "split1_test_score"):
        np.testing.assert_allclose(search.cv_results_[name], expected.cv_results_[name], rtol=1e-6)
    thresholds = [found.best_estimator_.thresholds_ for found in (search, expected)]
    np.testing.assert_allclose(*thresholds, rtol=1e-6)
    # Fits of all candidates and folds train together: three folds and a whole, of three shapes.
    assert sum(search.stack_sizes_) == 2 * 3 * 4
    assert len(search.stack_sizes_) <= 3
    assert len(barriers) == 1  # the refit has its own


def test_a_search_over_gates_over_networks():
    X, y = classes()
    gate = GatedEnsembleClassifier(EXPERTS["nets"], cv=3, gate_hidden_layer_sizes=(4,), **FAST)
    grid = {"narrow__alpha": [1e-4, 0.1], "load_balance": [0.0, 0.1]}
    search = BatchedGridSearchCV(gate, grid, cv=2)
    in_time(lambda: search.fit(X, y), seconds=120)
    assert sum(search.stack_sizes_) >= 8 * (3 + 9)  # each gate fits 3 experts, and 9 out of fold
    by_hand = gate.set_params(**search.best_params_).fit(X, y)
    np.testing.assert_allclose(search.predict_proba(X), by_hand.predict_proba(X), rtol=1e-6)


def test_a_failing_candidate_does_not_hold_up_the_others():
    X, y = multilabel()
    grid = {"estimator__learning_rate": [0.001, 1e30, 0.01]}
    estimator = tuned(net(optimizer="sgd", loss="log_loss", activation="identity"))
    search = BatchedGridSearchCV(estimator, grid, cv=2, scoring="f1_macro")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        in_time(lambda: search.fit(X, y), seconds=120)
    assert np.isfinite(search.cv_results_["mean_test_score"][[0, 2]]).all()


OTHERS = {
    "another package": (MultiOutputClassifier(LogisticRegression()), {}),
    "jobs": (net(), {"n_jobs": 2}),
    "prints": (net(verbose=2), {}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_where_nothing_is_gained_nothing_trains_together(name, barriers):
    X, y = multilabel()
    estimator, settings = OTHERS[name]
    with joblib.parallel_config(backend="threading"):
        tuned(estimator, **settings).fit(X, y)
    assert not barriers


def test_few_fits_do_not_train_together(barriers, monkeypatch):
    X, y = multilabel()
    monkeypatch.setattr(_automatic, "FEWEST_FITS", 5)
    tuned(net()).fit(X, y)
    assert not barriers
    tuned(net()).set_params(cv=4).fit(X, y)
    assert len(barriers) == 1


def test_large_data_do_not_train_together(barriers, monkeypatch):
    X, y = multilabel()
    monkeypatch.setattr(_automatic, "MAX_STACK_BYTES", X.nbytes)
    tuned(net()).fit(X, y)
    assert not barriers


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_the_backend_of_the_user_stays(n_jobs, barriers):
    X, y = multilabel()
    with joblib.parallel_config(backend="threading", n_jobs=2):
        before = joblib.parallel.get_active_backend()
        tuned(net(), n_jobs=n_jobs).fit(X, y)
        assert joblib.parallel.get_active_backend() == before
    assert not barriers


def test_nothing_is_left_behind(barriers):
    X, y = multilabel()
    filters, threads = list(warnings.filters), threading.active_count()
    tuned(net()).fit(X, y)
    assert warnings.filters == filters
    for _ in range(100):  # the threads of a pool end a little later
        if threading.active_count() > threads:
            time.sleep(0.05)
    assert threading.active_count() <= threads
    assert joblib.effective_n_jobs(None) == 1


def test_stacks_repeat_to_the_last_bit(barriers):
    X, y = multilabel()
    first, second = (tuned(net()).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(first.thresholds_, second.thresholds_)
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
