"""Dense layers: one, or one for each of several networks or experts."""

from dataclasses import dataclass
from math import prod

import numpy as np

from skconstrain._networks._activations import ACTIVATIONS, activated
from skconstrain._networks._stage import Stage
from skconstrain._networks._weight import Weight, glorot_uniform


@dataclass(frozen=True, kw_only=True)
class Dense(Stage):
    """A kernel, biases and an activation.

    `activation` is None where the values are logits or outputs; others are saturated. `starts_at_0`
    says that the kernel of the last layer is zero at the start, so that every output starts at its
    bias whatever the scale of the features.
    """

    name: str
    n_inputs: int
    units: int
    activation: object = None
    n_models: int | tuple[int, int] | None = None
    use_bias: bool = True
    constraint: object = None
    starts_at_0: bool = False

    @property
    def width(self):
        return prod(self.model_axis) * self.units

    @property
    def runs_in_numpy(self):
        name = self.activation
        return name is None or (isinstance(name, str) and name in ACTIVATIONS)

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        """Shape of the trained kernel of one model."""
        return (self.n_inputs, self.units)

    def weights(self):
        start = 0.0 if self.starts_at_0 else self._draw
        kernel = Weight(f"{self.name}/kernel", (*self.model_axis, *self.kernel_shape), start)
        bias = Weight(f"{self.name}/bias", (*self.model_axis, self.units))
        return [kernel, bias] if self.use_bias else [kernel]

    def _draw(self, rng, shape, dtype):
        settings = {"activation": self.activation, "constraint": self.constraint}
        return glorot_uniform(rng, shape, dtype, **settings)

    def layer(self, dtype, kernels):
        import keras

        from skconstrain import layers
        from skconstrain.layers._nested_dense import NestedDense

        settings = {"kernel_initializer": kernels, **self._settings(dtype)}
        if self.n_models is None:
            return keras.layers.Dense(self.units, **settings)
        if isinstance(self.n_models, tuple):
            return NestedDense(self.units, *self.n_models, **settings)
        return layers.BatchedDense(self.units, self.n_models, **settings)

    def _settings(self, dtype):
        from skconstrain._networks._keras_objects import activation_of, constraint_of

        return {
            "activation": activation_of(self.activation),
            "kernel_constraint": constraint_of(self.constraint),
            "use_bias": self.use_bias,
            "dtype": dtype,
            "name": self.name,
        }

    def forward(self, named, values):
        values = self.affine(named, values)
        return values if self.activation is None else activated(self.activation, values)

    def affine(self, named, values):
        """Return the values before the activation."""
        kernel = named[f"{self.name}/kernel"]
        if kernel.ndim > values.ndim > 2:  # all experts of a network get the same
            values = values[:, None]
        outputs = values @ kernel
        bias = named.get(f"{self.name}/bias")
        if bias is not None:
            outputs += bias if bias.ndim == 1 else bias[..., None, :]
        return outputs

    def rescaled(self, named: dict, factor, shift) -> dict[str, np.ndarray]:
        """Return the weights with which outputs stay where inputs were ``factor * x + shift``."""
        kernel, bias = named[f"{self.name}/kernel"], named.get(f"{self.name}/bias")
        changed = {f"{self.name}/kernel": kernel * self._of_inputs(factor)}
        if bias is not None:
            changed[f"{self.name}/bias"] = bias + self._sums(kernel, shift)
        return changed

    def _of_inputs(self, numbers):
        """Return numbers of the inputs as factors of the kernel."""
        return numbers[:, None]

    def _sums(self, kernel, inputs):
        """Return what inputs, of each model or of all, add to the outputs."""
        return (np.expand_dims(inputs, -2) @ kernel)[..., 0, :]

    def kernel_and_bias(self, named) -> tuple:
        """Return the kernel of fitted weights, and the biases: zeros where there are none."""
        kernel = named[f"{self.name}/kernel"]
        return kernel, named.get(f"{self.name}/bias", np.zeros(self.units, kernel.dtype))
