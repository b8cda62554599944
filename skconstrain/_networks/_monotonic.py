"""Networks that never move against the sign of a feature: their specification and forward pass."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from skconstrain._cosine import cosine_of_turns
from skconstrain._grid import (
    FARTHEST_ACTIVATED,
    FARTHEST_ON_GRID,
    LARGEST,
    kernel_to_grid,
    power_above,
    to_grid,
)
from skconstrain._links import STANDARDIZED_LIMIT
from skconstrain._networks._forward import LayeredForward
from skconstrain._networks._functions import ACTIVATIONS
from skconstrain._networks._spec import LayeredNetwork, WeightedLayer
from skconstrain._networks._weight import GlorotUniform
from skconstrain._signs import kernel_bounds, output_cst, with_signs

# Of the units that features with a sign reach. With non-negative weights, relu and softplus make a
# function convex, whatever it is to learn; arcsinh bends both ways, and has a slope everywhere: in
# few steps it learns more than tanh and the sigmoid do, which saturate.
_ACTIVATION = "arcsinh"


@dataclass(frozen=True)
class MonotonicLayer(WeightedLayer):
    """One layer of a monotone network.

    `monotonic_cst` are the signs of its inputs; the first `n_free` units are fed by those alone
    that have none.
    """

    monotonic_cst: tuple[int, ...]
    n_free: int


@dataclass(frozen=True)
class SignedGlorotUniform(GlorotUniform):
    """Glorot-uniform kernels with the signs that a monotone layer needs."""

    monotonic_cst: tuple[int, ...] = ()
    n_free: int = 0

    def draw(self, rng, shape, dtype):
        """Draw a kernel; one of several models has a leading axis more."""
        return with_signs(super().draw(rng, shape, dtype), self.monotonic_cst, self.n_free)


class MonotonicForward(LayeredForward):
    """The forward pass in float64, all of whose sums are exact; see `skconstrain._grid`.

    Parameters
    ----------
    network : MonotonicNetwork
        The specification.
    """

    def __init__(self, network: "MonotonicNetwork"):
        super().__init__(network)
        self._on_grids = {
            f"{layer.name}/kernel": partial(_signed_on_grid, layer) for layer in network.layers
        }
        if network.embedding is not None:
            self._on_grids["embedding/projection"] = _on_grid
        self._rounded = [], {}  # kernels, and the same on their grids

    def _computed(self, named):
        # Kept for the next call: for a single row, rounding takes longer than all the rest.
        known, rounded = self._rounded
        given = [named[name] for name in self._on_grids]
        if len(known) != len(given) or any(a is not b for a, b in zip(known, given, strict=True)):
            rounded = {name: put(named[name]) for name, put in self._on_grids.items()}
            self._rounded = given, rounded
        return named | rounded

    def _standardize(self, named, X):
        z = (X.astype(np.float64) - named["standardize/center"]) / named["standardize/scale"]
        z = to_grid(np, np.clip(z, -FARTHEST_ON_GRID, FARTHEST_ON_GRID))
        return z / np.sqrt(1 + np.square(z / STANDARDIZED_LIMIT))

    def _cosine(self, turns):
        return to_grid(np, cosine_of_turns(np, turns, "float64"))

    def _dense(self, named, name, values):
        values = to_grid(np, np.clip(values, -LARGEST, LARGEST))
        return to_grid(np, super()._dense(named, name, values))

    def _layers(self, named, X):
        values = self._features(named, X)
        for i, layer in enumerate(self._hidden):
            values = self._units(layer, self._dense(named, layer.name, values))
            yield f"saturate_{i}", values
        yield "eta", self._dense(named, "eta", values)

    def _units(self, layer, values):
        """Return the values of a layer's units, free ones first."""
        signed = values[..., layer.n_free :]
        signed = np.arcsinh(np.clip(signed, -FARTHEST_ACTIVATED, FARTHEST_ACTIVATED))
        if layer.n_free == 0:
            return signed
        free = ACTIVATIONS[layer.activation](values[..., : layer.n_free].copy())
        return np.concatenate([free, signed], axis=-1)

    def predict(self, weights, X):
        return super().predict(weights, X).astype(self._dtype, copy=False)

    def predict_each(self, weights, X):
        return super().predict_each(weights, X).astype(self._dtype, copy=False)


def _signed_on_grid(layer, kernel):
    low, high = kernel_bounds(layer.monotonic_cst, layer.n_free, layer.units)
    return _on_grid(np.clip(kernel.astype(np.float64), low, high))


def _on_grid(kernel):
    return kernel_to_grid(np, kernel.astype(np.float64), power_above)


@dataclass(frozen=True, kw_only=True)
class MonotonicNetwork(LayeredNetwork):
    """Dense layers whose outputs never move against the sign of a feature.

    Half of the units of each hidden layer are free: fed by free features alone, with any weights.

    Attributes
    ----------
    monotonic_cst
        For each feature 1 where outputs must not fall, -1 where they must not rise, 0 where it is
        free. Only free ones are embedded.
    """

    _forward_pass = MonotonicForward
    monotone_activation = _ACTIVATION

    monotonic_cst: tuple[int, ...]

    @property
    def layers(self):
        """The layers with kernels, from the inputs to the outputs; the last one is "eta"."""
        n_embedded = 0 if self.embedding is None else self.embedding.n_values
        found, signs = [], (0,) * n_embedded + self.monotonic_cst
        for layer in super().layers:
            n_free = 0 if layer.name == "eta" or all(signs) else layer.units // 2
            found.append(MonotonicLayer(**vars(layer), monotonic_cst=signs, n_free=n_free))
            signs = tuple(output_cst(n_free, layer.units).tolist())
        return found

    def _start_of(self, layer):
        return SignedGlorotUniform(
            layer.activation, monotonic_cst=layer.monotonic_cst, n_free=layer.n_free
        )
