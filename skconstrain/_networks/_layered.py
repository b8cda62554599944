"""A stack of connected and dense layers."""

import itertools
from typing import NamedTuple

import keras
import numpy as np

from skconstrain import layers
from skconstrain._networks._parts import activation, constraint, kernel_initializer
from skconstrain.connections._matrix import ConnectionMatrix
from skconstrain.layers._affine import Affine
from skconstrain.layers._dropout import Dropout

_HEADS = {"Affine": Affine, "BoundedOutput": layers.BoundedOutput}


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


def build_stack(network: dict) -> keras.Model:
    """Build the model: inputs, connected layers, dense ones, outputs "eta", and a head if any."""
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
    settings = {
        "activation": activation(layer.activation),
        "use_bias": network.get("use_bias", True),
        "kernel_constraint": constraint(network["kernel_constraint"]),
        "dtype": network["dtype"],
        "name": layer.name,
    }
    if layer.connections is None:
        initializer = kernel_initializer(network)
        return keras.layers.Dense(layer.units, kernel_initializer=initializer, **settings)
    return layers.ConnectedDense(
        layer.connections,
        bias_connections=layer.bias_connections,
        kernel=layer.kernel,
        kernel_initializer="zeros",  # the weights to start from are loaded
        **settings,
    )


def kernel_sizes(network: dict) -> list[int]:
    """Return how many numbers each kernel holds."""
    return [layer.kernel_size for layer in weighted_layers(network)]


def n_units(network: dict) -> int:
    """Return how many values the layers hold for a row."""
    return sum(layer.units for layer in weighted_layers(network))


def supports_xla(network: dict) -> bool:
    """Whether XLA can compile the network."""
    return all(layer.kernel == "dense" for layer in weighted_layers(network))
