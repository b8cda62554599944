"""Networks: nothing is drawn from global state, every start value has a reason."""

import pickle
import random
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest

from skconstrain._engine import freeze, named_variables, precision
from skconstrain._formulas._links import LINKS
from skconstrain._networks import (
    AffineHead,
    BoundedOutputHead,
    FittedNetwork,
    GatedNetwork,
    Gating,
    LayeredNetwork,
    ProbabilityHead,
    ScoreColumns,
)
from skconstrain.connections import ConnectionMatrix
from tests.backends import tensorflow_only

COMMON = {
    "n_features": 4,
    "n_outputs": 2,
    "dtype": "float64",
    "hidden_layer_sizes": (6, 5),
    "activation": "relu",
    "dropout": 0.5,
    "kernel_constraint": None,
}
NETWORK = LayeredNetwork(head=BoundedOutputHead("softplus", 0.0, None), **COMMON)
WIRING = ConnectionMatrix(np.tri(4, 3))
CONNECTED = replace(
    NETWORK,
    connections=(WIRING,),
    head=AffineHead(),
    kernels=("sparse", "dense", "dense", "dense"),
    bias_connections=((True, False, True), None, None, None),
)
GATE = Gating(
    n_experts=3, hidden_layer_sizes=(7,), gating="hard", k=2, gumbel=True, is_penalised=True
)
GATED = GatedNetwork(head=ProbabilityHead("softmax"), gate=GATE, **COMMON)
SCORED = replace(
    GATED, n_features=10, scores=ScoreColumns((True, False, True), ((True, True),) * 3)
)
NETWORKS = {
    "dense": NETWORK,
    "bounded above": replace(NETWORK, head=BoundedOutputHead("sigmoid", 0.0, 1.0)),
    "without hidden layers": replace(NETWORK, hidden_layer_sizes=(), dropout=0.0),
    "connected": CONNECTED,
    "without biases": replace(CONNECTED, use_bias=False, bias_connections=(), dropout=0.0),
    "gated": GATED,
    "scored": SCORED,
}
for n_gate, n_expert, dropout in ((0, 0, 0.0), (0, 1, 0.5), (1, 3, 0.0), (3, 0, 0.5)):
    NETWORKS[f"gated {n_gate} {n_expert} {dropout}"] = replace(
        GATED,
        gate=replace(GATE, hidden_layer_sizes=tuple(range(8, 8 + n_gate))),
        hidden_layer_sizes=tuple(range(2, 2 + n_expert)),
        dropout=dropout,
    )
for sizes in ((), (7,), (8, 9, 10)):
    soft = replace(GATE, gating="soft", gumbel=False, hidden_layer_sizes=sizes)
    NETWORKS[f"several gated {len(sizes)}"] = replace(GATED, gate=soft, n_networks=2)
each_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


@pytest.fixture(autouse=True)
def _own_precision():
    with precision():
        yield


def test_building_draws_nothing_and_names_everything():
    random.seed(0)
    drawn = random.random()
    random.seed(0)
    names = [[v.path for v in NETWORK.build().trainable_variables] for _ in range(2)]
    assert random.random() == drawn
    assert names[0] == names[1]


def test_all_variables_are_in_the_precision_asked_for():
    for dtype in ("float32", "float64"):
        model = replace(NETWORK, dtype=dtype).build()
        floats = [v.dtype for v in model.variables if "float" in v.dtype]
        assert set(floats) == {dtype}
        assert keras.backend.standardize_dtype(model(np.zeros((1, 4))).dtype) == dtype


@each_network
def test_weights_are_known_without_a_model(network):
    variables = named_variables(network.build())
    assert sorted(weight.name for weight in network.weights) == sorted(variables)
    for weight in network.weights:
        assert weight.shape == tuple(variables[weight.name].shape)
        assert weight.is_trained == variables[weight.name].trainable


@each_network
def test_start_weights_have_the_types_of_the_model(network):
    start = network.initial_weights(np.random.default_rng(0), {})
    for name, variable in named_variables(network.build()).items():
        assert start[name].dtype == variable.dtype
        assert start[name].shape == tuple(variable.shape)


def test_start_weights():
    known = {"eta/bias": [1.0, 2.0], "output/scale": 7.0, "no such weight": 1.0}
    start = NETWORK.initial_weights(np.random.default_rng(0), known)
    bound = np.sqrt(6 / (4 + 6))
    assert 0 < np.abs(start["hidden_0/kernel"]).max() <= bound
    assert (start["hidden_0/bias"] == 0).all()
    assert (start["eta/kernel"] == 0).all()
    np.testing.assert_array_equal(start["eta/bias"], [1, 2])
    np.testing.assert_array_equal(start["output/scale"], [7, 7])
    assert start["dropout_0/rate"] == 0.5


@pytest.mark.parametrize("constraint", ["non_neg", keras.constraints.UnitNorm(axis=0)])
@pytest.mark.parametrize(
    ("network", "name"), [(NETWORK, "hidden_0/kernel"), (GATED, "expert_0/kernel")]
)
def test_kernels_start_behind_their_constraint(network, name, constraint):
    network = replace(network, kernel_constraint=constraint)
    start = network.initial_weights(np.random.default_rng(0), {})
    kernel = start[name]
    for array in kernel if kernel.ndim == 3 else [kernel]:
        project = keras.constraints.NonNeg() if constraint == "non_neg" else constraint
        np.testing.assert_allclose(project(keras.ops.convert_to_tensor(array)), array, rtol=1e-6)
        assert (array != 0).any()


@each_network
def test_kernel_size_is_that_of_the_model(network):
    kernels = [v for v in network.build().trainable_variables if v.name == "kernel"]
    assert network.kernel_size == sum(int(np.prod(v.shape)) for v in kernels)


def test_specifications_are_values_that_load_without_keras():
    stored, script = (
        pickle.dumps(list(NETWORKS.values())),
        "\n".join(
            [
                "import pickle, sys",
                "networks = pickle.loads(sys.stdin.buffer.read())",
                "print([[weight.name for weight in network.weights] for network in networks])",
                "assert not {'keras', 'tensorflow', 'jax'} & set(sys.modules)",
            ]
        ),
    )
    assert pickle.loads(stored) == list(NETWORKS.values())
    done = subprocess.run([sys.executable, "-c", script], input=stored, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    names = [[weight.name for weight in network.weights] for network in NETWORKS.values()]
    assert done.stdout.decode().strip() == str(names)


def test_the_rate_of_dropout_is_no_part_of_the_architecture():
    key = freeze(NETWORK.architecture())
    assert freeze(replace(NETWORK, dropout=0.1).architecture()) == key
    for other in (
        replace(NETWORK, dropout=0.0),
        replace(NETWORK, head=BoundedOutputHead("exp", 0.0, None)),
        replace(NETWORK, use_bias=False),
    ):
        assert freeze(other.architecture()) != key


def test_the_first_difference_is_named():
    assert NETWORK.first_difference(replace(NETWORK)) is None
    assert NETWORK.first_difference(replace(NETWORK, activation="tanh")) == "activation"


def test_an_activation_with_a_state_of_its_own_is_refused():
    network = replace(NETWORK, activation=keras.layers.Dropout(0.5))
    with pytest.raises(ValueError, match="activation must be a function without weights"):
        network.build()


HEADS = [
    *(BoundedOutputHead(name, 0.0, 9.0 if LINKS[name].two_sided else None) for name in LINKS),
    AffineHead(),
    ProbabilityHead("sigmoid"),
    ProbabilityHead("softmax"),
]


@tensorflow_only
@pytest.mark.parametrize("head", HEADS, ids=str)
def test_the_model_of_users_has_one_input_and_operations_that_shap_explains(head):
    import tensorflow as tf

    settings = replace(NETWORK, head=head, standardized=True)
    network, known = settings.found(np.random.default_rng(0).normal(size=(9, 4)), np.ones(9))
    weights = network.initial_weights(np.random.default_rng(0), known)
    model = FittedNetwork(network, weights).model()
    rows = tf.TensorSpec((None, 4), model.input.dtype)
    graph = tf.function(model).get_concrete_function(rows).graph
    # The operations for which its DeepExplainer has no rule.
    assert not {"SelectV2", "Sqrt"} & {operation.type for operation in graph.get_operations()}
