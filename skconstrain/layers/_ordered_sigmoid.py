"""OrderedSigmoid: a sigmoid that never falls, not in its last bit either."""

import keras
from keras import ops

from skconstrain._grid import sigmoid, through_grid


@keras.saving.register_keras_serializable(package="skconstrain")
class OrderedSigmoid(keras.layers.Layer):
    """Return the sigmoid of logits: in float64, of multiples of ``2**-30``."""

    def call(self, inputs):
        logits = through_grid(ops, ops.cast(inputs, "float64"), 2.0**-30)
        return ops.cast(sigmoid(ops, logits), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape
