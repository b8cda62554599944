"""One network that finds on held-out rows how long to train on all of them."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB

from skconstrain import (
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    PositiveRegressor,
    SparseConnectedNetClassifier,
)
from skconstrain.connections import random as random_connections

ONE = {"hidden_layer_sizes": (8,), "random_state": 0}


def noisy(n_rows=400, seed=0):
    """Return rows of two classes that overlap."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 5))
    return X, (X[:, 0] + 2 * rng.normal(size=n_rows) > 0).astype(int)


def networks():
    wiring = random_connections(5, 8, density=0.5, random_state=0)
    return {
        "gate": GatedEnsembleClassifier(n_experts=2, n_networks=1, **ONE),
        "one network": MultiLabelNetClassifier(n_networks=1, **ONE),
        "wired": SparseConnectedNetClassifier([wiring], random_state=0),
    }


@pytest.mark.parametrize("n_rows", [100, 400])
@pytest.mark.parametrize("name", networks())
def test_all_rows_train_for_as_many_epochs_as_were_best(name, n_rows):
    X, y = noisy(n_rows)
    found = networks()[name].fit(X, y)
    said = networks()[name].set_params(epochs=found.n_iter_, early_stopping=False).fit(X, y)
    np.testing.assert_array_equal(found.predict_proba(X), said.predict_proba(X))
    assert len(found.loss_curve_) == found.n_iter_
    assert found.validation_scores_ is None


@pytest.mark.slow
@pytest.mark.parametrize("n_rows", [160, 300])
@pytest.mark.parametrize("name", ["gate", "one network"])
def test_noise_is_not_learnt_by_heart(name, n_rows):
    X, y = noisy(n_rows + 700)
    train, test = slice(n_rows), slice(n_rows, None)
    found, for_long = networks()[name], networks()[name].set_params(early_stopping=False)
    losses = [
        log_loss(y[test], net.fit(X[train], y[train]).predict_proba(X[test]))
        for net in (found, for_long)
    ]
    share = y[train].mean()
    assert losses[0] < log_loss(y[test], np.full(700, share)) < losses[1]


def test_a_gate_over_given_experts_finds_its_epochs_on_few_rows():
    experts = [("linear", LogisticRegression()), ("bayes", GaussianNB())]

    def rows(n_rows):
        X, y = noisy(n_rows)
        return np.hstack([X, np.random.default_rng(1).normal(size=(n_rows, 40))]), y

    def fitted(n_rows, **params):
        return GatedEnsembleClassifier(experts, random_state=0, **params).fit(*rows(n_rows))

    few, said = fitted(160), fitted(160, early_stopping=False)
    assert few.n_iter_ < said.n_iter_
    said = fitted(160, early_stopping=False, epochs=few.n_iter_)
    X, _ = rows(160)
    np.testing.assert_array_equal(few.predict_proba(X), said.predict_proba(X))
    assert fitted(300).n_iter_ == fitted(300, early_stopping=False).n_iter_


@pytest.mark.parametrize(
    "settings", [{"epochs": 4}, {"early_stopping": False}, {"early_stopping": True}, {"tol": None}]
)
def test_what_is_said_is_done(settings, monkeypatch):
    X, y = noisy()
    monkeypatch.setattr("skconstrain._base._estimator.best_epochs", None)  # a call would raise
    MultiLabelNetClassifier(n_networks=1, **ONE).set_params(**settings).fit(X, y)
    MultiLabelNetClassifier(n_networks=1, **ONE).fit(X[:49], y[:49])


@pytest.mark.parametrize("name", ["gate", "one network"])
def test_neither_order_nor_repetition_of_few_rows_changes_what_is_held_out(name):
    X, y = noisy(90)
    rng = np.random.default_rng(0)
    weight, order = rng.integers(0, 3, 90), rng.permutation(90)
    expected = networks()[name].fit(X, y, sample_weight=weight).predict_proba(X)
    shuffled = networks()[name].fit(X[order], y[order], sample_weight=weight[order])
    repeated = networks()[name].fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    for net in (shuffled, repeated):
        np.testing.assert_allclose(net.predict_proba(X), expected, rtol=1e-5)


def test_regressors_of_ranges_stop_on_held_out_rows_instead():
    X, y = noisy()
    net = PositiveRegressor(n_networks=1, **ONE).fit(X, 1.0 + y)
    assert len(net.validation_scores_) == net.n_iter_


def test_callbacks_see_the_training_on_all_rows_alone():
    import keras

    seen = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    X, y = noisy()
    net = MultiLabelNetClassifier(n_networks=1, callbacks=[note], **ONE).fit(X, y)
    assert seen == list(range(net.n_iter_))


@pytest.mark.parametrize("early_stopping", ["auto", True])
def test_classes_of_one_row_each_are_no_obstacle(early_stopping):
    X, _ = noisy(220)
    net = MultiLabelNetClassifier(n_networks=1, early_stopping=early_stopping, **ONE)
    assert len(net.fit(X, np.arange(220)).classes_) == 220
