"""Callbacks of scikit-learn: told of every epoch, wherever a network is fitted."""

import collections
import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain import (
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    PositiveRegressor,
    TunedThresholdMultiLabelClassifierCV,
)
from tests.registry import TEMPLATE, positive_regression, two_classes

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9")

FAST = {
    "hidden_layer_sizes": (4,),
    "n_networks": 1,
    "learning_rate_schedule": "constant",
    "tol": None,
    "random_state": 0,
}
EVERYWHERE = "ignore:The estimator .* does not support callbacks"


class Recorder:
    """Counts events by the names of their estimator and task; goes down to all estimators."""

    max_propagation_depth = None

    def __init__(self):
        self.calls = collections.Counter()

    def setup(self, estimator, context):
        self.calls["setup"] += 1

    def on_fit_task_begin(self, estimator, context):
        self.calls["begin", context.estimator_name, context.task_name] += 1

    def on_fit_task_end(self, estimator, context):
        self.calls["end", context.estimator_name, context.task_name] += 1

    def teardown(self, estimator, context):
        self.calls["teardown"] += 1

    def count(self, estimator, task):
        """Return how many tasks of that name there were; each has ended."""
        n_begun = self.calls["begin", estimator, task]
        assert self.calls["end", estimator, task] == n_begun
        return n_begun


class Stopper(Recorder):
    """Asks to stop after some epochs, where `alpha` is 1."""

    def __init__(self, after, error=None):
        super().__init__()
        self.after, self.error = after, error

    def on_fit_task_end(self, estimator, context):
        super().on_fit_task_end(estimator, context)
        is_due = context.task_name == "epoch" and context.task_id + 1 == self.after
        if is_due and estimator.alpha == 1.0:
            if self.error is not None:
                raise self.error
            return True
        return False


def net(**params):
    return PositiveRegressor(**{**FAST, **params})


def outputs(model, X):
    method = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    return getattr(model, method)(X)


@pytest.mark.parametrize("row", TEMPLATE, ids=lambda row: row.name)
def test_every_network_tells_of_every_epoch_and_trains_the_same(row):
    X, y = row.data(0)
    plain, recorder = row.make().fit(X, y), Recorder()
    told = row.make().set_callbacks(recorder).fit(X, y)
    name = row.estimator.__name__
    assert recorder.calls["setup"] == recorder.calls["teardown"] == 1
    assert recorder.count(name, "fit") == 1
    assert recorder.count(name, "epoch") == told.n_iter_ == plain.n_iter_
    np.testing.assert_array_equal(outputs(told, X), outputs(plain, X))
    assert told.loss_curve_ == plain.loss_curve_


@pytest.mark.filterwarnings(EVERYWHERE)
def test_epochs_are_counted_in_pipelines_and_searches():
    (X, y), recorder = positive_regression(), Recorder()
    model = make_pipeline(StandardScaler(), net(epochs=3))
    search = GridSearchCV(model, {"positiveregressor__alpha": [0.1, 1.0]}, cv=2)
    search.set_callbacks(recorder).fit(X, y)
    n_fits = 2 * 2 + 1
    assert recorder.count("Pipeline", "fit-final-estimator") == 0  # the same task as the fit
    assert recorder.count("PositiveRegressor", "fit") == n_fits
    assert recorder.count("PositiveRegressor", "epoch") == 3 * n_fits
    assert recorder.calls["setup"] == recorder.calls["teardown"] == 1
    alone = Recorder()
    model.set_callbacks(alone).fit(X, y)
    assert alone.count("PositiveRegressor", "epoch") == 3


def test_a_progress_bar_leaves_several_epochs_to_a_call(epochs_of_calls, capsys):
    X, y = positive_regression()
    plain = net(epochs=20).fit(X, y)
    shown = net(epochs=20).set_callbacks(callback.ProgressBar()).fit(X, y)
    half = len(epochs_of_calls) // 2
    assert epochs_of_calls[:half] == epochs_of_calls[half:]
    assert max(epochs_of_calls) > 1
    assert "100%" in capsys.readouterr().out
    np.testing.assert_array_equal(shown.predict(X), plain.predict(X))
    net(epochs=20).set_callbacks(Recorder()).fit(X, y)
    assert epochs_of_calls[2 * half :] == [1] * 20  # who knows what it looks at


@pytest.mark.parametrize("weight", [None, np.linspace(0, 2, 60)], ids=["", "weighted"])
def test_a_scoring_monitor_scores_each_epoch(weight):
    (X, y), monitor = positive_regression(), callback.ScoringMonitor(scoring="r2")
    net(epochs=4).set_callbacks(monitor).fit(X, y, sample_weight=weight)
    rows = monitor.get_logs().data
    found = [row["r2"] for row in rows if row["task_name"] == "epoch"]
    fits = [net(epochs=n).fit(X, y, sample_weight=weight) for n in (1, 2, 3, 4)]
    assert found == [fit.score(X, y, weight) for fit in fits]
    assert [row["r2"] for row in rows if row["task_name"] == "fit"] == found[-1:]


def test_a_callback_stops_a_training():
    X, y = positive_regression()
    stopped = net(epochs=9, alpha=1.0).set_callbacks(Stopper(3)).fit(X, y)
    assert stopped.n_iter_ == 3
    np.testing.assert_array_equal(stopped.predict(X), net(epochs=3, alpha=1.0).fit(X, y).predict(X))


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_an_error_of_a_callback_ends_the_fit_in_which_it_is_raised():
    X, y = positive_regression()
    wrong = Stopper(2, ZeroDivisionError("no such epoch"))
    failing = net(epochs=4, alpha=1.0).set_callbacks(wrong)
    with pytest.raises(ZeroDivisionError, match="no such epoch"):
        failing.fit(X, y)
    assert wrong.calls["teardown"] == 1
    assert not set(vars(failing)) & {"_callback_fit_ctx", "_parent_callback_ctx"}
    search = GridSearchCV(net(epochs=4), {"alpha": [0.1, 1.0]}, cv=2, refit=False)
    with pytest.warns(match="no such epoch"):
        search.set_callbacks(Stopper(2, ZeroDivisionError("no such epoch"))).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert np.isnan(scores).tolist() == [False, True]
    expected = GridSearchCV(net(epochs=4), {"alpha": [0.1]}, cv=2, refit=False).fit(X, y)
    np.testing.assert_allclose(scores[:1], expected.cv_results_["mean_test_score"])


def test_clones_share_callbacks_and_pickles_keep_them():
    (X, y), recorder = positive_regression(), Recorder()
    fitted = net(epochs=2).set_callbacks(recorder).fit(X, y)
    copied = clone(fitted)
    assert copied._skl_callbacks == [recorder]
    restored = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(restored.predict(X), fitted.predict(X))
    restored.fit(X, y)
    assert restored._skl_callbacks[0].count("PositiveRegressor", "epoch") == 4
    assert recorder.count("PositiveRegressor", "epoch") == 2
    # Nothing of a fit, which may hold its data, outlives it.
    assert not [name for name in vars(fitted) if "_ctx" in name]
    assert "_skl_callbacks" not in vars(fitted.set_callbacks())


def test_training_that_goes_on_is_told_of_anew():
    (X, y), recorder = positive_regression(), Recorder()
    model = net(epochs=2, warm_start=True).set_callbacks(recorder).fit(X, y).fit(X, y)
    assert recorder.count("PositiveRegressor", "epoch") == model.n_iter_ == 4
    model.partial_fit(X, y)  # as in scikit-learn: callbacks belong to fit
    assert recorder.count("PositiveRegressor", "epoch") == 4


@pytest.mark.parametrize("n_networks", [1, 3], ids=["folds", "folds of the network"])
def test_the_tuner_tells_of_its_fits(n_networks):
    (X, y), recorder = two_classes(), Recorder()
    labels = np.stack([y, 1 - y], axis=1)
    inner = MultiLabelNetClassifier((4,), n_networks=n_networks, epochs=2, random_state=0)
    tuner = TunedThresholdMultiLabelClassifierCV(inner, random_state=0)
    plain = clone(tuner).fit(X, labels)
    told = tuner.set_callbacks(recorder).fit(X, labels)
    np.testing.assert_array_equal(told.thresholds_, plain.thresholds_)
    name = "TunedThresholdMultiLabelClassifierCV"
    n_fits = 6 if n_networks == 1 else 1
    assert recorder.count(name, "fit") == 1
    assert recorder.count(name, "out-of-fold") == (n_networks == 1)
    assert recorder.count("MultiLabelNetClassifier", "fit") == n_fits
    assert recorder.count("MultiLabelNetClassifier", "epoch") == 2 * n_fits


@pytest.mark.filterwarnings(EVERYWHERE)
@pytest.mark.parametrize("n_rounds", [0, 2])
def test_a_gate_tells_of_its_experts_and_epochs(n_rounds):
    (X, y), recorder = two_classes(), Recorder()
    inner = MultiLabelNetClassifier((4,), n_networks=1, epochs=2, random_state=0)
    experts = [("linear", LogisticRegression()), ("net", inner)]
    gate = GatedEnsembleClassifier(experts, epochs=4, n_rounds=n_rounds, random_state=0)
    plain = clone(gate).fit(X, y)
    told = gate.set_callbacks(recorder).fit(X, y)
    np.testing.assert_array_equal(told.predict_proba(X), plain.predict_proba(X))
    name = "GatedEnsembleClassifier"
    assert recorder.count(name, "fit") == 1
    assert recorder.count(name, "epoch") == told.n_iter_ == 4
    assert recorder.count("MultiLabelNetClassifier", "epoch") == (0 if n_rounds else 2)
    assert recorder.count(name, "out-of-fold") == (n_rounds == 0)


@pytest.mark.filterwarnings(EVERYWHERE)
def test_nobody_is_told_of_what_is_fitted_in_rounds_wherever_they_are():
    (X, y), recorder = two_classes(), Recorder()
    inner = MultiLabelNetClassifier((4,), n_networks=1, epochs=2, random_state=0)
    rounds = GatedEnsembleClassifier([("net", inner)], n_rounds=2, epochs=2, cv=2, random_state=0)
    outer = GatedEnsembleClassifier([("rounds", rounds)], epochs=3, cv=2, random_state=0)
    outer.set_callbacks(recorder).fit(X, y)
    # The gate, and within it the other one, which is fitted on all rows.
    assert recorder.count("GatedEnsembleClassifier", "fit") == 2
    assert recorder.count("GatedEnsembleClassifier", "epoch") == 3 + 2
    assert recorder.count("MultiLabelNetClassifier", "epoch") == 0


def test_epochs_of_a_gate_are_scored_where_its_experts_stay():
    (X, y), monitor = two_classes(), callback.ScoringMonitor(scoring="accuracy")
    gate = GatedEnsembleClassifier([("linear", LogisticRegression())], epochs=3, random_state=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The estimator .* does not support callbacks")
        gate.set_callbacks(monitor).fit(X, y)
    names = [row["task_name"] for row in monitor.get_logs().data]
    assert names.count("epoch") == 3
    gate.set_params(n_rounds=2).fit(X, y)  # of which experts would it be the score?
    assert [row["task_name"] for row in monitor.get_logs().data] == ["fit"]
