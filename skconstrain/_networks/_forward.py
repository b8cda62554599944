"""Predictions in NumPy: the forward pass of a network, without Keras.

Values of several networks, and of several experts, have shape (n_networks, n_rows, n_units) on the
way: one product for each of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from skconstrain._cosine import cosine_of_turns
from skconstrain._lazy_rows import LazyRows
from skconstrain._links import (
    FARTHEST_STANDARDIZED,
    FEATURE_RATE,
    STANDARDIZED_LIMIT,
    UNSEEN_LOGIT,
    calibrated,
    limit_of_features,
    saturation_limit,
)
from skconstrain._networks._functions import (
    ACTIVATIONS,
    BOUNDED,
    largest,
    log_probability,
    softmax,
    softmax_over,
)

if TYPE_CHECKING:
    from skconstrain._networks._spec import GatedNetwork, LayeredNetwork, Network

# A block of rows has at most so many rows, and values in its widest layer: they stay in a
# processor's cache.
_BLOCK_ROWS = 4096
_BLOCK_VALUES = 2**18


def is_supported(network: "Network") -> bool:
    """Whether all activations of a network are known by name; else Keras predicts."""
    names = network.activation
    names = names if isinstance(names, tuple) else (names,)
    return all(isinstance(name, str) and name in ACTIVATIONS for name in names)


class Forward(ABC):
    """The forward pass of a network.

    Parameters
    ----------
    network : LayeredNetwork or GatedNetwork
        The specification.
    """

    def __init__(self, network):
        self._dtype = np.dtype(network.dtype)
        self._limit = saturation_limit(self._dtype)
        self._names, self._head = network.weight_names, network.head
        self._standardized, self._n_standardized = network.standardized, network.n_standardized
        self._limit_of_features = limit_of_features(self._dtype, network.standardized)
        self._embedding, self._several = network.embedding, network.n_networks > 1
        waves = network.n_networks * network.n_waves
        widest = max(network.n_features, waves, self._widest(network))
        self._length = max(1, min(_BLOCK_ROWS, _BLOCK_VALUES // widest))

    def predict(self, weights: list[np.ndarray], X) -> np.ndarray:
        """Return the outputs, shape (n_rows, n_outputs)."""
        return self._of_blocks(weights, X, self._outputs)

    def predict_each(self, weights: list[np.ndarray], X) -> np.ndarray:
        """Return the outputs of each of several networks, (n_rows, n_networks, n_outputs)."""
        return self._of_blocks(weights, X, self._each)

    def predict_layer(self, weights: list[np.ndarray], X, name: str) -> np.ndarray:
        """Return the outputs of one layer, a row each."""
        return self._of_blocks(weights, X, lambda named, part: self._layer(named, part, name))

    def _of_blocks(self, weights, X, outputs):
        """Return what `outputs` returns for each block of rows, in one array."""
        named = self._computed(dict(zip(self._names, weights, strict=True)))
        load = X.load if isinstance(X, LazyRows) else X.__getitem__
        found = None
        # Values that overflow are saturated in the next step.
        with np.errstate(all="ignore"):
            for start in range(0, max(len(X), 1), self._length):
                rows = slice(start, start + self._length)
                part = outputs(named, load(rows).astype(self._dtype, copy=False))
                part = part if part.ndim == 2 else np.moveaxis(part, 0, 1)
                if found is None:
                    found = np.empty((len(X), *part.shape[1:]), part.dtype)
                found[rows] = part
        return found

    def _computed(self, named):
        """Return weights as the passes use them."""
        return named

    def _layer(self, named, X, name):
        for layer, values in self._layers(named, X):
            if layer == name:
                return values
        raise KeyError(name)

    def _each(self, named, X):
        return self._head.forward(named, self._layer(named, X, "eta"))

    def _activated(self, activation, values):
        """Return what the next layer is fed: the activation's values, saturated."""
        if activation == "relu":  # at once, because it is the usual one
            return np.clip(values, 0, self._limit, out=values)
        values = ACTIVATIONS[activation](values)
        if activation in BOUNDED:
            return values
        return np.clip(values, -self._limit, self._limit, out=values)

    def _features(self, named, X):
        """Return saturated features, standardised and embedded where the network does that."""
        limit = self._limit_of_features
        X = np.clip(X[:, : self._n_standardized], -limit, limit)
        X = self._standardize(named, X) if self._standardized else X
        return X if self._embedding is None else self._with_embeddings(named, X)

    def _standardize(self, named, X):
        X -= named["standardize/center"]
        X /= named["standardize/scale"]
        np.clip(X, -FARTHEST_STANDARDIZED, FARTHEST_STANDARDIZED, out=X)
        return X / np.sqrt(1 + np.square(X / STANDARDIZED_LIMIT))

    def _with_embeddings(self, named, X):
        """Return embeddings of features, and behind them all features."""
        frequencies, phases, projection, bias = (
            named[f"embedding/{name}"] for name in ("frequencies", "phases", "projection", "bias")
        )
        columns = named["embedding/columns"].astype(int)
        x = X[:, columns].T[:, :, None]  # a matrix for each feature, as of each network
        turns = frequencies[..., None, :] * x + phases[..., None, :] / (2 * np.pi)
        waves = self._cosine(turns)
        values = waves @ projection + bias[..., None, :]
        if not self._several:
            return np.concatenate([*values, X], axis=1)
        each = [values[:, i] for i in range(self._embedding.n_columns)]
        return np.concatenate([*each, X + np.zeros((len(bias), 1, 1), self._dtype)], axis=2)

    def _cosine(self, turns):
        return cosine_of_turns(np, turns, self._dtype.name)

    def _dense(self, named, name, values):
        """Return a layer's values before its activation: of each network, if they are several."""
        outputs = values @ named[f"{name}/kernel"]
        bias = named.get(f"{name}/bias")
        if bias is not None:
            outputs += bias if bias.ndim == 1 else bias[:, None]
        return outputs

    @abstractmethod
    def _layers(self, named, X) -> Iterator[tuple[str, np.ndarray]]:
        """Yield names and values of layers; values may be overwritten when the next is asked for.

        Names are those of the Keras model.
        """

    @abstractmethod
    def _outputs(self, named, X):
        """Return the outputs of the network."""

    @staticmethod
    @abstractmethod
    def _widest(network):
        """Return how many values the widest layer holds for a row."""


class LayeredForward(Forward):
    """The forward pass of connected and dense layers.

    Parameters
    ----------
    network : LayeredNetwork
        The specification.
    """

    def __init__(self, network: "LayeredNetwork"):
        super().__init__(network)
        self._weighted = network.weighted
        *self._hidden, self._last = network.layers
        self._connected = [layer for layer in network.layers if layer.connections is not None]
        self._flagged = [layer for layer in network.layers if layer.bias_connections is not None]

    def _computed(self, named):
        for layer in self._connected:
            name = f"{layer.name}/kernel"
            if layer.kernel == "sparse":
                named[name] = layer.csr_kernel(named[name])
            else:
                named[name] = np.where(layer.connections.toarray() > 0, named[name], 0)
        for layer in self._flagged:
            name = f"{layer.name}/bias"
            if name in named:
                named[name] = named[name] * np.asarray(layer.bias_connections, self._dtype)
        return named

    def _features(self, named, X):
        """Return what the first layer gets, for each of several networks that change it."""
        X = super()._features(named, X)
        if not self._weighted:
            return X
        factors = FEATURE_RATE * named["feature_weights/weight"]
        return X * (factors[:, None] if self._several else factors)

    def _layers(self, named, X):
        values = self._features(named, X)
        for i, layer in enumerate(self._hidden):
            values = self._activated(layer.activation, self._dense(named, layer.name, values))
            yield f"saturate_{i}", values
        yield "eta", self._dense(named, "eta", values)

    def _outputs(self, named, X):
        if self._several:
            return self._head.forward_mean(self._each(named, X))
        return self._each(named, X)

    @staticmethod
    def _widest(network):
        first = network.n_first_inputs if network.weighted or network.embedding else 0
        return network.n_networks * max([first, *(layer.units for layer in network.layers)])


class GatedForward(Forward):
    """The forward pass of a gate over experts.

    Parameters
    ----------
    network : GatedNetwork
        The specification.
    """

    def __init__(self, network: "GatedNetwork"):
        super().__init__(network)
        self._gate, self._scores = network.gate, network.scores
        self._activation = network.activation
        self._n_hidden = len(network.hidden_layer_sizes)
        self._cut, self._n_outputs = network.n_gate_features, network.n_outputs
        self._probability = network.head.activation

    def _layers(self, named, X):
        features = self._features(named, X)
        logits = self._gate_logits(named, features)
        yield "gate_logits", logits
        yield "gate", self._chosen(named, logits)
        if self._scores is None:
            yield "eta", self._of_experts(named, features)
        else:
            yield "eta", self._calibrated(named, X)

    def _outputs(self, named, X):
        found = dict(self._layers(named, X))
        weights = found["gate"].T[:, :, None]
        log_p = log_probability(self._probability, found["eta"])
        if self._probability == "softmax":
            logits = _log_mean(weights, log_p)
        else:
            logits = _log_mean(weights, log_p[0]) - _log_mean(weights, log_p[1])
        return self._head.forward(named, logits)

    def _gate_logits(self, named, values):
        if not self._standardized:
            values = named["gate_scale/scale"] * values + named["gate_scale/shift"]
        for i in range(len(self._gate.hidden_layer_sizes)):
            values = self._dense(named, f"gate_hidden_{i}", values)
            values = self._activated(self._activation, values)
        return self._dense(named, "gate_logits", values)

    def _chosen(self, named, logits):
        """Return the weights of the experts, (n_rows, L)."""
        if logits.shape[1] == 1:
            return np.ones_like(logits)
        scaled = logits / named["gate/temperature"]
        if self._gate.gating == "soft":
            return softmax(scaled)
        k = 1 if self._gate.gating == "hard" else self._gate.k
        chosen = largest(scaled, k)
        if self._gate.gating == "hard":
            return chosen.astype(scaled.dtype)
        return softmax_over(chosen, scaled)

    def _of_experts(self, named, values):
        """Return the logits of experts that train with the gate, (L, n_rows, C)."""
        for i in range(self._n_hidden):
            values = self._dense(named, f"expert_{i}", values)
            values = self._activated(self._activation, values)
        return self._dense(named, "eta", values)

    def _calibrated(self, named, X):
        """Return the logits of given experts, (L, n_rows, C)."""
        scores = X[:, self._cut :].reshape(-1, self._gate.n_experts, self._n_outputs)
        logits = calibrated(
            scores,
            named["eta/scale"],
            named["eta/shift"],
            np.asarray(self._scores.trained)[:, None],
            np.asarray(self._scores.seen),
            unseen=UNSEEN_LOGIT,
        )
        return np.moveaxis(logits.astype(self._dtype, copy=False), 1, 0)

    @staticmethod
    def _widest(network):
        sizes = network.hidden_layer_sizes if network.scores is None else ()
        of_experts = network.gate.n_experts * max([network.n_outputs, *sizes])
        return max([of_experts, network.n_first_inputs, *network.gate.hidden_layer_sizes])


class KerasForward:
    """The same predictions by Keras, for activations that only Keras knows.

    Parameters
    ----------
    network : LayeredNetwork or GatedNetwork
        The specification.
    """

    def __init__(self, network: "Network"):
        self._network = network

    def predict(self, weights, X):
        """Return the outputs, shape (n_rows, n_outputs)."""
        from skconstrain._networks._models import predict

        return predict(self._network, weights, X)

    def predict_each(self, weights, X):
        """Return the outputs of each of several networks, (n_rows, n_networks, n_outputs)."""
        from skconstrain._networks._models import predict_each

        return predict_each(self._network, weights, X)

    def predict_layer(self, weights, X, name):
        """Return the outputs of one layer, a row each."""
        from skconstrain._networks._models import predict_layer

        return predict_layer(self._network, weights, X, name)


def _log_mean(weights, log_p):
    """Return the logarithm of the mean of probabilities, relative to the best that counts."""
    best = np.where(weights > 0, log_p, -1e30).max(axis=0)
    return best + np.log((weights * np.exp(np.minimum(log_p - best, 0))).sum(axis=0))
