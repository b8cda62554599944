"""Connected and dense layers, each fed by the one before, as a Keras model."""

import keras

from skconstrain import layers
from skconstrain._networks._parts import (
    activation,
    constraint,
    embedding,
    feature_weighting,
    kernel_initializer,
    saturated_features,
)
from skconstrain._networks._spec import LayeredNetwork
from skconstrain.layers._dropout import Dropout


def build_layered(network: LayeredNetwork, initialized: bool) -> keras.Model:
    """Build the model: inputs, connected layers, dense ones, outputs "eta", and the head."""
    dtype = network.dtype
    inputs = keras.Input((network.n_features,), dtype=dtype, name="features")
    values = saturated_features(network)(inputs)
    if network.standardized:
        is_monotone = network.monotonic_cst is not None
        standardize = layers.Standardize(monotone=is_monotone, dtype=dtype, name="standardize")
        values = standardize(values)
    if network.embedding is not None:
        values = embedding(network)(values)
    if network.weighted:
        values = feature_weighting(network)(values)
    *hidden, last = network.layers
    for i, layer in enumerate(hidden):
        values = _keras_layer(network, layer, initialized)(values)
        if network.dropout > 0:
            dropout = Dropout(network.dropout, seed=i, dtype=dtype, name=f"dropout_{i}")
            values = dropout(values)
        values = layers.Saturate(dtype=dtype, name=f"saturate_{i}")(values)
    outputs = _keras_layer(network, last, initialized)(values)
    return keras.Model(inputs, network.head.build(outputs, dtype), name="network")


def _keras_layer(network, layer, initialized):
    if network.monotonic_cst is not None:
        return _monotonic_layer(network, layer, initialized)
    settings = {
        "activation": activation(layer.activation),
        "use_bias": network.use_bias,
        "kernel_constraint": constraint(network.kernel_constraint),
        "dtype": network.dtype,
        "name": layer.name,
    }
    if network.n_networks > 1:
        settings["kernel_initializer"] = kernel_initializer(initialized)
        return layers.BatchedDense(layer.units, network.n_networks, **settings)
    if layer.connections is None:
        initializer = kernel_initializer(initialized)
        return keras.layers.Dense(layer.units, kernel_initializer=initializer, **settings)
    return layers.ConnectedDense(
        layer.connections,
        bias_connections=layer.bias_connections,
        kernel=layer.kernel,
        kernel_initializer="zeros",  # the weights to start from are loaded
        **settings,
    )


def _monotonic_layer(network, layer, initialized):
    is_last = layer.name == "eta"
    return layers.MonotonicDense(
        layer.units,
        layer.monotonic_cst,
        layer.n_free,
        None if network.n_networks == 1 else network.n_networks,
        activation="linear" if is_last else network.monotone_activation,
        free_activation=activation(layer.activation),
        use_bias=network.use_bias,
        kernel_initializer=kernel_initializer(initialized),
        dtype=network.dtype,
        name=layer.name,
    )
