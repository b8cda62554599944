"""Fitted networks as Keras models: whole, or up to one of their layers."""

import keras
import numpy as np

from skconstrain import _engine
from skconstrain._networks._own_precision import with_own_precision
from skconstrain._networks._spec import Network


def build_fitted(network: Network, weights: list[np.ndarray]) -> keras.Model:
    """Build the model as users see it: with its weights, and probabilities for logits."""
    with _engine.precision():
        model = _with_mean(network, network.build(initialized=True))
        for variable, array in zip(_variables(model), weights, strict=True):
            variable.assign(array)
        outputs = network.head.build_fitted(model.outputs[0], network.dtype)
        if outputs is not model.outputs[0]:
            model = keras.Model(model.inputs[0], outputs, name="network")
        return with_own_precision(model)


def predict(network: Network, weights: list[np.ndarray], X) -> np.ndarray:
    """Return the network's outputs, shape (n_rows, n_outputs)."""
    key = _engine.freeze(network.architecture())
    return _engine.predict(key, lambda: (_with_mean(network, network.build()), None), weights, X)


def predict_each(network: Network, weights: list[np.ndarray], X) -> np.ndarray:
    """Return the outputs of each of several networks, shape (n_rows, n_networks, n_outputs)."""
    key = _engine.freeze([network.architecture(), "each"])
    return _engine.predict(key, lambda: (network.build(), None), weights, X)


def predict_layer(network: Network, weights: list[np.ndarray], X, name: str) -> np.ndarray:
    """Return the outputs of one layer of the network, a row each."""
    key = _engine.freeze([network.architecture(), name])
    return _engine.predict(key, lambda: _build_up_to(network, name), weights, X)


def _build_up_to(network, name):
    """Build the model that ends in one layer; return it, and the places of its weights."""
    model = network.build()
    part = keras.Model(model.inputs, model.get_layer(name).output)
    place = {variable.path: i for i, variable in enumerate(_variables(model))}
    return part, [place[variable.path] for variable in _variables(part)]


def _with_mean(network, model):
    """Return the model, behind which the mean of several networks is taken."""
    outputs = model.outputs[0]
    if len(outputs.shape) == 2:
        return model
    mean = network.head.build_mean(outputs, network.dtype)
    return keras.Model(model.inputs[0], mean, name="network")


def _variables(model):
    """Variables of a model, the trained ones first."""
    return [*model.trainable_variables, *model.non_trainable_variables]
