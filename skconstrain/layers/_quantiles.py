"""Quantiles: outputs of a network that increase along the last axis."""

import keras
from keras import ops

from skconstrain._quantile_levels import ends, increasing, into_range, running_maximum


@keras.saving.register_keras_serializable(package="skconstrain")
class Quantiles(keras.layers.Layer):
    """Return quantiles that do not cross, from `lower` to `upper`, with weights not trained.

    With `monotone`, none of them ever moves against all inputs, not in its last bit either.
    """

    def __init__(self, lower=None, upper=None, monotone=False, **kwargs):
        super().__init__(**kwargs)
        # Here too, because Keras wraps what `call` raises in an account of the call.
        ends(lower, upper, self.compute_dtype)
        self.lower, self.upper, self.monotone = lower, upper, monotone

    def build(self, input_shape):
        sizes = {"gain": 1, "scale": 1, "shift": 1}
        if not self.monotone:
            sizes = {"step": input_shape[-1], **sizes}
        for name, size in sizes.items():
            start = "zeros" if name == "shift" else "ones"
            weight = self.add_weight(name=name, shape=(size,), initializer=start, trainable=False)
            setattr(self, name, weight)

    def call(self, inputs, training=False):
        units = {"gain": self.gain, "scale": self.scale, "shift": self.shift}
        dtype, in_order = inputs.dtype, self.monotone and not training
        if in_order:
            inputs = ops.cast(inputs, "float64")
            units = {name: ops.cast(unit, "float64") for name, unit in units.items()}
        eta = running_maximum(ops, inputs) if self.monotone else increasing(ops, inputs, self.step)
        ends_of_range = {"lower": self.lower, "upper": self.upper}
        values = into_range(ops, eta, **ends_of_range, **units, monotone=in_order)
        smallest, largest = ends(**ends_of_range, dtype=keras.backend.standardize_dtype(dtype))
        # At the very end of the range, JAX would pass back half of the gradient of a maximum.
        values = ops.where(values < smallest, smallest, values)
        values = ops.cast(ops.where(values > largest, largest, values), dtype)
        return values if training else running_maximum(ops, values)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        settings = {"lower": self.lower, "upper": self.upper, "monotone": self.monotone}
        return {**super().get_config(), **settings}


@keras.saving.register_keras_serializable(package="skconstrain")
class RunningMaximum(keras.layers.Layer):
    """Return the largest number so far along the last axis."""

    def call(self, inputs):
        return running_maximum(ops, inputs)

    def compute_output_shape(self, input_shape):
        return input_shape
