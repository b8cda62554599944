"""Dense layers whose outputs never move against the signs of their inputs."""

from dataclasses import dataclass

import numpy as np

from skconstrain._formulas._grid import FARTHEST_ACTIVATED, LARGEST, to_grid
from skconstrain._formulas._signs import kernel_bounds, output_cst, with_signs
from skconstrain._networks._activations import ACTIVATIONS
from skconstrain._networks._dense import Dense
from skconstrain._networks._weight import glorot_uniform, kernel_on_grid

# The activation of the units that features with a sign reach. With non-negative weights, relu and
# softplus make a function convex, whatever it is to learn; arcsinh bends both ways, and has a slope
# everywhere: in few steps it learns more than tanh and the sigmoid do, which saturate.
_ACTIVATION = "arcsinh"


@dataclass(frozen=True, kw_only=True)
class MonotoneDense(Dense):
    """A layer whose units rise with some inputs and fall with others; see MonotonicDense.

    `monotonic_cst` are the signs of its inputs. Half of the units of a hidden layer, the first
    ones, are free: fed by those inputs alone that have no sign. All sums are exact in NumPy.
    """

    monotonic_cst: tuple[int, ...]

    @property
    def n_free(self) -> int:
        """How many units are free."""
        return 0 if self.activation is None or all(self.monotonic_cst) else self.units // 2

    @property
    def output_cst(self) -> tuple[int, ...]:
        """The signs of the inputs of the next layer."""
        return tuple(output_cst(self.n_free, self.units).tolist())

    def _draw(self, rng, shape, dtype):
        kernel = glorot_uniform(rng, shape, dtype, activation=self.activation)
        return with_signs(kernel, self.monotonic_cst, self.n_free)

    def layer(self, dtype, kernels):
        from skconstrain import layers

        settings = self._settings(dtype)
        del settings["kernel_constraint"]  # it has its own
        return layers.MonotonicDense(
            self.units,
            self.monotonic_cst,
            self.n_free,
            self.n_models,
            free_activation=settings.pop("activation"),
            activation="linear" if self.activation is None else _ACTIVATION,
            kernel_initializer=kernels,
            **settings,
        )

    def computed(self, named):
        name = f"{self.name}/kernel"
        bounds = kernel_bounds(self.monotonic_cst, self.n_free, self.units)
        return {name: kernel_on_grid(np.clip(named[name].astype(np.float64), *bounds))}

    def forward(self, named, values):
        values = to_grid(np, np.clip(values, -LARGEST, LARGEST))
        values = to_grid(np, self.affine(named, values))
        if self.activation is None:
            return values
        signed = values[..., self.n_free :]
        signed = np.arcsinh(np.clip(signed, -FARTHEST_ACTIVATED, FARTHEST_ACTIVATED))
        if self.n_free == 0:
            return signed
        free = ACTIVATIONS[self.activation](values[..., : self.n_free].copy())
        return np.concatenate([free, signed], axis=-1)
