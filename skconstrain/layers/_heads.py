"""Layers behind the last one with a kernel, where they are no public layers."""

import keras
from keras import ops

from skconstrain._formulas._grid import sigmoid, through_grid
from skconstrain._formulas._layers import mean_of_networks
from skconstrain._formulas._quantile_levels import ends, quantiles, running_maximum
from skconstrain.layers._layer import Layer


@keras.saving.register_keras_serializable(package="skconstrain")
class Affine(Layer):
    """Return ``scale * inputs + shift``, with weights that are not trained."""

    def build(self, input_shape):
        self._add_fixed((input_shape[-1],), scale=1.0, shift=0.0)

    def call(self, inputs):
        return self.scale * inputs + self.shift


@keras.saving.register_keras_serializable(package="skconstrain")
class Composition(Layer):
    """Return ``total * softmax(inputs)``: parts of a total from logits."""

    _settings = ("total",)

    def __init__(self, total=1.0, **kwargs):
        super().__init__(**kwargs)
        self.total = float(total)

    def call(self, inputs):
        # Not keras.layers.Rescaling: it rounds the factor to float32.
        return self.total * ops.softmax(inputs, axis=-1)


@keras.saving.register_keras_serializable(package="skconstrain")
class OrderedSigmoid(Layer):
    """Return the sigmoid of logits, which never falls: in float64, of multiples of ``2**-30``."""

    def call(self, inputs):
        logits = through_grid(ops, ops.cast(inputs, "float64"), 2.0**-30)
        return ops.cast(sigmoid(ops, logits), self.compute_dtype)


@keras.saving.register_keras_serializable(package="skconstrain")
class Quantiles(Layer):
    """Return quantiles that do not cross, from `lower` to `upper`, with weights not trained.

    With `monotone`, none of them ever moves against all inputs, not in its last bit either.
    """

    _settings = ("lower", "upper", "monotone")

    def __init__(self, lower=None, upper=None, monotone=False, **kwargs):
        super().__init__(**kwargs)
        # Checked here as well: Keras wraps errors raised in `call`.
        ends(lower, upper, self.compute_dtype)
        self.lower, self.upper, self.monotone = lower, upper, monotone

    def build(self, input_shape):
        if not self.monotone:
            self._add_fixed((input_shape[-1],), step=1.0)
        self._add_fixed((1,), gain=1.0, scale=1.0, shift=0.0)

    def call(self, inputs, training=False):
        units = {"gain": self.gain, "scale": self.scale, "shift": self.shift}
        dtype, in_order = inputs.dtype, self.monotone and not training
        if in_order:
            inputs = ops.cast(inputs, "float64")
            units = {name: ops.cast(unit, "float64") for name, unit in units.items()}
        step = None if self.monotone else self.step
        ends_of_range = {"lower": self.lower, "upper": self.upper}
        values = quantiles(ops, inputs, step, **ends_of_range, **units, monotone=in_order)
        smallest, largest = ends(**ends_of_range, dtype=keras.backend.standardize_dtype(dtype))
        # `where`, not a maximum: JAX passes back half of its gradient at the end of the range.
        values = ops.where(values < smallest, smallest, values)
        values = ops.cast(ops.where(values > largest, largest, values), dtype)
        return values if training else running_maximum(ops, values)


@keras.saving.register_keras_serializable(package="skconstrain")
class RunningMaximum(Layer):
    """Return the largest number so far along the last axis."""

    def call(self, inputs):
        return running_maximum(ops, inputs)


@keras.saving.register_keras_serializable(package="skconstrain")
class MeanOfNetworks(Layer):
    """Return the mean over K networks of their outputs, (batch, K, units): `mean_of_networks`."""

    _settings = ("probability", "monotone")

    def __init__(self, probability=None, monotone=False, **kwargs):
        super().__init__(**kwargs)
        self.probability, self.monotone = probability, monotone

    def call(self, inputs):
        mean = mean_of_networks(ops, inputs, 1, self.probability, self.monotone)
        return ops.cast(mean, self.compute_dtype) if self.monotone else mean

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[2])
