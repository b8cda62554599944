"""Ctrl-C: one is enough, whatever runs the fits; what was trained is kept."""

import signal
import time

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from skconstrain import (
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    PositiveRegressor,
    SparseConnectedNetClassifier,
    TunedThresholdMultiLabelClassifierCV,
)
from skconstrain._engine import _train
from tests.registry import positive_regression, two_classes


@pytest.fixture
def epochs(monkeypatch):
    """Interrupt the first training after three calls; return a list that grows with them."""
    done = []
    monkeypatch.setattr(_train._Loop, "_epoch_sums", _counted(_train._Loop._epoch_sums, done))
    # Background jobs of a shell ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield done
    signal.signal(signal.SIGINT, before)


def _counted(epoch, done):
    def counted(*arguments):
        done.append(1)
        if len(done) == 3:
            signal.raise_signal(signal.SIGINT)  # arrives in the main thread
        return epoch(*arguments)

    return counted


def _regressor_and_data():
    return PositiveRegressor((6,), epochs=10**6, tol=None), *positive_regression()


def _classifier_and_data():
    net = SparseConnectedNetClassifier(hidden_layer_sizes=(6,), epochs=10**6, tol=None)
    return net, *two_classes()


def _search():
    net, X, y = _regressor_and_data()
    return GridSearchCV(net, {"alpha": [0.1, 1.0]}, cv=2), X, y


def _tuner():
    X, y = two_classes()
    net = MultiLabelNetClassifier((6,), epochs=10**6, tol=None)
    return TunedThresholdMultiLabelClassifierCV(net, cv=3), X, np.column_stack([y, 1 - y])


def _gate():
    net, X, y = _classifier_and_data()
    return GatedEnsembleClassifier([("a", net), ("b", net)], cv=2), X, y


def test_a_line_says_when_training_stops(epochs, capsys):
    net, X, y = _regressor_and_data()
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, y)
    assert capsys.readouterr().err.strip() == (
        "Training stops after this epoch. Press Ctrl-C again to stop at once."
    )


@pytest.mark.parametrize("make", [_search, _tuner, _gate])
def test_whatever_runs_fits_stops_at_the_first_interrupt(make, epochs):
    estimator, X, y = make()
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, y)
    stood_still = -1
    while stood_still != len(epochs):  # threads that train notice it after an epoch
        stood_still = len(epochs)
        time.sleep(0.5)
    assert len(epochs) < 10**5
