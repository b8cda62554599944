"""Searches that train together give what searches that train one by one give."""

import collections
import copy
import signal
import threading
import time
import warnings

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skconstrain
from skconstrain import _engine
from skconstrain._engine import _stacked_train
from skconstrain.model_selection import (
    BatchedGridSearchCV,
    BatchedRandomizedSearchCV,
    fit_many,
)
from tests.backends import BACKEND, jax_only
from tests.plain import (
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    PositiveRegressor,
    SparseConnectedNet,
    SparseConnectedNetClassifier,
)
from tests.refusals import refuses
from tests.registry import WIRING, positive_regression, two_classes

GRID = {"learning_rate": [0.001, 0.01], "alpha": [1e-4, 1.0], "random_state": [0, 1]}
FAST = {"epochs": 8, "batch_size": 16, "tol": None}


def multilabel(random_state=0):
    return make_multilabel_classification(60, 5, n_classes=3, random_state=random_state)


NETS = {
    "positive": (PositiveRegressor((6,), **FAST), positive_regression),
    "quantile": (PositiveRegressor((6,), loss="quantile", **FAST), positive_regression),
    "range": (PositiveRegressor((6,), output="sigmoid", upper=9.0, **FAST), positive_regression),
    "non-negative": (
        PositiveRegressor((6,), kernel_constraint="non_neg", **FAST),
        positive_regression,
    ),
    "two classes": (MultiLabelNetClassifier((6, 4), **FAST), two_classes),
    "labels": (MultiLabelNetClassifier((6,), loss="asymmetric", **FAST), multilabel),
    "wired": (SparseConnectedNet(WIRING, **FAST), positive_regression),
    "wired, sparse": (SparseConnectedNet(WIRING, kernel="sparse", **FAST), positive_regression),
    "wired classes": (SparseConnectedNetClassifier(WIRING, **FAST), two_classes),
    "gated": (GatedEnsembleClassifier(n_experts=2, hidden_layer_sizes=(4,), **FAST), two_classes),
    "hard gate": (
        GatedEnsembleClassifier(
            n_experts=3,
            hidden_layer_sizes=(4,),
            gating="hard",
            gumbel=True,
            load_balance=0.1,
            temperature=(2.0, 0.5),
            dropout=0.2,
            **FAST,
        ),
        two_classes,
    ),
    "two of three": (
        GatedEnsembleClassifier(
            n_experts=3, hidden_layer_sizes=(4,), gating="top_k", entropy_penalty=0.1, **FAST
        ),
        two_classes,
    ),
    "given experts": (
        GatedEnsembleClassifier([("a", LogisticRegression()), ("b", GaussianNB())], **FAST),
        two_classes,
    ),
    "dropout": (PositiveRegressor((6,), dropout=0.3, **FAST), positive_regression),
    "no batches": (PositiveRegressor((6,), epochs=8, tol=None), positive_regression),
    "momentum": (PositiveRegressor((6,), optimizer="sgd", **FAST), positive_regression),
    "decay": (PositiveRegressor((6,), optimizer="adamw", **FAST), positive_regression),
    "rmsprop": (PositiveRegressor((6,), optimizer="rmsprop", **FAST), positive_regression),
    "nadam": (PositiveRegressor((6,), optimizer="nadam", **FAST), positive_regression),
    "tolerance": (PositiveRegressor((6,), epochs=60, batch_size=16, tol=0.01), positive_regression),
    "early stopping": (
        PositiveRegressor((6,), early_stopping=True, epochs=60, n_iter_no_change=2, tol=0.01),
        positive_regression,
    ),
}
# Under JAX, the step is mapped over models whatever the optimizer.
ALONE = {"wired, sparse"} | ({"nadam"} if BACKEND == "tensorflow" else set())


def assert_equal_results(found, expected):
    for name, values in expected.items():
        if name.startswith(("mean_test", "std_test", "split", "mean_train")):
            np.testing.assert_allclose(found[name], values, rtol=1e-6, atol=1e-6, err_msg=name)
        elif name.startswith("rank") or name == "params":
            np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("name", NETS)
def test_results_are_those_of_grid_search(name):
    net, data = NETS[name]
    X, y = data(0)
    # Folds of 40 rows, and of 39 and 41: some share their padding, not their number of steps.
    cv = [(train[:-1], test) for train, test in KFold(3).split(X)]
    expected = GridSearchCV(net, GRID, cv=cv).fit(X, y)
    search = BatchedGridSearchCV(net, GRID, cv=cv).fit(X, y)
    assert_equal_results(search.cv_results_, expected.cv_results_)
    assert search.best_params_ == expected.best_params_
    np.testing.assert_allclose(search.predict(X), expected.predict(X), rtol=1e-6)
    assert search.stack_sizes_ == ([] if name in ALONE else [24])


OPTIMIZERS = {
    **{name: name for name in ("adafactor", "adagrad", "ftrl", "lion")},
    "clipped": keras.optimizers.Adam(clipnorm=0.1),
    "accumulated": keras.optimizers.SGD(gradient_accumulation_steps=2),
}


@jax_only
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_under_jax_any_optimizer_of_keras_is_stacked(name):
    X, y = positive_regression(0)
    net = PositiveRegressor((6,), optimizer=OPTIMIZERS[name], random_state=0, **FAST)
    grid = {"learning_rate": [0.003, 0.01], "alpha": [0.0, 0.1]}
    expected = GridSearchCV(net, grid, cv=3).fit(X, y)
    search = BatchedGridSearchCV(net, grid, cv=3).fit(X, y)
    assert_equal_results(search.cv_results_, expected.cv_results_)
    assert search.stack_sizes_ == [12]


# Numbers that differ inside a stack.
GATED = {"n_experts": 2, "hidden_layer_sizes": (4,), "gating": "hard"}
NUMBERS = {
    "dropout": (PositiveRegressor((6,), **FAST), {"dropout": [0.1, 0.5]}, positive_regression),
    "quantile": (
        PositiveRegressor((6,), loss="quantile", **FAST),
        {"quantile": [0.1, 0.5, 0.9]},
        positive_regression,
    ),
    "power": (
        PositiveRegressor((6,), loss="tweedie", **FAST),
        {"power": [1.2, 1.5, 2.5]},
        positive_regression,
    ),
    "gamma": (
        MultiLabelNetClassifier((6,), loss="focal", **FAST),
        {"gamma": [0.5, 2.0], "label_smoothing": [0.1, 0.2]},
        multilabel,
    ),
    "gammas": (
        MultiLabelNetClassifier((6,), loss="asymmetric", **FAST),
        {"gamma_negative": [1.0, 4.0], "gamma_positive": [0.5, 1.0], "margin": [0.05, 0.2]},
        multilabel,
    ),
    "temperature": (
        GatedEnsembleClassifier(**GATED, **FAST),
        {"temperature": [0.3, 3.0], "load_balance": [0.1, 1.0], "dropout": [0.1, 0.2]},
        two_classes,
    ),
    "temperatures": (
        GatedEnsembleClassifier(**GATED, gumbel=True, **FAST),
        {"temperature": [(2.0, 0.5), (1.0, 0.1)]},
        two_classes,
    ),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_differ_inside_one_stack(name):
    net, grid, data = NUMBERS[name]
    X, y = data(0)
    net = clone(net).set_params(random_state=0)
    expected = GridSearchCV(net, grid, cv=2).fit(X, y)
    search = BatchedGridSearchCV(net, grid, cv=2).fit(X, y)
    assert_equal_results(search.cv_results_, expected.cv_results_)
    assert search.stack_sizes_ == [2 * len(search.cv_results_["params"])]
    # They matter: no two candidates are alike.
    scores = search.cv_results_["split0_test_score"]
    predictions = {net.set_params(**p).fit(X, y).best_loss_ for p in expected.cv_results_["params"]}
    assert len(predictions) == len(scores)


def hard_to_vectorise(values):
    if BACKEND == "jax":
        import jax

        still = jax.lax.stop_gradient(values).astype("float32")  # callbacks know no float64
        shape = jax.ShapeDtypeStruct(values.shape, "float32")
        of_python = jax.pure_callback(np.copy, shape, still).astype(values.dtype)
        return jax.nn.relu(values) + 0 * of_python
    import tensorflow as tf

    of_python = tf.numpy_function(np.copy, [values], values.dtype)
    return tf.nn.relu(values) + 0 * tf.ensure_shape(of_python, values.shape)


def test_what_cannot_be_vectorised_trains_alone():
    X, y = positive_regression(0)
    net = PositiveRegressor(
        (6,), activation=hard_to_vectorise, random_state=0, jit_compile=False, **FAST
    )
    grid = {"alpha": [1e-4, 1.0]}
    expected = GridSearchCV(net, grid, cv=2).fit(X, y)
    search = BatchedGridSearchCV(net, grid, cv=2).fit(X, y)
    assert_equal_results(search.cv_results_, expected.cv_results_)
    assert search.stack_sizes_ == []


def test_fits_of_several_networks_compile_no_more_than_in_the_plain_search():
    X, y = positive_regression(0)
    net = PositiveRegressor((5,), random_state=0, **{**FAST, "epochs": 7}).set_params(n_networks=2)
    grid, misses = {"alpha": [1e-4, 1e-2, 1.0]}, []
    for search in (BatchedGridSearchCV(net, grid, cv=2), GridSearchCV(net, grid, cv=2)):
        skconstrain.clear_compile_cache()
        before = skconstrain.compile_cache_info().misses
        search.fit(X, y)
        misses.append(skconstrain.compile_cache_info().misses - before)
    assert misses[0] == misses[1]


class Miscounted(KFold):
    def get_n_splits(self, X=None, y=None, groups=None):
        return super().get_n_splits(X, y, groups) + 1


def test_a_splitter_that_miscounts_is_an_error():
    X, y = positive_regression(0)
    net = PositiveRegressor((6,), random_state=0, **FAST)
    with pytest.raises(ValueError, match="Expected 4 splits, got 3"):
        BatchedGridSearchCV(net, {"alpha": [0.1, 1.0]}, cv=Miscounted(3)).fit(X, y)


def test_an_interrupted_stack_does_not_go_on(monkeypatch):
    X, y = positive_regression(0)
    nets = [PositiveRegressor((6,), epochs=10**6, tol=None, random_state=i) for i in range(3)]
    epochs, train = [], _stacked_train._Stack._epoch

    def counted(stack, running):
        epochs.append(len(running))
        if len(epochs) == 20:
            signal.raise_signal(signal.SIGINT)  # arrives in the main thread
        train(stack, running)

    monkeypatch.setattr(_stacked_train._Stack, "_epoch", counted)
    # Background jobs of a shell ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            fit_many(nets, X, y)
    finally:
        signal.signal(signal.SIGINT, before)
    stood_still = -1
    while stood_still != len(epochs):
        stood_still = len(epochs)
        time.sleep(0.5)
    assert len(epochs) < 10**5


def test_one_by_one_they_share_a_program():
    X, y = positive_regression(0)
    for net, grid, _ in (NUMBERS["dropout"], NUMBERS["quantile"], NUMBERS["power"]):
        GridSearchCV(net, {name: values[:1] for name, values in grid.items()}, cv=2).fit(X, y)
        before = skconstrain.compile_cache_info().misses
        GridSearchCV(net, grid, cv=2).fit(X, y)
        assert skconstrain.compile_cache_info().misses == before


@pytest.mark.parametrize("early_stopping", [False, True])
def test_few_that_are_left_go_on_in_a_smaller_program(monkeypatch, early_stopping):
    X, y = positive_regression(0)
    net = PositiveRegressor(
        (6,), batch_size=16, dropout=0.1, early_stopping=early_stopping, tol=None, random_state=0
    )
    # Some are done after a few epochs, some go on.
    nets = [clone(net).set_params(epochs=e, random_state=e) for e in (3, 4, 5, 6, 7, 8, 30, 40)]
    alone = [clone(net).fit(X, y) for net in nets]
    sizes = []
    lend = _engine.lend_stacked_program

    def counted(*args, **kwargs):
        sizes.append(len(args[2]))
        return lend(*args, **kwargs)

    monkeypatch.setattr(_engine, "lend_stacked_program", counted)
    monkeypatch.setattr(_stacked_train, "_SECONDS_TO_COMPILE", 0.0)
    for net, expected in zip(fit_many(nets, X, y), alone, strict=True):
        np.testing.assert_allclose(net.predict(X), expected.predict(X), rtol=1e-9)
        np.testing.assert_allclose(net.loss_curve_, expected.loss_curve_, rtol=1e-9)
    assert sizes == [8, 4]


def test_a_pipeline_several_scorers_and_train_scores():
    X, y = positive_regression(0)
    pipe = make_pipeline(StandardScaler(), PositiveRegressor((6,), random_state=0, **FAST))
    grid = {
        "standardscaler__with_mean": [True, False],
        "positiveregressor__learning_rate": [0.001, 0.01, 0.1],
    }
    settings = {
        "scoring": ["r2", "neg_mean_absolute_error"],
        "refit": "r2",
        "cv": 3,
        "return_train_score": True,
    }
    expected = GridSearchCV(pipe, grid, **settings).fit(X, y)
    search = BatchedGridSearchCV(pipe, grid, **settings).fit(X, y)
    assert_equal_results(search.cv_results_, expected.cv_results_)
    assert search.stack_sizes_ == [18]
    assert search.best_estimator_.memory is None
    assert pipe.memory is None


class CountingScaler(StandardScaler):
    fits = 0
    lock = threading.Lock()

    def fit(self, X, y=None, sample_weight=None):
        with CountingScaler.lock:
            CountingScaler.fits += 1
        return super().fit(X, y, sample_weight)


def test_transformers_are_fitted_once_a_fold_and_setting():
    X, y = positive_regression(0)
    pipe = make_pipeline(CountingScaler(), PositiveRegressor((6,), random_state=0, **FAST))
    grid = {
        "countingscaler__with_mean": [True, False],
        "positiveregressor__learning_rate": [0.001, 0.01, 0.1],
    }
    CountingScaler.fits = 0
    BatchedGridSearchCV(pipe, grid, cv=3, refit=False).fit(X, y)
    assert CountingScaler.fits == 6


def test_randomized_search():
    X, y = positive_regression(0)
    net = PositiveRegressor((6,), random_state=0, **FAST)
    space = {"learning_rate": np.logspace(-4, -1, 20).tolist(), "hidden_layer_sizes": [(6,), (4,)]}
    settings = {"n_iter": 6, "cv": 2, "random_state": 0}
    expected = RandomizedSearchCV(net, space, **settings).fit(X, y)
    search = BatchedRandomizedSearchCV(net, space, **settings).fit(X, y)
    assert_equal_results(search.cv_results_, expected.cv_results_)
    assert sum(search.stack_sizes_) == 12
    assert len(search.stack_sizes_) == 2  # two architectures


def test_a_fit_that_diverges_fails_alone():
    X, y = positive_regression(0)
    net = SparseConnectedNet(optimizer="sgd", random_state=0, **FAST)
    grid = {"learning_rate": [0.001, 1e30, 0.01]}
    with pytest.warns(FitFailedWarning, match="Lower learning_rate"):
        search = BatchedGridSearchCV(net, grid, cv=2).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert np.isnan(scores[1])
    assert np.isfinite(scores[[0, 2]]).all()
    with pytest.raises(ValueError, match="Lower learning_rate"):
        BatchedGridSearchCV(net, grid, cv=2, error_score="raise").fit(X, y)


def test_sample_weights_reach_every_fold():
    X, y = positive_regression(0)
    weight = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    net = PositiveRegressor((6,), random_state=0, **FAST)
    grid = {"learning_rate": [0.001, 0.01]}
    expected = GridSearchCV(net, grid, cv=3).fit(X, y, sample_weight=weight)
    search = BatchedGridSearchCV(net, grid, cv=3).fit(X, y, sample_weight=weight)
    assert_equal_results(search.cv_results_, expected.cv_results_)


def test_stacks_are_split_to_their_budget():
    X, y = positive_regression(0)
    net = PositiveRegressor((6,), random_state=0, **FAST)
    grid = {"alpha": np.logspace(-4, 0, 10)}
    whole = BatchedGridSearchCV(net, grid, cv=2).fit(X, y)
    parts = BatchedGridSearchCV(net, grid, cv=2, max_stack_bytes=150_000).fit(X, y)
    assert whole.stack_sizes_ == [20]
    assert len(parts.stack_sizes_) > 2
    assert sum(parts.stack_sizes_) == 20
    assert_equal_results(parts.cv_results_, whole.cv_results_)
    with pytest.raises(ValueError, match="max_stack_bytes must be a positive integer"):
        BatchedGridSearchCV(net, grid, max_stack_bytes=0).fit(X, y)


def test_other_estimators_are_fitted_as_usual():
    X, y = positive_regression(0)
    grid = {"alpha": [0.1, 1.0]}
    expected = GridSearchCV(Ridge(), grid).fit(X, y)
    search = BatchedGridSearchCV(Ridge(), grid).fit(X, y)
    assert_equal_results(search.cv_results_, expected.cv_results_)
    assert search.stack_sizes_ == []


def test_a_second_search_compiles_nothing():
    X, y = positive_regression(0)
    net = PositiveRegressor((6,), random_state=0, **FAST)
    search = BatchedGridSearchCV(net, {"alpha": [0.1, 1.0]}, cv=3)
    search.fit(X, y)
    before = skconstrain.compile_cache_info().misses
    clone(search).set_params(param_grid={"alpha": [0.2, 2.0]}).fit(X, y)
    assert skconstrain.compile_cache_info().misses == before


class Recorder:
    """A callback of scikit-learn that counts its calls."""

    def __init__(self):
        self.calls = collections.Counter()

    def setup(self, estimator, context):
        self.calls["setup"] += 1

    def on_fit_task_begin(self, estimator, context, **data):
        self.calls["begin", context.task_name] += 1

    def on_fit_task_end(self, estimator, context, **data):
        self.calls["end", context.task_name] += 1

    def teardown(self, estimator, context):
        self.calls["teardown"] += 1


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in a search"])
@pytest.mark.parametrize("scaled", [False, True], ids=["network", "pipeline"])
def test_callbacks_of_scikit_learn_get_the_events_of_the_plain_search(scaled, inside):
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9")
    X, y = positive_regression()
    net = PositiveRegressor((4,), epochs=2, tol=None, random_state=0)
    model = make_pipeline(StandardScaler(), net) if scaled else net
    grid, seen = {"positiveregressor__alpha" if scaled else "alpha": [0.1, 1.0]}, []
    for kind in (GridSearchCV, BatchedGridSearchCV, BatchedRandomizedSearchCV):
        options = {"n_iter": 2, "random_state": 0} if kind is BatchedRandomizedSearchCV else {}
        search, recorder = kind(model, grid, cv=2, **options), Recorder()
        if inside:
            recorder.max_propagation_depth = None
            assert isinstance(recorder, callback.AutoPropagatedCallback)
            search = GridSearchCV(search, {"refit": [True]}, cv=2)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The estimator .* does not support callbacks")
            search.set_callbacks(recorder).fit(X, y)
        seen.append(recorder.calls)
    assert seen[0].total() > 10
    assert seen[1] == seen[2] == seen[0]


def test_fit_many_takes_a_list_of_instances_only():
    X, y = positive_regression()
    with refuses("estimators must hold instances", "Got PositiveRegressor."):
        fit_many([skconstrain.PositiveRegressor], X, y)
    with refuses("must be a list of estimators", "Got PositiveRegressor(", "Put it in a list"):
        fit_many(PositiveRegressor(), X, y)


def test_fit_many_equals_fit():
    X, y = positive_regression(0)
    nets = [PositiveRegressor((6,), random_state=seed, **FAST) for seed in range(5)]
    other = PositiveRegressor((4,), random_state=0, **FAST)
    expected = [clone(net).fit(X, y) for net in [*nets, other]]
    together = fit_many([*nets, other], X, y)
    assert together[0] is nets[0]
    for net, alone in zip(together, expected, strict=True):
        np.testing.assert_allclose(net.predict(X), alone.predict(X), rtol=1e-9)
        np.testing.assert_allclose(net.loss_curve_, alone.loss_curve_, rtol=1e-9)
        assert net.n_iter_ == alone.n_iter_
    assert fit_many([], X, y) == []


def test_an_optimizer_of_a_fit_with_callbacks_starts_anew():
    X, y = positive_regression(0)
    nothing = keras.callbacks.LambdaCallback()
    settings = {"warm_start": True, "callbacks": [nothing], **FAST}
    nets = [PositiveRegressor((6,), random_state=s, **settings).fit(X, y) for s in range(3)]
    alone = [copy.deepcopy(net).set_params(callbacks=None).fit(X, y) for net in nets]
    together = fit_many([net.set_params(callbacks=None) for net in nets], X, y)
    for both in zip(together, alone, strict=True):
        predictions = [net.predict(X) for net in both]
        np.testing.assert_allclose(*predictions, rtol=1e-9)


def test_training_goes_on_after_a_stack():
    X, y = positive_regression(0)
    nets = [PositiveRegressor((6,), warm_start=True, random_state=s, **FAST) for s in range(3)]
    together = fit_many([clone(net) for net in nets], X, y)
    alone = [net.fit(X, y) for net in nets]
    for both in zip(together, alone, strict=True):
        predictions = [net.partial_fit(X, y).predict(X) for net in both]
        np.testing.assert_allclose(*predictions, rtol=1e-9)
