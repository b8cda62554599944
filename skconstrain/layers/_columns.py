"""Columns: some columns of the inputs, in a shape of their own."""

import keras
from keras import ops

from skconstrain.layers._layer import Layer


@keras.saving.register_keras_serializable(package="skconstrain")
class Columns(Layer):
    """Return columns `start` to `stop` of (batch, n_columns), in another shape."""

    _settings = ("start", "stop", "shape")

    def __init__(self, start, stop, shape, **kwargs):
        super().__init__(**kwargs)
        self.start, self.stop, self.shape = start, stop, tuple(shape)

    def call(self, inputs):
        return ops.reshape(inputs[:, self.start : self.stop], (-1, *self.shape))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.shape)
