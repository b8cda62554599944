"""The Keras models behind the estimators: pure functions of a plain specification.

A specification is a dict of plain Python values (and of what users passed: activations,
constraints). It is part of an estimator's fitted state, and the key of its compiled programs.
"""

import itertools
import math

import keras
import numpy as np
from keras import initializers

from skconstrain import layers
from skconstrain.layers._dropout import Dropout

# scikit-learn's names for what Keras calls otherwise.
_ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid"}
_CONSTRAINTS = {"non_neg": keras.constraints.NonNeg}


def build_network(network: dict) -> keras.Model:
    """Build the model that `network` describes.

    Every part has a name and a seed of its own: Keras would otherwise draw them from global state.
    """
    dtype = network["dtype"]
    inputs = keras.Input((network["n_features"],), dtype=dtype, name="features")
    values = layers.Saturate(dtype=dtype, name="saturate_features")(inputs)
    for i, units in enumerate(network["hidden_layer_sizes"]):
        values = _dense(network, units, f"hidden_{i}", _activation(network["activation"]))(values)
        if network["dropout"] > 0:
            dropout = Dropout(network["dropout"], seed=i, dtype=dtype, name=f"dropout_{i}")
            values = dropout(values)
        values = layers.Saturate(dtype=dtype, name=f"saturate_{i}")(values)
    outputs = _dense(network, network["n_outputs"], "eta", "linear")(values)
    if "head" in network:
        layer_name, options = network["head"]
        outputs = getattr(layers, layer_name)(**options, dtype=dtype, name="output")(outputs)
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


def _dense(network, units, name, activation):
    constraint = network["kernel_constraint"]
    if isinstance(constraint, str):
        constraint = _CONSTRAINTS[constraint]()
    return keras.layers.Dense(
        units,
        activation=activation,
        kernel_initializer=initializers.GlorotUniform(seed=0),
        kernel_constraint=constraint,
        dtype=network["dtype"],
        name=name,
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


def kernel_shapes(network: dict) -> list[tuple[int, int]]:
    """Return the shapes of the kernels, from the inputs to the outputs."""
    widths = [network["n_features"], *network["hidden_layer_sizes"], network["n_outputs"]]
    return list(itertools.pairwise(widths))


def initial_weights(model: keras.Model, network: dict, rng, known: dict) -> list:
    """Draw weights to start from: trained ones first, in the model's order.

    Hidden kernels are Glorot-uniform as in scikit-learn's MLP; the last kernel is zero, so that
    every output starts at its bias whatever the scale of the features. `known` maps paths of
    variables to their values; seeds are drawn; what is left keeps the model's own value.
    """
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    return [_initial_value(variable, network, rng, known) for variable in variables]


def _initial_value(variable, network, rng, known):
    shape = tuple(variable.shape)
    if variable.path in known:
        value = known[variable.path]
    elif variable.path == "eta/kernel" or variable.name == "bias":
        value = 0.0
    elif variable.name == "kernel":
        gain = 2 if network["activation"] in ("logistic", "sigmoid") else 6
        bound = math.sqrt(gain / sum(shape))
        value = rng.uniform(-bound, bound, shape)
        if variable.constraint is not None:
            value = variable.constraint(keras.ops.convert_to_tensor(value, variable.dtype))
    elif variable.name == "seed_generator_state":
        value = [rng.integers(2**31), 0]
    else:
        value = variable
    return np.broadcast_to(np.asarray(value, variable.dtype), shape).copy()
