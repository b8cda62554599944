"""The Keras models behind the estimators: pure functions of a plain specification.

A specification is a dict of plain Python values (and of what users passed: activations,
constraints). It is part of an estimator's fitted state, and the key of its compiled programs.
"""

import math

import keras
import numpy as np

from skconstrain._engine import precision
from skconstrain._networks import _gated
from skconstrain._networks import _layered as _stack
from skconstrain._networks._gated import TemperatureSchedule
from skconstrain._networks._layered import layer_weights
from skconstrain._networks._own_precision import with_own_precision
from skconstrain.layers import ConnectedDense

__all__ = [
    "TemperatureSchedule",
    "architecture",
    "build_fitted",
    "build_network",
    "build_part",
    "initial_weights",
    "kernel_size",
    "layer_weights",
    "n_units",
    "supports_xla",
]


def build_network(network: dict) -> keras.Model:
    """Build the model that `network` describes.

    Every part has a name and a seed of its own: Keras would otherwise draw them from global state.
    """
    return _gated.build_gated(network) if "gate" in network else _stack.build_stack(network)


def build_fitted(network: dict, weights: list) -> keras.Model:
    """Build the model as users see it: with its weights, and probabilities instead of logits."""
    with precision():
        model = build_network({**network, "initialized": True})
        for variable, array in zip(_weights_of(model), weights, strict=True):
            variable.assign(array)
        if "probability" in network:
            activation = keras.layers.Activation(
                network["probability"], dtype=network["dtype"], name="probability"
            )
            model = keras.Model(model.inputs, activation(model.outputs[0]), name="network")
        return with_own_precision(model)


def build_part(network: dict, layer_name: str) -> tuple[keras.Model, list[int]]:
    """Build the model that ends in one layer.

    Returns
    -------
    model, used
        The model, and the places of its weights among those of the whole network.
    """
    model = build_network(network)
    part = keras.Model(model.inputs, model.get_layer(layer_name).output)
    place = {variable.path: i for i, variable in enumerate(_weights_of(model))}
    return part, [place[variable.path] for variable in _weights_of(part)]


def _weights_of(model):
    """Variables of a model, the trained ones first."""
    return [*model.trainable_variables, *model.non_trainable_variables]


def architecture(network: dict) -> dict:
    """Return what of `network` asks for a program of its own: the rate of dropout does not."""
    return {**network, "dropout": network["dropout"] > 0}


def kernel_size(network: dict) -> int:
    """Return how many numbers the kernels of the network hold."""
    kind = _gated if "gate" in network else _stack
    return sum(kind.kernel_sizes(network))


def n_units(network: dict) -> int:
    """Return how many values the layers hold for a row."""
    kind = _gated if "gate" in network else _stack
    return kind.n_units(network)


def supports_xla(network: dict) -> bool:
    """Whether XLA can compile the network."""
    return "gate" in network or _stack.supports_xla(network)


def initial_weights(model: keras.Model, rng, known: dict) -> list:
    """Draw weights to start from: trained ones first, in the model's order.

    Hidden kernels are Glorot-uniform as in scikit-learn's MLP; the last kernel is zero, so that
    every output starts at its bias whatever the scale of the features. `known` maps paths of
    variables, or their names, to their values; seeds are drawn; what is left keeps the model's own
    value.
    """
    return [_initial_value(variable, model, rng, known) for variable in _weights_of(model)]


def _initial_value(variable, model, rng, known):
    shape = tuple(variable.shape)
    if variable.path in known or variable.name in known:
        value = known.get(variable.path, known.get(variable.name))
    elif variable.path == "eta/kernel" or variable.name == "bias":
        value = 0.0
    elif variable.name == "kernel":
        value = _initial_kernel(model.get_layer(variable.path.partition("/")[0]), shape, rng)
        if variable.constraint is not None:
            value = variable.constraint(keras.ops.convert_to_tensor(value, variable.dtype))
    elif variable.name == "seed_generator_state":
        value = [rng.integers(2**31), 0]
    else:
        value = variable
    return np.broadcast_to(np.asarray(value, variable.dtype), shape).copy()


def _initial_kernel(layer, shape, rng):
    """Draw Glorot-uniform weights; of the same numbers for both kernels of connections."""
    share = 1 / 3 if layer.activation is keras.activations.sigmoid else 1.0
    if isinstance(layer, ConnectedDense):
        bounds = math.sqrt(share) * layer.initial_bounds()
        return layer.kernel_of(rng.uniform(-1, 1, len(bounds)) * bounds)
    # The last two: a kernel of several models has one more.
    bound = math.sqrt(6 * share / sum(shape[-2:]))
    return rng.uniform(-bound, bound, shape)
