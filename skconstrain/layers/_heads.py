"""Layers behind the last one with a kernel, where they are no public layers."""

import keras
from keras import ops

from skconstrain._formulas._grid import sigmoid, through_grid
from skconstrain._formulas._layers import mean_of_networks
from skconstrain._formulas._quantile_levels import (
    before_link,
    ends,
    into_range,
    onto_far_ends,
    running_maximum,
    shifted,
)
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

    With `monotone`, none of them ever moves against all inputs, not in its last bit either. With
    `calibrated_from`, the position of the level from which their order is restored, each is moved
    before the link.
    """

    _settings = ("lower", "upper", "monotone", "calibrated_from")

    def __init__(self, lower=None, upper=None, monotone=False, calibrated_from=None, **kwargs):
        super().__init__(**kwargs)
        # Checked here as well: Keras wraps errors raised in `call`.
        ends(lower, upper, self.compute_dtype)
        self.lower, self.upper, self.monotone = lower, upper, monotone
        self.calibrated_from = calibrated_from

    def build(self, input_shape):
        if not self.monotone:
            self._add_fixed((input_shape[-1],), step=1.0)
        self._add_fixed((1,), gain=1.0, scale=1.0, shift=0.0)
        if self.calibrated_from is not None:
            self._add_fixed((input_shape[-1],), calibration=0.0, beyond=0.0)

    def call(self, inputs, training=False):
        units = {"gain": self.gain, "scale": self.scale, "shift": self.shift}
        dtype, in_order = inputs.dtype, self.monotone and not training
        if in_order:
            inputs = ops.cast(inputs, "float64")
            units = {name: ops.cast(unit, "float64") for name, unit in units.items()}
        eta = before_link(ops, inputs, None if self.monotone else self.step)
        if self.calibrated_from is not None:
            shift = ops.cast(self.calibration, eta.dtype)
            eta = shifted(ops, eta, shift, self.calibrated_from)
        ends_of_range = {"lower": self.lower, "upper": self.upper}
        values = into_range(ops, eta, **ends_of_range, **units, monotone=in_order)
        precision = keras.backend.standardize_dtype(dtype)
        smallest, largest = ends(**ends_of_range, dtype=precision)
        # `where`, not a maximum: JAX passes back half of its gradient at the end of the range.
        values = ops.where(values < smallest, smallest, values)
        values = ops.cast(ops.where(values > largest, largest, values), dtype)
        if self.calibrated_from is not None:
            values = onto_far_ends(ops, values, self.beyond, **ends_of_range, dtype=precision)
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
