"""The forward pass in NumPy: it equals Keras', and keeps every range on hostile rows."""

import itertools
import pickle
from dataclasses import replace

import keras
import numpy as np
import pytest

from skconstrain._formulas._links import LINKS
from skconstrain._lazy_rows import LazyRows
from skconstrain._networks import (
    AffineHead,
    BoundedOutputHead,
    CompositionHead,
    FittedNetwork,
    GatedNetwork,
    Gating,
    LayeredNetwork,
    ProbabilityHead,
    QuantileHead,
    ScoreColumns,
)
from skconstrain._networks._activations import ACTIVATIONS
from skconstrain.connections import ConnectionMatrix
from tests.backends import BACKEND
from tests.registry import ROWS

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
# Its float64 functions have numbers of float32, and so have ours.
ROUNDED_BY_TENSORFLOW = ("gelu", "leaky_relu")
COMMON = {
    "n_features": 4,
    "n_outputs": 2,
    "dtype": "float64",
    "hidden_layer_sizes": (6, 5),
    "activation": "relu",
    "dropout": 0.5,
    "kernel_constraint": None,
}
DENSE = LayeredNetwork(head=AffineHead(), **COMMON)
WIRED = replace(
    DENSE,
    connections=(ConnectionMatrix(np.tri(4, 3)),),
    output_connections=ConnectionMatrix([[1, 0], [1, 1], [0, 1], [1, 0], [0, 1]]),
    kernels=("sparse", "dense", "dense", "dense"),
    bias_connections=((True, False, True), None, None, (False, True)),
    activation=("tanh", "relu", "swish"),
)
GATE = Gating(
    n_experts=3, hidden_layer_sizes=(7,), gating="soft", k=2, gumbel=False, is_penalised=True
)
GATED = GatedNetwork(head=ProbabilityHead("softmax"), gate=GATE, **COMMON)
SEEN = ((True, True), (True, False), (False, True))
SCORED = replace(GATED, n_features=10, scores=ScoreColumns((True, False, True), SEEN))

NETWORKS = {
    "dense": DENSE,
    "without hidden layers": replace(DENSE, hidden_layer_sizes=()),
    "standardized": replace(DENSE, standardized=True),
    "weighted": replace(DENSE, standardized=True, weight_features=True),
    "weighted, not standardized": replace(DENSE, weight_features=True, kernel_constraint="non_neg"),
    "weighted, several": replace(DENSE, standardized=True, weight_features=True, n_networks=3),
    "wired": WIRED,
    "wired, the other kernels": replace(WIRED, kernels=("dense", "dense", "dense", "sparse")),
    "wired, without biases": replace(WIRED, use_bias=False, bias_connections=()),
    "gate of one expert": replace(GATED, gate=replace(GATE, n_experts=1)),
    "gate of tanh units": replace(GATED, activation="tanh"),
    "gate without hidden layers": replace(GATED, gate=replace(GATE, hidden_layer_sizes=())),
}
for link in LINKS:
    bounded = BoundedOutputHead(link, -1.0, 3.0 if LINKS[link].two_sided else None)
    NETWORKS[f"into a range by {link}"] = replace(DENSE, head=bounded)
for ends in ((None, None), (-1.0, None), (None, 3.0), (-1.0, 3.0)):
    quantiles = replace(DENSE, head=QuantileHead((0.1, 0.2, 0.5, 0.9), *ends), n_outputs=4)
    NETWORKS[f"quantiles from {ends[0]} to {ends[1]}"] = quantiles
    NETWORKS[f"several, quantiles from {ends[0]} to {ends[1]}"] = replace(quantiles, n_networks=3)
    calibrated = replace(quantiles, head=replace(quantiles.head, calibrated=True), n_networks=3)
    NETWORKS[f"calibrated quantiles from {ends[0]} to {ends[1]}"] = calibrated
for name in sorted(ACTIVATIONS):
    NETWORKS[f"activation {name}"] = replace(DENSE, activation=name)
for name, head in {
    "values": BoundedOutputHead("sigmoid", 0.0, 1.0),
    "sigmoid": ProbabilityHead("sigmoid"),
    "softmax": ProbabilityHead("softmax"),
    "parts": CompositionHead(100.0),
}.items():
    NETWORKS[f"several, {name}"] = replace(DENSE, head=head, n_networks=3, standardized=True)
for gating, probability, base in itertools.product(
    ("soft", "hard", "top_k"), ("sigmoid", "softmax"), (GATED, SCORED)
):
    kind = "joint" if base is GATED else "given"
    NETWORKS[f"{gating}, {probability}, {kind}"] = replace(
        base,
        gate=replace(GATE, gating=gating),
        head=ProbabilityHead(probability),
        standardized=gating == "hard",
    )
for name, settings in {
    "as they are": {},
    "embedded": {"standardized": True, "n_frequencies": 4, "dropout": 0.0},
    "one expert": {"gate": replace(GATE, n_experts=1)},
    "without hidden layers": {"hidden_layer_sizes": ()},
}.items():
    several = replace(GATED, **settings, n_networks=3)
    NETWORKS[f"several mixtures, {name}"] = several
    NETWORKS[f"several mixtures, sigmoid, {name}"] = replace(
        several, head=ProbabilityHead("sigmoid")
    )
MONOTONE = LayeredNetwork(
    monotonic_cst=(1, 0, -1, 0), **{**COMMON, "head": AffineHead(), "standardized": True}
)
for name, head in {
    "values": BoundedOutputHead("softplus", 0.0, None, monotone=True),
    "a range": BoundedOutputHead("tanh", -1.0, 3.0, monotone=True),
    "sigmoid": ProbabilityHead("sigmoid", monotone=True),
}.items():
    NETWORKS[f"monotone, {name}"] = replace(MONOTONE, head=head)
    NETWORKS[f"monotone, several, {name}"] = replace(MONOTONE, head=head, n_networks=3)
    weighted = replace(MONOTONE, head=head, n_networks=3, weight_features=True)
    NETWORKS[f"monotone, weighted, {name}"] = weighted
embedded = {"standardized": True, "n_frequencies": 4}
NETWORKS["embedded"] = replace(DENSE, **embedded)
NETWORKS["embedded in a gate"] = replace(GATED, **embedded)
NETWORKS["monotone, embedded, several"] = replace(
    NETWORKS["monotone, weighted, a range"], n_frequencies=4
)
NETWORKS["monotone in all"] = replace(NETWORKS["monotone, values"], monotonic_cst=(1, -1, 1, 1))
# Of the networks of this name, rows have gaps, and their second feature has three codes.
for base in ("several, sigmoid", "monotone, weighted, a range", "embedded", "soft, softmax, given"):
    NETWORKS[f"tables, {base}"] = NETWORKS[base]
ROWS_TO_FIND = np.random.default_rng(2).normal(size=(30, 10))
TABLE = np.where(ROWS_TO_FIND > 1, np.nan, ROWS_TO_FIND)
TABLE[:, 1] = np.arange(30) % 3


def found(name, network):
    is_table = name.startswith("tables")
    X = (TABLE if is_table else ROWS_TO_FIND)[:, : network.n_features]
    return network.found(X, np.ones(30), (0, 3, 0, 0) if is_table else ())[0]


NETWORKS = {name: found(name, network) for name, network in NETWORKS.items()}
each_network = pytest.mark.parametrize("name", NETWORKS)


def fitted(network, size=0.5):
    """Return a network with weights of which none is zero, and those of a scale are positive."""
    rng, weights = np.random.default_rng(0), {}
    for weight in network.weights:
        if weight.name.endswith(("/seed", "/columns", "/numbers", "/flagged", "/codes")):
            weights[weight.name] = weight.initial(rng, {}, network.dtype)
            continue
        values = size * rng.normal(size=weight.shape)
        is_factor = weight.name.endswith(("/scale", "/gain", "/step", "/temperature"))
        values = np.exp(values) if is_factor else values
        weights[weight.name] = np.asarray(values, network.dtype)
    return FittedNetwork(network, weights)


def rows(network, n_rows=70):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n_rows, network.n_features)).astype(network.dtype)
    if network.encode is not None:
        X[:, :4] = np.where(X[:, :4] > 1, np.nan, X[:, :4])
        X[:, 1] = rng.integers(4, size=n_rows)
    return X


def assert_agree(ours, keras_values, dtype):
    assert ours.dtype == keras_values.dtype == dtype
    assert ours.shape == keras_values.shape
    size = max(1.0, float(np.abs(keras_values).max()))
    np.testing.assert_allclose(
        ours, keras_values, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * size
    )


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_fitted_estimators_predict_as_by_keras(row, dtype):
    X, y = row.data(0)
    model = row.make(dtype=dtype).fit(X, y)
    X = X.astype(dtype)
    assert model._fitted.network.runs_in_numpy
    assert_agree(model._fitted.predict(X), model._fitted._by_keras(X, "mean"), dtype)


@each_network
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_outputs_equal_those_of_keras(name, dtype):
    network = replace(NETWORKS[name], dtype=dtype)
    net, X = fitted(network), rows(network)
    ours, theirs = net.predict(X), net._by_keras(X, "mean")
    if network.activation in ROUNDED_BY_TENSORFLOW and BACKEND != "tensorflow":
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    else:
        assert_agree(ours, theirs, dtype)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name.startswith("several")])
def test_outputs_of_each_network_equal_those_of_keras(name):
    net, X = fitted(NETWORKS[name]), rows(NETWORKS[name])
    assert_agree(net.predict_each(X), net._by_keras(X, None), "float64")


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("wired", ["saturate_0", "saturate_1", "saturate_2"]),
        ("soft, softmax, joint", ["gate_logits", "gate", "eta"]),
        ("hard, softmax, joint", ["gate_logits", "gate", "eta"]),
        ("top_k, sigmoid, given", ["gate_logits", "gate", "eta"]),
    ],
)
def test_outputs_of_layers_equal_those_of_keras(name, layers):
    net, X = fitted(NETWORKS[name]), rows(NETWORKS[name])
    for layer in layers:
        ours = net.layer(X, layer)
        assert_agree(ours, net._by_keras(X, layer), "float64")


@pytest.mark.parametrize("gating", ["hard", "top_k"])
def test_of_equal_experts_the_first_ones_are_chosen(gating):
    network = replace(GATED, gate=replace(GATE, gating=gating, hidden_layer_sizes=()))
    weights = {name: np.zeros_like(array) for name, array in fitted(network).weights.items()}
    weights["gate/temperature"] += 1
    weights["gate_logits/bias"][:] = [-0.0, 0.0, -0.0]
    chosen = FittedNetwork(network, weights).layer(rows(network, 3), "gate")
    expected = [[1.0, 0.0, 0.0]] if gating == "hard" else [[0.5, 0.5, 0.0]]
    np.testing.assert_array_equal(chosen, np.repeat(expected, 3, axis=0))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("size", [0.0, 1e5, 1e30, np.inf])
@pytest.mark.parametrize("link", LINKS)
def test_ranges_hold_on_hostile_rows(link, size, dtype):
    lower, upper = -0.7, 0.1 if LINKS[link].two_sided else None
    for activation in ("relu", "swish", "exponential", "gelu", "elu", "softmax"):
        network = replace(
            DENSE, head=BoundedOutputHead(link, lower, upper), dtype=dtype, activation=activation
        )
        X = np.sign(rows(network)) * min(size, float(np.finfo(dtype).max))
        y = fitted(network).predict(X.astype(dtype)).astype(np.float64)
        assert np.isfinite(y).all()
        assert (y > lower).all() if LINKS[link].open_end else (y >= lower).all()
        assert upper is None or (y < upper).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("gating", ["soft", "hard", "top_k"])
def test_gates_are_distributions_on_hostile_rows(gating, dtype):
    network = replace(GATED, gate=replace(GATE, gating=gating), dtype=dtype)
    X = np.sign(rows(network)) * np.finfo(dtype).max
    gate = fitted(network).layer(X.astype(dtype), "gate")
    assert (gate >= 0).all()
    np.testing.assert_allclose(gate.sum(axis=1), 1, rtol=1e-6)
    assert ((gate > 0).sum(axis=1) <= {"soft": 3, "hard": 1, "top_k": 2}[gating]).all()


@pytest.mark.parametrize("name", ["dense", "several, softmax", "soft, softmax, joint"])
def test_blocks_and_rows_read_in_parts_change_nothing(name):
    net, X = fitted(NETWORKS[name]), rows(NETWORKS[name], 10_000)
    whole = net.predict(X)
    lazy = LazyRows(X, "float64", chunk_bytes=1000)
    np.testing.assert_array_equal(net.predict(lazy), whole)
    np.testing.assert_allclose(net.predict(X[-3:]), whole[-3:], rtol=1e-12)
    assert whole.flags.c_contiguous


def test_predicting_leaves_rows_and_weights_as_they_are():
    several = NETWORKS["weighted, several"]
    for network in (DENSE, NETWORKS["standardized"], several, WIRED, GATED, SCORED):
        net, X = fitted(network), rows(network)
        before = {name: array.copy() for name, array in net.weights.items()}, X.copy()
        net.predict(X)
        np.testing.assert_array_equal(X, before[1])
        np.testing.assert_equal(net.weights, before[0])


@pytest.mark.parametrize("name", ["dense", "wired", "monotone, values"])
def test_what_predicting_computes_is_no_part_of_a_pickle(name):
    net = fitted(NETWORKS[name])
    before = len(pickle.dumps(net))
    net.predict(rows(net.network))
    assert net.network == NETWORKS[name]
    assert len(pickle.dumps(net)) == before


@pytest.mark.parametrize("activation", [keras.activations.relu, "sparsemax"])
def test_activations_that_only_keras_knows_go_through_keras(activation):
    network = replace(DENSE, activation=activation)
    net, X = fitted(network), rows(network)
    assert not network.runs_in_numpy
    np.testing.assert_array_equal(net.predict(X), net._by_keras(X, "mean"))
