"""Quantiles: outputs of a network that increase along the last axis."""

import keras
from keras import ops

from skconstrain._quantile_levels import ends, increasing, into_range, running_maximum


@keras.saving.register_keras_serializable(package="skconstrain")
class Quantiles(keras.layers.Layer):
    """Return quantiles that do not cross, from `lower` to `upper`, with weights not trained."""

    def __init__(self, lower=None, upper=None, **kwargs):
        super().__init__(**kwargs)
        # Here too, because Keras wraps what `call` raises in an account of the call.
        ends(lower, upper, self.compute_dtype)
        self.lower, self.upper = lower, upper

    def build(self, input_shape):
        sizes = {"step": input_shape[-1], "gain": 1, "scale": 1, "shift": 1}
        for name, size in sizes.items():
            start = "zeros" if name == "shift" else "ones"
            weight = self.add_weight(name=name, shape=(size,), initializer=start, trainable=False)
            setattr(self, name, weight)

    def call(self, inputs, training=False):
        units = {"gain": self.gain, "scale": self.scale, "shift": self.shift}
        eta = increasing(ops, inputs, self.step)
        values = into_range(ops, eta, lower=self.lower, upper=self.upper, **units)
        smallest, largest = ends(
            self.lower, self.upper, keras.backend.standardize_dtype(inputs.dtype)
        )
        # At the very end of the range, JAX would pass back half of the gradient of a maximum.
        values = ops.where(values < smallest, smallest, values)
        values = ops.where(values > largest, largest, values)
        return values if training else running_maximum(ops, values)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "lower": self.lower, "upper": self.upper}


@keras.saving.register_keras_serializable(package="skconstrain")
class RunningMaximum(keras.layers.Layer):
    """Return the largest number so far along the last axis."""

    def call(self, inputs):
        return running_maximum(ops, inputs)

    def compute_output_shape(self, input_shape):
        return input_shape
