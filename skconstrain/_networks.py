"""The Keras models behind the estimators: pure functions of a plain specification.

A specification is a dict of plain Python values (and of what users passed: activations,
constraints). It is part of an estimator's fitted state, and the key of its compiled programs.
"""

import itertools
import math
from typing import NamedTuple

import keras
import numpy as np
from keras import initializers

from skconstrain import layers
from skconstrain._connections import ConnectionMatrix
from skconstrain.layers._affine import Affine
from skconstrain.layers._dropout import Dropout

# scikit-learn's names for what Keras calls otherwise.
_ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid"}
_HEADS = {"Affine": Affine, "BoundedOutput": layers.BoundedOutput}
_CONSTRAINTS = {"non_neg": keras.constraints.NonNeg}


class WeightedLayer(NamedTuple):
    """One layer with weights, as `network` specifies it.

    Without `connections` it is dense; `kernel` is "dense" or "sparse"; `bias_connections` are flags
    of the units or None.
    """

    name: str
    n_inputs: int
    units: int
    activation: object
    connections: ConnectionMatrix | None = None
    kernel: str = "dense"
    bias_connections: tuple | None = None

    @property
    def kernel_size(self) -> int:
        """How many numbers the trained kernel holds."""
        return self.connections.nnz if self.kernel == "sparse" else self.n_inputs * self.units


def weighted_layers(network: dict) -> list[WeightedLayer]:
    """Return the layers with weights, from the inputs to the outputs.

    Connected layers come first, then dense ones; the last one is "eta".
    """
    given = network.get("connections", ())
    sizes = network["hidden_layer_sizes"]
    names = [f"connected_{i}" for i in range(len(given))]
    names += [f"hidden_{i}" for i in range(len(sizes))]
    widths = [network["n_features"], *(matrix.shape[1] for matrix in given), *sizes]
    shapes = itertools.pairwise([*widths, network["n_outputs"]])
    connections = [*given, *[None] * len(sizes), network.get("output_connections")]
    kernels = network.get("kernels", ("dense",) * len(connections))
    flags = network.get("bias_connections", (None,) * len(connections))
    activations = network["activation"]
    if not isinstance(activations, tuple):
        activations = (activations,) * len(names)
    columns = ([*names, "eta"], shapes, [*activations, "linear"], connections, kernels, flags)
    return [WeightedLayer(name, *shape, *rest) for name, shape, *rest in zip(*columns, strict=True)]


def build_network(network: dict) -> keras.Model:
    """Build the model that `network` describes.

    Every part has a name and a seed of its own: Keras would otherwise draw them from global state.
    """
    dtype = network["dtype"]
    inputs = keras.Input((network["n_features"],), dtype=dtype, name="features")
    values = layers.Saturate(dtype=dtype, name="saturate_features")(inputs)
    *hidden, last = weighted_layers(network)
    for i, layer in enumerate(hidden):
        values = _keras_layer(network, layer)(values)
        if network["dropout"] > 0:
            dropout = Dropout(network["dropout"], seed=i, dtype=dtype, name=f"dropout_{i}")
            values = dropout(values)
        values = layers.Saturate(dtype=dtype, name=f"saturate_{i}")(values)
    outputs = _keras_layer(network, last)(values)
    if "head" in network:
        layer_name, options = network["head"]
        outputs = _HEADS[layer_name](**options, dtype=dtype, name="output")(outputs)
    return keras.Model(inputs, outputs, name="network")


def build_fitted(network: dict, weights: list) -> keras.Model:
    """Build the model as users see it: with its weights, and probabilities instead of logits."""
    model = build_network(network)
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    for variable, array in zip(variables, weights, strict=True):
        variable.assign(array)
    if "probability" not in network:
        return model
    activation = keras.layers.Activation(
        network["probability"], dtype=network["dtype"], name="probability"
    )
    return keras.Model(model.inputs, activation(model.outputs[0]), name="network")


def build_up_to(network: dict, number: int) -> keras.Model:
    """Build the model that ends in the units of one hidden layer."""
    model = build_network(network)
    return keras.Model(model.inputs, model.get_layer(f"saturate_{number}").output)


def weights_up_to(network: dict, weights: list, number: int) -> list:
    """Return those of the weights that :func:`build_up_to` needs, in its order."""
    each = 2 if network.get("use_bias", True) else 1
    n_trained = each * len(weighted_layers(network))
    n_seeds = number + 1 if network["dropout"] > 0 else 0
    return [*weights[: each * (number + 1)], *weights[n_trained : n_trained + n_seeds]]


def layer_weights(network: dict, weights: list) -> list:
    """Return kernel and bias of each layer with weights.

    The kernel is a csr_array where the layer has given connections, with a stored entry for each;
    biases are zeros where there are none.
    """
    found, left = [], iter(weights)
    for layer in weighted_layers(network):
        kernel = next(left)
        if layer.connections is not None:
            kernel = layer.connections.tocsr(_connection_values(layer, kernel))
        bias = next(left) if network.get("use_bias", True) else np.zeros(layer.units, kernel.dtype)
        if layer.bias_connections is not None:
            bias = bias * np.asarray(layer.bias_connections, bias.dtype)
        found.append((kernel, bias))
    return found


def _connection_values(layer, kernel):
    matrix = layer.connections
    return kernel if layer.kernel == "sparse" else kernel[matrix.rows, matrix.columns]


def _keras_layer(network, layer):
    constraint = network["kernel_constraint"]
    if isinstance(constraint, str):
        constraint = _CONSTRAINTS[constraint]()
    settings = {
        "activation": _activation(layer.activation),
        "use_bias": network.get("use_bias", True),
        "kernel_constraint": constraint,
        "dtype": network["dtype"],
        "name": layer.name,
    }
    if layer.connections is None:
        initializer = initializers.GlorotUniform(seed=0)
        return keras.layers.Dense(layer.units, kernel_initializer=initializer, **settings)
    return layers.ConnectedDense(
        layer.connections,
        bias_connections=layer.bias_connections,
        kernel=layer.kernel,
        kernel_initializer="zeros",  # the weights to start from are loaded
        **settings,
    )


def _activation(activation):
    if not isinstance(activation, str):
        return activation
    try:
        return keras.activations.get(_ACTIVATIONS.get(activation, activation))
    except ValueError as error:
        raise ValueError(
            f"activation={activation!r} is not known. Use one of scikit-learn's names (identity, "
            "logistic, tanh, relu), a name from keras.activations, or a callable."
        ) from error


def kernel_size(network: dict) -> int:
    """Return how many numbers the kernels of the network hold."""
    return sum(layer.kernel_size for layer in weighted_layers(network))


def supports_xla(network: dict) -> bool:
    """Whether XLA can compile the network."""
    return all(layer.kernel == "dense" for layer in weighted_layers(network))


def initial_weights(model: keras.Model, network: dict, rng, known: dict) -> list:
    """Draw weights to start from: trained ones first, in the model's order.

    Hidden kernels are Glorot-uniform as in scikit-learn's MLP; the last kernel is zero, so that
    every output starts at its bias whatever the scale of the features. `known` maps paths of
    variables to their values; seeds are drawn; what is left keeps the model's own value.
    """
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    by_name = {layer.name: layer for layer in weighted_layers(network)}
    return [_initial_value(variable, model, by_name, rng, known) for variable in variables]


def _initial_value(variable, model, layers_by_name, rng, known):
    shape, owner = tuple(variable.shape), variable.path.partition("/")[0]
    if variable.path in known:
        value = known[variable.path]
    elif variable.path == "eta/kernel" or variable.name == "bias":
        value = 0.0
    elif variable.name == "kernel":
        value = _initial_kernel(model.get_layer(owner), layers_by_name[owner], rng)
        if variable.constraint is not None:
            value = variable.constraint(keras.ops.convert_to_tensor(value, variable.dtype))
    elif variable.name == "seed_generator_state":
        value = [rng.integers(2**31), 0]
    else:
        value = variable
    return np.broadcast_to(np.asarray(value, variable.dtype), shape).copy()


def _initial_kernel(keras_layer, layer, rng):
    """Draw Glorot-uniform weights; of the same numbers for both kernels of connections."""
    share = 1 / 3 if layer.activation in ("logistic", "sigmoid") else 1.0
    if layer.connections is None:
        bound = math.sqrt(6 * share / (layer.n_inputs + layer.units))
        return rng.uniform(-bound, bound, (layer.n_inputs, layer.units))
    bounds = math.sqrt(share) * keras_layer.initial_bounds()
    return keras_layer.kernel_of(rng.uniform(-1, 1, len(bounds)) * bounds)
