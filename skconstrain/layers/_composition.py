"""Composition: parts of a total from logits."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="skconstrain")
class Composition(keras.layers.Layer):
    """Return ``total * softmax(inputs)``."""

    def __init__(self, total=1.0, **kwargs):
        super().__init__(**kwargs)
        self.total = float(total)

    def call(self, inputs):
        # Not keras.layers.Rescaling: it rounds the factor to float32.
        return self.total * ops.softmax(inputs, axis=-1)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "total": self.total}
