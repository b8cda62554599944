"""Experts under a gate: networks that train together with it, or given scores."""

import itertools
from dataclasses import dataclass

import keras

from skconstrain import layers
from skconstrain._networks._parts import activation, constraint, kernel_initializer
from skconstrain.layers._affine import Affine
from skconstrain.layers._calibration import Calibration
from skconstrain.layers._columns import Columns
from skconstrain.layers._dropout import Dropout
from skconstrain.layers._gate import Gate
from skconstrain.layers._mixture import Mixture


def build_gated(network: dict) -> keras.Model:
    """Build the model: a gate over experts, and the logits of their mixture.

    ``network["gate"]`` holds `n_experts`, `hidden_layer_sizes`, `gating`, `k`, `gumbel`,
    `penalised` and `scores`: None for experts that are networks, else `trained` and `seen` of
    :class:`Calibration`, and the inputs end in the experts' scores. Its parts are called "gate",
    "eta" (the experts' logits) and "mixture".
    """
    dtype, gate = network["dtype"], network["gate"]
    inputs = keras.Input((network["n_features"],), dtype=dtype, name="features")
    if gate["scores"] is None:
        features, scores = inputs, None
    else:
        features, scores = _split(network, inputs)
    features = layers.Saturate(dtype=dtype, name="saturate_features")(features)
    weights = _gate(network, features)
    logits = _experts(network, features) if scores is None else _calibrated(network, scores)
    mixture = Mixture(
        network["probability"], floored=gate["gating"] != "soft", dtype=dtype, name="mixture"
    )
    return keras.Model(inputs, mixture([weights, logits]), name="network")


def _split(network, inputs):
    """Separate the features from the experts' scores behind them."""
    n_experts, n_outputs = network["gate"]["n_experts"], network["n_outputs"]
    n_columns, dtype = network["n_features"], network["dtype"]
    cut = n_columns - n_experts * n_outputs
    features = Columns(0, cut, (cut,), dtype=dtype, name="gate_features")(inputs)
    shape = (n_experts, n_outputs)
    return features, Columns(cut, n_columns, shape, dtype=dtype, name="scores")(inputs)


def _gate(network, features):
    dtype, gate = network["dtype"], network["gate"]
    # Experts bring their own preprocessing; the gate has this one.
    values = Affine(dtype=dtype, name="gate_scale")(features)
    settings = {"kernel_initializer": kernel_initializer(network), "dtype": dtype}
    for i, units in enumerate(gate["hidden_layer_sizes"]):
        function = activation(network["activation"])
        dense = keras.layers.Dense(units, function, name=f"gate_hidden_{i}", **settings)
        values = layers.Saturate(dtype=dtype, name=f"gate_saturate_{i}")(dense(values))
    logits = keras.layers.Dense(gate["n_experts"], name="gate_logits", **settings)(values)
    options = {name: gate[name] for name in ("gating", "k", "gumbel", "penalised")}
    return Gate(**options, dtype=dtype, name="gate")(logits)


def _experts(network, features):
    """All experts at once, as batched products."""
    dtype, values = network["dtype"], features
    settings = {
        "n_models": network["gate"]["n_experts"],
        "kernel_initializer": kernel_initializer(network),
        "kernel_constraint": constraint(network["kernel_constraint"]),
        "dtype": dtype,
    }
    for i, units in enumerate(network["hidden_layer_sizes"]):
        function = activation(network["activation"])
        dense = layers.BatchedDense(units, activation=function, name=f"expert_{i}", **settings)
        values = dense(values)
        if network["dropout"] > 0:
            dropout = Dropout(network["dropout"], seed=i, dtype=dtype, name=f"dropout_{i}")
            values = dropout(values)
        values = layers.Saturate(dtype=dtype, name=f"saturate_{i}")(values)
    return layers.BatchedDense(network["n_outputs"], name="eta", **settings)(values)


def _calibrated(network, scores):
    options = network["gate"]["scores"]
    return Calibration(**options, dtype=network["dtype"], name="eta")(scores)


def kernel_sizes(network: dict) -> list[int]:
    """Return how many numbers each kernel holds."""
    gate, n_features = network["gate"], network["n_features"]
    n_experts, sizes = gate["n_experts"], network["hidden_layer_sizes"]
    if gate["scores"] is not None:
        n_features -= n_experts * network["n_outputs"]
    widths = [n_features, *gate["hidden_layer_sizes"], n_experts]
    found = [below * above for below, above in itertools.pairwise(widths)]
    if gate["scores"] is None:
        widths = [n_features, *sizes, network["n_outputs"]]
        found += [n_experts * below * above for below, above in itertools.pairwise(widths)]
    return found


def n_units(network: dict) -> int:
    """Return how many values the layers hold for a row."""
    gate = network["gate"]
    of_expert = network["n_outputs"]
    if gate["scores"] is None:
        of_expert += sum(network["hidden_layer_sizes"])
    return sum(gate["hidden_layer_sizes"]) + gate["n_experts"] * (1 + of_expert)


@dataclass(frozen=True)
class TemperatureSchedule:
    """Temperature of the gate: lowered geometrically, from the first of `n_epochs` to the last."""

    start: float
    end: float
    n_epochs: int

    def __call__(self, epoch: int) -> float:
        """Return the temperature of an epoch, the first of which is 0."""
        share = min(epoch / max(self.n_epochs - 1, 1), 1.0)
        return self.start * (self.end / self.start) ** share
