"""n_networks of a gate: the mean of several mixtures of experts."""

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_classification
from sklearn.linear_model import LogisticRegression

from skconstrain import GatedEnsembleClassifier
from skconstrain._gated._expert_probabilities import mean_experts
from skconstrain._networks import FittedNetwork
from skconstrain.layers._batch_weight import batch_weight
from skconstrain.layers._batched_dense import BatchedDense
from skconstrain.layers._gate import Gate
from skconstrain.layers._nested_dense import NestedDense

FAST = {"hidden_layer_sizes": (8,), "gate_hidden_layer_sizes": (6,), "epochs": 6, "random_state": 0}


def rows(n_rows=240, n_classes=3, **settings):
    settings = {"n_informative": 4, "n_clusters_per_class": 1, "random_state": 0, **settings}
    return make_classification(n_rows, 6, n_classes=n_classes, **settings)


def members(model):
    return [model._fitted.member(k) for k in range(model._fitted.network.n_networks)]


@pytest.mark.parametrize("n_frequencies", [0, 4])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_mean_of_all_mixtures_is_predicted(n_classes, n_frequencies):
    X, y = rows(n_classes=n_classes)
    model = GatedEnsembleClassifier(n_networks=3, n_frequencies=n_frequencies, **FAST).fit(X, y)
    each = [model._oof_prediction(one.predict(X)) for one in members(model)]
    assert not np.allclose(each[0], each[1], rtol=1e-3)
    np.testing.assert_allclose(model.predict_proba(X), np.mean(each, axis=0), rtol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_mean_gates_and_experts_give_the_prediction(n_classes):
    X, y = rows(n_classes=n_classes)
    model = GatedEnsembleClassifier(n_networks=3, **FAST).fit(X, y)
    gates = [one.layer(X, "gate") for one in members(model)]
    gate, parts = model.gate_proba(X), model.expert_predict_proba(X)
    np.testing.assert_allclose(gate, np.mean(gates, axis=0), rtol=1e-12)
    np.testing.assert_allclose(parts.sum(axis=2), 1, rtol=1e-12)
    mixture = np.einsum("nl,nlc->nc", gate, parts)
    np.testing.assert_allclose(model.predict_proba(X), mixture, rtol=1e-9)
    np.testing.assert_allclose(model.expert_usage_, gate.mean(axis=0), rtol=1e-6)


def test_experts_whose_gates_are_all_zero_have_a_probability():
    each = np.random.default_rng(0).dirichlet([1, 1, 1], (4, 2, 3))
    weights = np.zeros((4, 2, 3))
    weights[..., 0], weights[1:, 1, 1] = 1, 0.5
    found = mean_experts(weights, each)
    np.testing.assert_allclose(found[:, 2], each[:, :, 2].mean(axis=1))
    np.testing.assert_allclose(found[1:, 1], each[1:, 1, 1])


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, 5),
        ({"n_networks": 2}, 2),
        ({"gating": "hard"}, 1),
        ({"gating": "top_k"}, 1),
        ({"temperature": (2.0, 1.0)}, 1),
    ],
)
def test_only_soft_gates_of_one_temperature_are_several(params, expected):
    X, y = load_iris(return_X_y=True)
    model = GatedEnsembleClassifier(**{**FAST, "epochs": 1}, **params).fit(X, y)
    assert model._fitted.network.n_networks == expected
    experts = [("all", LogisticRegression()), ("few", LogisticRegression(C=0.1))]
    over = model.set_params(estimators=experts).fit(X / X.max(), y)
    assert over._fitted.network.n_networks == 1


def test_out_of_fold_predictions_are_those_of_the_mixture_that_lacks_the_row():
    X, y = rows()
    model = GatedEnsembleClassifier(**FAST).fit(X, y)
    each = np.array([model._oof_prediction(one.predict(X)) for one in members(model)])
    expected = each[model._oof_folds, np.arange(len(X))]
    np.testing.assert_allclose(model.oof_prediction_, expected, rtol=1e-9)


def test_gates_start_as_one_and_experts_do_not():
    X, y = rows()
    network = GatedEnsembleClassifier(**FAST).fit(X, y)._fitted.network
    start = network.initial_weights(np.random.default_rng(0), {})
    fitted = FittedNetwork(network, start)
    for name in ("gate_hidden_0/kernel", "gate_logits/kernel"):
        assert (fitted.weights[name] == fitted.weights[name][0]).all()
        assert fitted.weights[name].std() > 0
    kernel = fitted.weights["expert_0/kernel"]
    assert len(np.unique(kernel)) == kernel.size


def test_training_goes_on_with_several():
    X, y = rows()
    model = GatedEnsembleClassifier(**{**FAST, "warm_start": True}).fit(X, y)
    assert model.fit(X, y).n_iter_ == 12
    assert model.partial_fit(X, y).n_iter_ == 13
    assert model.score(X, y) > 0.5


def test_penalties_of_several_gates_are_added():
    rng = np.random.default_rng(0)
    logits, weight = rng.normal(size=(9, 2, 3)), rng.random((9, 2))
    weight[4:, 1] = 0

    def penalty(logits, weight):
        gate = Gate(penalised=True, dtype="float64")
        gate.build(logits.shape)
        gate.load_balance.assign(0.5)
        gate.entropy_penalty.assign(0.2)
        with batch_weight(weight):
            gate(logits, training=True)
        return float(gate.losses[0])

    apart = sum(penalty(logits[:, k], weight[:, k]) for k in range(2))
    np.testing.assert_allclose(penalty(logits, weight), apart, rtol=1e-12)


@pytest.mark.parametrize("shape", [(5, 4), (5, 2, 4), (5, 2, 3, 4)])
def test_nested_layers_are_those_of_each_network(shape):
    X = np.random.default_rng(0).normal(size=shape)
    settings = {"activation": "tanh", "kernel_constraint": "non_neg", "dtype": "float64"}
    nested = NestedDense(6, 2, 3, **settings)
    found = np.asarray(nested(X))
    assert found.shape == (5, 2, 3, 6)
    for k in range(2):
        one = BatchedDense(6, 3, **settings)
        one.build((None, 4))
        one.set_weights([np.asarray(weight)[k] for weight in nested.weights])
        values = X if X.ndim == 2 else X[:, k]
        np.testing.assert_allclose(found[:, k], np.asarray(one(values)), rtol=1e-12)
    kernel = np.asarray(nested.kernel.constraint(nested.kernel))
    np.testing.assert_array_equal(kernel, np.maximum(nested.kernel, 0))
