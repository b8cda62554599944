"""Networks of fewer features than others, with columns of zeros beside theirs.

A one-hot encoder finds other categories in every fold. Networks that differ in nothing but their
features can train as one program all the same: columns of zeros leave their weights at zero, and
change no other.
"""

from dataclasses import replace

import numpy as np

from skconstrain._networks._spec import LayeredNetwork, Network

# Optimizers that leave a weight at zero whose gradient always was, and treat each by itself.
_LEAVE_ZEROS = ("SGD", "Adam", "AdamW", "RMSprop")


def may_be_wider(network: Network, optimizer) -> bool:
    """Whether columns of zeros change nothing: their weights begin at zero, and stay there."""
    dense = type(network) is LayeredNetwork and network.layers[0].connections is None
    keeps_zeros = network.kernel_constraint in (None, "non_neg")
    return dense and keeps_zeros and type(optimizer).__name__ in _LEAVE_ZEROS


def widened(network: LayeredNetwork, n_features: int) -> LayeredNetwork:
    """Return the network for more features."""
    return replace(network, n_features=n_features)


def widened_weights(weights: list, network: LayeredNetwork, wide: LayeredNetwork) -> list:
    """Return weights of a network as those of a wide one: new ones are zero, and scales are 1."""
    found = []
    for array, weight in zip(weights, wide.weights, strict=True):
        if array.shape != weight.shape:
            start = 0.0 if weight.is_trained else weight.start
            more = np.full((weight.shape[0] - len(array), *weight.shape[1:]), start, array.dtype)
            array = np.concatenate([array, more])
        found.append(array)
    return found


def narrowed_weights(weights: list, network: LayeredNetwork) -> list:
    """Return weights of a wide network as those of a network of fewer features."""
    pairs = zip(weights, network.weights, strict=True)
    return [_first_rows(array, weight.shape) for array, weight in pairs]


def narrowed_state(state: list, network: LayeredNetwork, wide: LayeredNetwork) -> list:
    """Return what an optimizer holds for a wide network as that for one of fewer features.

    It is for each trained weight, or for all of them as one vector.
    """
    here, there = ([w.shape for w in net.weights if w.is_trained] for net in (network, wide))
    sizes = [int(np.prod(shape)) for shape in there]
    fewer = dict(zip(there, here, strict=True))
    found = []
    for array in state:
        if array.shape == (sum(sizes),):
            parts = np.split(array, np.cumsum(sizes)[:-1])
            shaped = [part.reshape(shape) for part, shape in zip(parts, there, strict=True)]
            kept = [_first_rows(*pair).ravel() for pair in zip(shaped, here, strict=True)]
            array = np.concatenate(kept)
        found.append(_first_rows(array, fewer.get(array.shape, array.shape)))
    return found


def with_zeros(X: np.ndarray, n_features: int) -> np.ndarray:
    """Return X with columns of zeros behind its own."""
    return np.pad(X, ((0, 0), (0, n_features - X.shape[1])))


def _first_rows(array, shape):
    return array if array.shape == shape else array[: shape[0]].copy()
