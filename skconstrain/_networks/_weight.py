"""The weights of a network: what they are called, and where their training starts."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from skconstrain._formulas._grid import kernel_to_grid, power_above
from skconstrain.connections._matrix import glorot_bounds


@dataclass(frozen=True)
class Weight:
    """One weight of a network.

    Attributes
    ----------
    name
        Its layer's name and its own, as in ``"hidden_0/kernel"``.
    shape
        Its shape.
    start
        Where training starts: the value of all entries, or a function of a generator, the shape and
        the precision that draws them.
    is_trained
        Whether the optimizer changes it.
    """

    name: str
    shape: tuple[int, ...]
    start: float | Callable = 0.0
    is_trained: bool = True

    def initial(self, rng: np.random.Generator, known: dict, dtype: str) -> np.ndarray:
        """Return the array to start from: the known one, or one that is drawn."""
        if self.name in known:
            value = known[self.name]
        else:
            value = self.start(rng, self.shape, dtype) if callable(self.start) else self.start
        dtype = _dtype_of_seeds() if self.start is draw_seed else dtype
        return np.broadcast_to(np.asarray(value, dtype), self.shape).copy()


def fixed(layer: str, shape: tuple[int, ...], **starts: float) -> list[Weight]:
    """Return weights of a layer that are not trained, by their names and starts."""
    return [Weight(f"{layer}/{name}", shape, start, False) for name, start in starts.items()]


def glorot_uniform(rng, shape, dtype, *, activation=None, constraint=None):
    """Draw Glorot-uniform kernels as in scikit-learn's MLP, behind the constraint on them.

    One of several models has a leading axis more.
    """
    bound = math.sqrt(6 * _share(activation) / sum(shape[-2:]))
    return _constrained(rng.uniform(-bound, bound, shape), constraint, dtype)


def glorot_of_connections(rng, shape, dtype, *, connections, activation=None, constraint=None):
    """Draw a kernel whose bounds follow from the connections there are.

    It has an entry for each of them, or is a matrix, as `shape` says.
    """
    bounds = math.sqrt(_share(activation)) * glorot_bounds(connections)
    kernel = rng.uniform(-1, 1, len(bounds)) * bounds
    kernel = kernel if len(shape) == 1 else connections.tocsr(kernel).toarray()
    return _constrained(kernel, constraint, dtype)


def draw_seed(rng, shape, dtype):
    """Draw the state of a generator that was not used: a seed, and a count of 0."""
    return [rng.integers(2**31), 0]


def _share(name):
    import keras

    from skconstrain._networks._keras_objects import activation_of

    return 1 / 3 if activation_of(name) is keras.activations.sigmoid else 1.0


def _constrained(kernel, constraint, dtype):
    """Return a kernel, or those of several models, behind a constraint of Keras."""
    if constraint is None:
        return kernel
    import keras

    from skconstrain._engine import precision
    from skconstrain._networks._keras_objects import constraint_of

    project = constraint_of(constraint)
    with precision():
        models = kernel.reshape(-1, *kernel.shape[-2:])
        models = [project(keras.ops.convert_to_tensor(model, dtype)) for model in models]
        arrays = [keras.ops.convert_to_numpy(model) for model in models]
    return np.stack(arrays).reshape(kernel.shape)


def kernel_on_grid(kernel):
    """Return a kernel in float64, rounded so that sums of its products are exact: see `_grid`."""
    return kernel_to_grid(np, kernel.astype(np.float64), power_above)


@cache
def _dtype_of_seeds():
    """Return the type in which Keras' backend holds the state of a generator."""
    import keras

    return keras.random.SeedGenerator(0, name="seed").state.dtype
