"""What every estimator of the package promises; one row each in the registry.

`@every` is a promise that a class can break, `@template` one that no class has a part in.
"""

import copy
import io
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import warnings

import joblib
import keras
import numpy as np
import pandas as pd
import psutil
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_score,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import skconstrain
from skconstrain import _engine, losses
from tests import backends
from tests.refusals import refuses
from tests.registry import GATE, POSITIVE, ROWS, TEMPLATE

CLASSIFIERS = [row for row in ROWS if row.kind == "classifier"]
REGRESSORS = [row for row in ROWS if row.kind == "regressor" and row.takes_a_column]
# `check_estimator` fits one column; what takes several has tests of its own.
CHECKED = [row for row in ROWS if row.takes_a_column and not row.variant]

every = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
template = pytest.mark.parametrize("row", TEMPLATE, ids=lambda row: row.name)
every_regressor = pytest.mark.parametrize("row", REGRESSORS, ids=lambda row: row.name)
every_classifier = pytest.mark.parametrize("row", CLASSIFIERS, ids=lambda row: row.name)


def fitted_state(estimator):
    """Everything `fit` sets that pickles keep, to be compared to the last bit."""
    # These are as long as the training data, and documented not to be kept.
    left_out = {*_params(estimator), "oof_prediction_", "_oof_folds"}
    return joblib.hash({k: value for k, value in vars(estimator).items() if k not in left_out})


def _params(estimator):
    return set(estimator.get_params(deep=False))


@pytest.mark.slow
@pytest.mark.parametrize("row", CHECKED, ids=lambda row: row.name)
def test_check_estimator_with_default_arguments(row):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(row.estimator())


@every
def test_feature_names_are_kept_and_checked(row):
    X, y = row.data(0)
    frame = pd.DataFrame(X, columns=list("abcde"))
    estimator = row.make().fit(frame, y)
    assert list(estimator.feature_names_in_) == list("abcde")
    with pytest.raises(ValueError, match="feature names"):
        estimator.predict(frame[list("edcba")])


@every
def test_misspelt_and_mistyped_parameters_are_refused(row):
    X, y = row.data(0)
    with pytest.raises(TypeError, match="learning_rat"):
        row.estimator(learning_rat=0.1)
    with pytest.raises(ValueError, match="epochs"):
        row.make(epochs=0).fit(X, y)
    with pytest.raises(ValueError, match="activation='rleu' is not known"):
        row.make(activation="rleu").fit(X, y)
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        row.make(hidden_layer_sizes=(8, -1)).fit(X, y)
    with pytest.raises(ValueError, match="optimizer"):
        row.make(optimizer="adm").fit(X, y)


@template
@pytest.mark.parametrize(
    "trip",
    [
        lambda estimator: pickle.loads(pickle.dumps(estimator)),
        copy.deepcopy,
        lambda estimator: _through_joblib(estimator),
    ],
    ids=["pickle", "deepcopy", "joblib"],
)
def test_round_trips_are_equal_to_the_last_bit(row, trip):
    X, y = row.data(0)
    estimator = row.make().fit(X, y)
    twin = trip(estimator)
    np.testing.assert_array_equal(twin.predict(X), estimator.predict(X))
    assert fitted_state(twin) == fitted_state(estimator)
    np.testing.assert_array_equal(twin.fit(X, y).predict(X), estimator.predict(X))


def _through_joblib(estimator):
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


@template
def test_pickles_are_as_small_as_the_weights(row):
    X, y = row.data(0)
    estimator = row.make(hidden_layer_sizes=(200, 200)).fit(X, y)
    estimator.model_.predict(X, verbose=0)
    n_bytes = sum(array.nbytes for array in estimator._fitted.weights.values())
    assert len(pickle.dumps(estimator)) < n_bytes + 20_000


@every
def test_fit_leaves_parameters_and_arrays_alone(row):
    X, y = row.data(0)
    weight = np.linspace(0, 2, len(X))
    X_before, y_before, weight_before = X.copy(), np.copy(y), weight.copy()
    estimator = row.make()
    before = joblib.hash(estimator.get_params())
    estimator.fit(X, y, sample_weight=weight).predict(X)
    assert joblib.hash(estimator.get_params()) == before
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(y, y_before)
    np.testing.assert_array_equal(weight, weight_before)


@template
def test_fit_twice_equals_fit_once(row):
    X, y = row.data(0)
    once = row.make().fit(X, y)
    other_X, other_y = row.data(1)
    twice = row.make().fit(other_X, other_y).fit(X, y)
    np.testing.assert_array_equal(twice.predict(X), once.predict(X))
    assert twice.loss_curve_ == once.loss_curve_


@template
@pytest.mark.parametrize("by_xla", [True, False])
def test_the_seed_decides_in_every_thread(row, by_xla):
    X, y = row.data(0)
    params, results = {"batch_size": 16, "dropout": 0.2}, []

    def fit():
        results.append(row.make(**params).fit(X, y).loss_curve_)

    with backends.compiled(by_xla):
        expected = row.make(**params).fit(X, y)
        threads = [threading.Thread(target=fit) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [expected.loss_curve_] * 3
    assert row.make(**params, random_state=1).fit(X, y).loss_curve_ != expected.loss_curve_


def loss_curve(row):
    """Return the losses of a fit, to the last bit."""
    X, y = row.data(0)
    return [x.hex() for x in row.make(dropout=0.2, batch_size=16).fit(X, y).loss_curve_]


ANOTHER_PROCESS = """
import json, os, signal, threading, traceback
from skconstrain._engine._interrupt import DeferredInterrupt
from tests.registry import TEMPLATE
from tests.test_common import loss_curve

enter = DeferredInterrupt.__enter__


def begin(self):  # compiling may take any time: the clock starts with the first epoch
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    return enter(self)


def interrupt(row):
    X, y = row.data(0)
    row.make().fit(X, y)
    estimator = row.make(epochs=10**6, tol=None)
    DeferredInterrupt.__enter__ = begin
    try:
        estimator.fit(X, y)
    except KeyboardInterrupt as error:
        assert "interrupted after epoch" in str(error)
    else:
        raise AssertionError("the interrupt was lost")
    finally:
        DeferredInterrupt.__enter__ = enter
    assert 0 < estimator.n_iter_ < 10**6
    assert estimator.predict(X).shape == y.shape
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def outcome(row):
    try:
        interrupt(row)
        return "kept"
    except (Exception, KeyboardInterrupt):
        return traceback.format_exc()


signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background ignore it
print(json.dumps({row.name: [loss_curve(row), outcome(row)] for row in TEMPLATE}))
"""


@pytest.fixture(scope="module")
def another_process():
    """Return the losses of each row in a process of its own, and what Ctrl-C does there.

    Not in this one: workers of a parallel test run ignore the signal.
    """
    command = [sys.executable, "-c", ANOTHER_PROCESS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return json.loads(done.stdout)


@template
def test_the_seed_decides_in_another_process(row, another_process):
    assert another_process[row.name][0] == loss_curve(row)


@template
def test_global_state_is_untouched(row):
    X, y = row.data(0)
    row.make().fit(X, y)  # imports are allowed to happen first

    def state():
        return (
            joblib.hash(np.random.get_state()),  # noqa: NPY002, the state that must not move
            random.getstate(),
            dict(os.environ),
            keras.config.floatx(),
            keras.config.backend(),
            keras.config.dtype_policy().name,
            backends.settings(),
            signal.getsignal(signal.SIGINT),
            np.geterr(),
            {name: sorted(vars(getattr(keras, name))) for name in ("Model", "Layer")},
        )

    backends.seed_globally(3)
    keras.utils.set_random_seed(3)
    drawn = backends.draw_globally(), float(keras.random.uniform(()))
    keras.utils.set_random_seed(3)
    before = state()
    row.make(random_state=None, dropout=0.1, early_stopping=True).fit(X, y).predict(X)
    row.make().fit(X, y).model_.predict(X, verbose=0)
    assert state() == before
    assert (backends.draw_globally(), float(keras.random.uniform(()))) == drawn


@every
def test_a_second_fit_compiles_nothing(row):
    X, y = row.data(0)
    # 57 and 58 rows are padded to one shape, as folds that differ by a row mostly are.
    row.make().fit(X[:58], y[:58]).predict(X)
    before = skconstrain.compile_cache_info()
    other = row.make(learning_rate=0.02, alpha=0.5, random_state=7)
    clone(other).fit(X[:57], y[:57], sample_weight=np.ones(57)).predict(X)
    after = skconstrain.compile_cache_info()
    assert after.misses == before.misses
    assert after.hits > before.hits


@every
def test_containers_and_precisions_agree(row):
    X, y = row.data(0)
    expected = row.make().fit(X, y).predict(X)
    for container in (X.tolist(), pd.DataFrame(X), np.asfortranarray(X)):
        np.testing.assert_array_equal(row.make().fit(container, y).predict(container), expected)
    single = row.make().fit(X.astype(np.float32), y)
    assert {w.dtype for w in single._fitted.weights.values()} == {np.dtype("float32")}
    if row.kind == "regressor":
        # Adam turns a gradient that is zero but for rounding into a step of the learning rate.
        slow, expected = (
            row.make(learning_rate=0.001).fit(rows, y).predict(X)
            for rows in (X.astype(np.float32), X)
        )
        np.testing.assert_allclose(slow, expected, rtol=1e-3)


@every
def test_weights_of_zero_and_two_equal_removing_and_repeating(row):
    X, y = row.data(0)
    counts = np.arange(len(X)) % 3
    weighted = row.make().fit(X, y, sample_weight=counts)
    repeated = row.make().fit(np.repeat(X, counts, axis=0), np.repeat(y, counts, axis=0))
    np.testing.assert_allclose(_scores(weighted, X), _scores(repeated, X), rtol=1e-8)


@template
def test_a_weight_of_zero_removes_the_row_in_batches_too(row):
    X, y = row.data(0)
    kept = np.arange(len(X)) % 4 != 0
    params = {"batch_size": 16, "early_stopping": True}
    weighted = row.make(**params).fit(X, y, sample_weight=kept.astype(float))
    removed = row.make(**params).fit(X[kept], y[kept])
    np.testing.assert_array_equal(_scores(weighted, X), _scores(removed, X))


def _scores(estimator, X):
    return (
        estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else estimator.predict(X)
    )


@template
def test_weights_must_be_usable(row):
    X, y = row.data(0)
    with pytest.raises(ValueError, match="weight"):
        row.make().fit(X, y, sample_weight=np.zeros(len(X)))
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        row.make().fit(X, y, sample_weight=-np.ones(len(X)))


@template
def test_metadata_is_routed(row):
    X, y = row.data(0)
    weight = np.arange(len(X)) % 2
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = row.make().set_fit_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=True), estimator)
        routed = pipeline.fit(X, y, sample_weight=weight)
        expected = row.make().fit(
            StandardScaler().fit(X, sample_weight=weight).transform(X), y, sample_weight=weight
        )
        np.testing.assert_array_equal(routed[-1].loss_curve_, expected.loss_curve_)
        cross_validate(
            estimator.set_score_request(sample_weight=False), X, y, params={"sample_weight": weight}
        )


@template
def test_validation_data_pass_through_a_pipeline(row):
    X, y = row.data(0)
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = row.make(early_stopping=True).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(StandardScaler(), estimator)
        pipeline.transform_input = ["X_val"]
        pipeline.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    scaler = StandardScaler().fit(X[:40])
    expected = row.make(early_stopping=True).fit(
        scaler.transform(X[:40]), y[:40], X_val=scaler.transform(X[40:]), y_val=y[40:]
    )
    np.testing.assert_allclose(pipeline[-1].validation_scores_, expected.validation_scores_)


@template
def test_weights_of_validation_data_count_as_repeated_rows(row):
    X, y = row.data(0)
    counts = 1 + np.arange(20) % 3
    weighted = row.make(early_stopping=True).fit(
        X[:40], y[:40], X_val=X[40:], y_val=y[40:], sample_weight_val=counts
    )
    X_val, y_val = np.repeat(X[40:], counts, axis=0), np.repeat(y[40:], counts, axis=0)
    repeated = row.make(early_stopping=True).fit(X[:40], y[:40], X_val=X_val, y_val=y_val)
    np.testing.assert_allclose(weighted.validation_scores_, repeated.validation_scores_)
    with refuses("X_val and y_val must be given together"):
        row.make().fit(X, y, sample_weight_val=counts)


@template
def test_weights_of_validation_data_pass_through_a_pipeline(row):
    X, y = row.data(0)
    weight = np.linspace(0.1, 2, 20)
    request = {"X_val": True, "y_val": True, "sample_weight_val": True}
    given = {"X_val": X[40:], "y_val": y[40:], "sample_weight_val": weight}
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = row.make(early_stopping=True).set_fit_request(**request)
        pipeline = make_pipeline(StandardScaler(), estimator).set_params(transform_input=["X_val"])
        pipeline.fit(X[:40], y[:40], **given)
    scaler = StandardScaler().fit(X[:40])
    given["X_val"] = scaler.transform(X[40:])
    expected = row.make(early_stopping=True).fit(scaler.transform(X[:40]), y[:40], **given)
    np.testing.assert_allclose(pipeline[-1].validation_scores_, expected.validation_scores_)


@template
def test_validation_data_of_other_features_are_refused(row):
    X, y = row.data(0)
    with refuses(
        "X_val must have the 5 features of X. Got 4 features.", "transform_input=['X_val']"
    ):
        row.make().fit(X, y, X_val=X[:, :4], y_val=y)
    names = [f"x{i}" for i in range(5)]
    with refuses("X_val must have the features of X, which have no names. Got x0"):
        row.make().fit(X, y, X_val=pd.DataFrame(X, columns=names), y_val=y)
    frame = pd.DataFrame(X, columns=names)
    with refuses("which have the names x0", "Got x4, x3"):
        row.make().fit(frame, y, X_val=frame[names[::-1]], y_val=y)


@template
def test_validation_data_that_passed_no_transformer_warn(row):
    X, y = row.data(0)
    raw = 1000 + 50 * X
    scaled = StandardScaler().fit_transform(raw)
    with pytest.warns(UserWarning, match="X_val lies far outside the range of X in 5 features"):
        row.make().fit(scaled, y, X_val=raw, y_val=y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        row.make().fit(scaled[:40], y[:40], X_val=scaled[40:], y_val=y[40:])


def test_grid_search_in_parallel():
    X, y = POSITIVE.data(0)
    grid = {"output": ["softplus", "exp"], "learning_rate": [0.001, 0.01]}
    search = GridSearchCV(POSITIVE.make(), grid, cv=2, n_jobs=2).fit(X, y)
    alone = GridSearchCV(POSITIVE.make(), grid, cv=2).fit(X, y)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(search.predict(X), alone.predict(X))


@template
def test_cross_validation_in_a_pipeline(row):
    X, y = row.data(0)
    scores = cross_val_score(make_pipeline(StandardScaler(), row.make()), X, y, cv=2)
    assert np.isfinite(scores).all()


@template
def test_ctrl_c_keeps_the_epochs_trained_and_is_passed_on(row, another_process):
    assert another_process[row.name][1] == "kept"


@every
def test_unfitted_estimators_say_so(row):
    X, _ = row.data(0)
    with pytest.raises(NotFittedError):
        row.make().predict(X)
    assert not hasattr(row.make(), "model_")


@every
def test_the_keras_model_is_an_ordinary_one(row, tmp_path):
    X, y = row.data(0)
    estimator = row.make(dropout=0.1).fit(X, y)
    estimator.model_.save(tmp_path / "m.keras")
    with _engine.precision():  # under JAX, what Keras loads is float32 unless JAX's switch is on
        loaded = keras.models.load_model(tmp_path / "m.keras")
        predictions = loaded.predict(X, verbose=0)
    np.testing.assert_allclose(predictions, estimator.model_.predict(X, verbose=0), rtol=1e-12)


@template
def test_warm_start_and_partial_fit_go_on(row):
    X, y = row.data(0)
    warm = row.make(warm_start=True, epochs=3).fit(X, y)
    first = warm.loss_curve_[-1]
    warm.fit(X, y)
    assert warm.n_iter_ == len(warm.loss_curve_) == 6
    assert warm.loss_curve_[-1] < first
    with pytest.raises(ValueError, match="hidden_layer_sizes must stay"):
        warm.set_params(hidden_layer_sizes=(3,)).fit(X, y)


@template
def test_permutation_importance(row):
    X, y = row.data(0)
    result = permutation_importance(row.make().fit(X, y), X, y, n_repeats=2, random_state=0)
    assert result.importances.shape == (5, 2)


@pytest.mark.slow
@pytest.mark.parametrize("row", [POSITIVE, GATE], ids=lambda row: row.name)
def test_repeated_fits_do_not_grow_the_process(row):
    X, y = row.data(0)
    process = psutil.Process()

    def fits(n):
        for seed in range(n):
            row.make(random_state=seed, learning_rate=0.001 * (seed + 1)).fit(X, y).predict(X)
        return process.memory_info().rss

    fits(20)
    before = fits(20)
    assert fits(100) - before < 20 * 2**20


@every_regressor
@pytest.mark.parametrize(
    "wrap",
    [
        lambda e: TransformedTargetRegressor(e, func=np.sqrt, inverse_func=np.square),
        lambda e: MultiOutputRegressor(e),
        lambda e: BaggingRegressor(e, n_estimators=2, random_state=0),
        lambda e: StackingRegressor([("net", e), ("ridge", Ridge())], cv=2),
        lambda e: VotingRegressor([("net", e), ("ridge", Ridge())]),
    ],
    ids=["transformed", "multioutput", "bagging", "stacking", "voting"],
)
def test_regressors_inside_other_estimators(row, wrap):
    X, y = row.data(0)
    model = wrap(row.make())
    if isinstance(model, MultiOutputRegressor):
        y = np.column_stack([y, 2 * y])
    assert np.isfinite(model.fit(X, y).predict(X)).all()


@every_classifier
@pytest.mark.parametrize("loss", ["focal", losses.AsymmetricLoss(2), losses.LogLoss(0.1)])
def test_classifiers_take_names_and_objects_of_losses(row, loss):
    X, y = row.data(0)
    model = row.make(loss=loss, epochs=20, tol=None).fit(X, y)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert model.score(X, y) > 0.6


@every_classifier
@pytest.mark.parametrize(
    "wrap",
    [
        lambda e: TunedThresholdClassifierCV(e, cv=2),
        lambda e: CalibratedClassifierCV(e, cv=2),
        lambda e: StackingClassifier([("net", e), ("logistic", LogisticRegression())], cv=2),
        lambda e: VotingClassifier([("net", e), ("logistic", LogisticRegression())], voting="soft"),
        lambda e: BaggingClassifier(e, n_estimators=2, random_state=0),
        lambda e: AdaBoostClassifier(e, n_estimators=2, random_state=0),
        lambda e: OneVsRestClassifier(e),
        lambda e: ClassifierChain(e),
        lambda e: MultiOutputClassifier(e),
    ],
    ids=[
        "threshold", "calibrated", "stacking", "voting", "bagging", "adaboost", "one-vs-rest",
        "chain", "multioutput",
    ],
)  # fmt: skip
def test_classifiers_inside_other_estimators(row, wrap):
    X, y = row.data(0)
    model = wrap(row.make())
    if isinstance(model, ClassifierChain | MultiOutputClassifier):
        y = np.column_stack([y, 1 - y])
    assert np.isfinite(model.fit(X, y).predict_proba(X)).all()


@every
def test_messages_name_no_class_that_users_do_not_know(row):
    X, y = row.data(0)
    message = rf"^fit\(\) got an unexpected|arguments to {row.estimator.__name__}.fit is only"
    with pytest.raises((TypeError, ValueError), match=message):
        row.make().fit(X, y, other=1)


@template
def test_partial_fit_refuses_early_stopping_as_scikit_learn_does(row):
    X, y = row.data(0)
    with refuses("partial_fit", "Got early_stopping=True", '"auto" or False'):
        row.make(early_stopping=True).partial_fit(X, y)
    for early_stopping in ("auto", False):
        assert row.make(early_stopping=early_stopping).partial_fit(X, y).n_iter_ == 1
