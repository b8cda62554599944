"""The weights of a network: what they are called, and where their training starts."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from skconstrain.connections._matrix import ConnectionMatrix, glorot_bounds


@dataclass(frozen=True)
class GlorotUniform:
    """Glorot-uniform kernels as in scikit-learn's MLP, behind the constraint on them.

    With `connections`, the bound of each one follows from the connections there are; the kernel
    holds their values alone if `is_sparse`.
    """

    activation: object = "linear"
    constraint: object = None
    connections: ConnectionMatrix | None = None
    is_sparse: bool = False

    def draw(self, rng: np.random.Generator, shape: tuple, dtype: str) -> np.ndarray:
        """Draw a kernel; one of several models has a leading axis more."""
        kernel = self._unconstrained(rng, shape)
        return kernel if self.constraint is None else self._constrained(kernel, dtype)

    def _unconstrained(self, rng, shape):
        share = 1 / 3 if self._is_sigmoid() else 1.0
        if self.connections is None:
            bound = math.sqrt(6 * share / sum(shape[-2:]))
            return rng.uniform(-bound, bound, shape)
        bounds = math.sqrt(share) * glorot_bounds(self.connections)
        values = rng.uniform(-1, 1, len(bounds)) * bounds
        return values if self.is_sparse else self.connections.tocsr(values).toarray()

    def _is_sigmoid(self):
        import keras

        from skconstrain._networks._parts import activation

        return activation(self.activation) is keras.activations.sigmoid

    def _constrained(self, kernel, dtype):
        import keras

        from skconstrain._engine import precision
        from skconstrain._networks._parts import constraint

        project = constraint(self.constraint)
        with precision():
            models = kernel if kernel.ndim == 3 else [kernel]
            models = [project(keras.ops.convert_to_tensor(model, dtype)) for model in models]
            arrays = [keras.ops.convert_to_numpy(model) for model in models]
        return np.stack(arrays) if kernel.ndim == 3 else arrays[0]


@dataclass(frozen=True)
class Uniform:
    """Uniform numbers between -bound and bound."""

    bound: float

    def draw(self, rng: np.random.Generator, shape: tuple, dtype: str) -> np.ndarray:
        """Draw an array."""
        return rng.uniform(-self.bound, self.bound, shape)


@dataclass(frozen=True)
class Normal:
    """Normal numbers with a mean of 0."""

    deviation: float

    def draw(self, rng: np.random.Generator, shape: tuple, dtype: str) -> np.ndarray:
        """Draw an array."""
        return rng.normal(0, self.deviation, shape)


@dataclass(frozen=True)
class Given:
    """Numbers that are known."""

    values: tuple

    def draw(self, rng: np.random.Generator, shape: tuple, dtype: str) -> np.ndarray:
        """Return them."""
        return np.array(self.values)


@dataclass(frozen=True)
class Seed:
    """The state of a generator inside the network."""

    def draw(self, rng: np.random.Generator, shape: tuple, dtype: str) -> list:
        """Draw a seed, of which nothing was used."""
        return [rng.integers(2**31), 0]


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
        Where training starts: the value of all entries, or what draws them.
    is_trained
        Whether the optimizer changes it.
    """

    name: str
    shape: tuple[int, ...]
    start: float | GlorotUniform | Uniform | Normal | Given | Seed = 0.0
    is_trained: bool = True

    @property
    def is_kernel(self) -> bool:
        """Whether it is the kernel of a layer."""
        return self.name.endswith("/kernel")

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    def initial(self, rng: np.random.Generator, known: dict, dtype: str) -> np.ndarray:
        """Return the array to start from: the known one, or one that is drawn."""
        if self.name in known:
            value = known[self.name]
        elif isinstance(self.start, float):
            value = self.start
        else:
            value = self.start.draw(rng, self.shape, dtype)
        dtype = _dtype_of_seeds() if isinstance(self.start, Seed) else dtype
        return np.broadcast_to(np.asarray(value, dtype), self.shape).copy()


@cache
def _dtype_of_seeds():
    """Return the type in which Keras' backend holds the state of a generator."""
    import keras

    return keras.random.SeedGenerator(0, name="seed").state.dtype
