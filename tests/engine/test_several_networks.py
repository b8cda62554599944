"""Several networks as one model: each trains as it would alone, on its own rows."""

import keras
import numpy as np
import pytest

from skconstrain import PositiveRegressor
from skconstrain._base._runs import run_program
from skconstrain._engine import TrainingRun
from skconstrain._keras_wrapper import NetWrapper
from skconstrain._networks import (
    BoundedOutputHead,
    FittedNetwork,
    LayeredNetwork,
    ProbabilityHead,
)
from tests.backends import compiled
from tests.chunks import chunks_of

K = 3


def network(n_networks, *, n_outputs=2, sizes=(6, 4), constraint=None, head=None):
    """Return a network of three features in double precision."""
    return LayeredNetwork(
        n_features=3,
        n_outputs=n_outputs,
        dtype="float64",
        hidden_layer_sizes=sizes,
        activation="tanh",
        dropout=0.0,
        kernel_constraint=constraint,
        head=head or BoundedOutputHead("softplus", 0.0, None),
        n_networks=n_networks,
    )


def data(n_rows=60, n_outputs=2):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 3))
    return X, rng.uniform(0.1, 3, (n_rows, n_outputs)), rng.uniform(0.5, 2, n_rows)


def train(net, run, *, optimizer="adam", loss=None):
    """Train a network as a run says, without an estimator."""
    loss = loss or keras.losses.MeanSquaredError()
    return run_program(NetWrapper(net, loss=loss, optimizer=optimizer), run)


def slice_of(weights, net, k):
    """Return the weights of one of several networks."""
    return {w.name: weights[w.name][k] if w.is_trained else weights[w.name] for w in net.weights}


def compare(*, folds, optimizer="adam", constraint=None, alpha=0.1, **more):
    """Train K networks at once, and each alone on its rows; compare weights and losses."""
    X, y, weight = data()
    several, one = network(K, constraint=constraint), network(1, constraint=constraint)
    start = several.initial_weights(np.random.default_rng(1), {})
    common = {"X": X, "y": y, "batch_size": 16, "epochs": 12, "alpha": alpha}
    common |= {"learning_rate": 0.01, "early_stopping": folds is not None}
    run = TrainingRun(
        weight=weight, folds=folds, start=start, rng=np.random.default_rng(2), **common, **more
    )
    result = train(several, run, optimizer=optimizer)
    losses = []
    for k in range(K):
        held_out = np.zeros(len(X), bool) if folds is None else folds == k
        validation = None if folds is None else (X[held_out], y[held_out], weight[held_out])
        alone = TrainingRun(
            weight=np.where(held_out, 0, weight),
            validation=validation,
            start=slice_of(start, several, k),
            rng=np.random.default_rng(2),
            **common,
            **more,
        )
        expected = train(one, alone, optimizer=optimizer)
        losses.append(expected.losses)
        found = slice_of(result.weights, several, k)
        for name, array in expected.weights.items():
            np.testing.assert_allclose(found[name], array, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(result.losses, np.mean(losses, axis=0), rtol=1e-8)


@pytest.mark.parametrize("by_xla", [True, False])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_each_trains_as_it_does_alone(optimizer, by_xla):
    with compiled(by_xla):
        compare(folds=None, optimizer=optimizer)


@pytest.mark.parametrize("every", [1, 5])
def test_each_trains_without_its_fold_and_keeps_its_best_epoch(every):
    # The penalty is in proportion to the mean weight, which differs a little from fold to fold.
    compare(folds=np.arange(60) % K, alpha=0.0, validate_every=every)


def test_constraints_are_those_of_each():
    compare(folds=None, constraint=keras.constraints.MaxNorm(0.5))
    compare(folds=None, constraint="non_neg")


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_the_mean_of_probabilities_is_predicted(activation):
    net = network(K, head=ProbabilityHead(activation))
    rng = np.random.default_rng(0)
    fitted = FittedNetwork(net, {w.name: rng.normal(size=w.shape) * 3 for w in net.weights})
    X = data()[0]
    logits = fitted.predict_each(X)
    softmax = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    probability = softmax if activation == "softmax" else 1 / (1 + np.exp(-logits))
    shown = fitted.model().predict(X, verbose=0)
    np.testing.assert_allclose(shown, probability.mean(axis=1), rtol=1e-5)
    logit = fitted.predict(X)
    mean = probability.mean(axis=1)
    expected = np.log(mean) - (np.log(1 - mean) if activation == "sigmoid" else 0)
    np.testing.assert_allclose(logit, expected, rtol=1e-9)


def test_the_mean_is_between_the_networks_predictions():
    net = network(K)
    rng = np.random.default_rng(0)
    weights = {w.name: rng.normal(size=w.shape) for w in net.weights}
    weights |= {name: np.abs(a) for name, a in weights.items() if name.startswith("output")}
    X = data()[0] * np.logspace(-3, 300, 60)[:, None]
    fitted = FittedNetwork(net, weights)
    each, mean = fitted.predict_each(X), fitted.predict(X)
    assert (mean >= each.min(axis=1)).all()
    assert (mean <= each.max(axis=1)).all()


def test_hidden_kernels_start_apart():
    start = network(K).initial_weights(np.random.default_rng(0), {})
    first, second, _ = start["hidden_0/kernel"]
    assert not np.array_equal(first, second)


def test_a_chunk_at_a_time():
    X, y, _ = data(200, 1)
    settings = {"n_networks": K, "epochs": 5, "batch_size": 20, "tol": None, "random_state": 0}
    settings |= {"early_stopping": True}
    with chunks_of(1000):
        chunked = PositiveRegressor((6,), **settings).fit(X, y[:, 0])
    whole = PositiveRegressor((6,), **settings).fit(X, y[:, 0])
    assert chunked.oof_prediction_.shape == (200,)
    # Rows come in another order.
    assert np.corrcoef(chunked.predict(X), whole.predict(X))[0, 1] > 0.9
