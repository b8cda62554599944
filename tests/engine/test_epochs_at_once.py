"""Several epochs in one call of the program: the same training, to the last bit."""

import keras
import numpy as np
import pytest

from skconstrain import GatedEnsembleClassifier, PositiveRegressor
from skconstrain._engine import _lending
from skconstrain._engine._stopping import BestEpochs, Stopping
from tests.backends import compiled
from tests.registry import positive_regression, two_classes

COMMON = {"epochs": 37, "batch_size": 16, "tol": None, "n_networks": 1, "random_state": 0}
STOPS = {"early_stopping": True, "tol": 1e-4, "n_iter_no_change": 2, "learning_rate": 0.05}
SCHEDULE = keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.9)
CASES = {
    "all epochs": {},
    "a constant rate": {"learning_rate_schedule": "constant"},
    "the optimizer's schedule": {"optimizer": keras.optimizers.Adam(SCHEDULE)},
    "stops on its loss": {"tol": 1e-3, "n_iter_no_change": 2, "learning_rate": 0.05},
    "stops early": STOPS,
    "several networks": {"n_networks": 3, "epochs": "auto", "batch_size": "auto"},
    "random numbers": {"dropout": 0.3},
}


def fitted(monkeypatch, make, data, at_once):
    X, y = data()
    with monkeypatch.context() as patched:
        patched.setattr(_lending, "epochs_at_once", lambda *size: at_once)
        model = make().fit(X, y)
    outputs = model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)
    return model, outputs


@pytest.mark.parametrize("by_xla", [False, True])
@pytest.mark.parametrize("params", CASES.values(), ids=CASES)
def test_results_are_those_of_one_epoch_a_call(monkeypatch, epochs_of_calls, params, by_xla):
    def make():
        return PositiveRegressor((7,), **{**COMMON, **params})

    with compiled(by_xla):
        one, expected = fitted(monkeypatch, make, positive_regression, 1)
        assert not epochs_of_calls
        found, outputs = fitted(monkeypatch, make, positive_regression, 8)
    # One network is validated after every epoch.
    assert (max(epochs_of_calls) > 1) is not (params is STOPS)
    assert sum(epochs_of_calls) == found.n_iter_
    np.testing.assert_array_equal(outputs, expected)
    assert found.loss_curve_ == one.loss_curve_
    assert found.validation_scores_ == one.validation_scores_
    assert found.n_iter_ == one.n_iter_


@pytest.mark.parametrize("gating", ["soft", "hard"])
def test_a_schedule_of_weights_has_one_epoch_a_call(monkeypatch, epochs_of_calls, gating):
    def make():
        return GatedEnsembleClassifier(n_experts=2, gating=gating, epochs=5, random_state=0)

    one, expected = fitted(monkeypatch, make, two_classes, 1)
    found, outputs = fitted(monkeypatch, make, two_classes, 8)
    np.testing.assert_array_equal(outputs, expected)
    assert found.loss_curve_ == one.loss_curve_


def test_what_is_shown_or_watched_comes_epoch_by_epoch(epochs_of_calls, capsys):
    X, y = positive_regression()
    seen = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    PositiveRegressor((7,), **COMMON, callbacks=[note]).fit(X, y)
    assert seen == list(range(37))
    assert not epochs_of_calls
    PositiveRegressor((7,), **COMMON, verbose=2).fit(X, y)
    assert epochs_of_calls == [1] * 37
    assert capsys.readouterr().out.count("Epoch") == 37


def test_patience_cannot_run_out_within_a_call():
    rule = Stopping(patience=2, tol=0.0)
    rule.update(1.0)
    assert rule.epochs_left == 3
    rule.update(2.0)
    assert rule.epochs_left == 2
    rule.update(2.0)
    rule.update(2.0)
    assert rule.done
    assert rule.epochs_left == 0
    assert BestEpochs([rule, Stopping(5, 0.0)]).epochs_left == 6
    assert Stopping(5, None).epochs_left == float("inf")
