"""Experts under a gate as a Keras model: networks that train together with it, or given scores."""

import keras

from skconstrain import layers
from skconstrain._networks._parts import (
    activation,
    constraint,
    embedding,
    kernel_initializer,
    saturated_features,
)
from skconstrain._networks._spec import GatedNetwork
from skconstrain.layers._affine import Affine
from skconstrain.layers._calibration import Calibration
from skconstrain.layers._columns import Columns
from skconstrain.layers._dropout import Dropout
from skconstrain.layers._gate import Gate
from skconstrain.layers._mixture import Mixture


def build_gated(network: GatedNetwork, initialized: bool) -> keras.Model:
    """Build the model: a gate over experts, and the logits of their mixture."""
    dtype = network.dtype
    inputs = keras.Input((network.n_features,), dtype=dtype, name="features")
    if network.scores is None:
        features, scores = inputs, None
    else:
        features, scores = _split(network, inputs)
    features = saturated_features(network)(features)
    if network.standardized:
        features = layers.Standardize(dtype=dtype, name="standardize")(features)
    if network.embedding is not None:
        features = embedding(network)(features)
    weights = _gate(network, features, initialized)
    if scores is None:
        logits = _experts(network, features, initialized)
    else:
        logits = _calibrated(network, scores)
    floored = network.gate.gating != "soft"
    mixture = Mixture(network.head.activation, floored=floored, dtype=dtype, name="mixture")
    outputs = network.head.build(mixture([weights, logits]), dtype)
    return keras.Model(inputs, outputs, name="network")


def _split(network, inputs):
    """Separate the features from the experts' scores behind them."""
    n_columns, cut, dtype = network.n_features, network.n_gate_features, network.dtype
    features = Columns(0, cut, (cut,), dtype=dtype, name="gate_features")(inputs)
    shape = (network.gate.n_experts, network.n_outputs)
    return features, Columns(cut, n_columns, shape, dtype=dtype, name="scores")(inputs)


def _gate(network, features, initialized):
    dtype, gate = network.dtype, network.gate
    values = features
    if not network.standardized:
        # Experts may bring their own preprocessing; the gate has this one.
        values = Affine(dtype=dtype, name="gate_scale")(features)
    settings = {"kernel_initializer": kernel_initializer(initialized), "dtype": dtype}
    for i, units in enumerate(gate.hidden_layer_sizes):
        function = activation(network.activation)
        dense = keras.layers.Dense(units, function, name=f"gate_hidden_{i}", **settings)
        values = layers.Saturate(dtype=dtype, name=f"gate_saturate_{i}")(dense(values))
    logits = keras.layers.Dense(gate.n_experts, name="gate_logits", **settings)(values)
    choose = Gate(
        gating=gate.gating,
        k=gate.k,
        gumbel=gate.gumbel,
        penalised=gate.is_penalised,
        dtype=dtype,
        name="gate",
    )
    return choose(logits)


def _experts(network, features, initialized):
    """All experts at once, as batched products."""
    dtype, values = network.dtype, features
    settings = {
        "n_models": network.gate.n_experts,
        "kernel_initializer": kernel_initializer(initialized),
        "kernel_constraint": constraint(network.kernel_constraint),
        "dtype": dtype,
    }
    for i, units in enumerate(network.hidden_layer_sizes):
        function = activation(network.activation)
        dense = layers.BatchedDense(units, activation=function, name=f"expert_{i}", **settings)
        values = dense(values)
        if network.dropout > 0:
            dropout = Dropout(network.dropout, seed=i, dtype=dtype, name=f"dropout_{i}")
            values = dropout(values)
        values = layers.Saturate(dtype=dtype, name=f"saturate_{i}")(values)
    return layers.BatchedDense(network.n_outputs, name="eta", **settings)(values)


def _calibrated(network, scores):
    known = network.scores
    return Calibration(known.trained, known.seen, dtype=network.dtype, name="eta")(scores)
