"""Dropout that is fast under XLA on a CPU."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="skconstrain")
class Dropout(keras.layers.Dropout):
    """Keras' dropout with random numbers drawn in double precision.

    TensorFlow's single-precision generator takes fifteen times as long when XLA compiles it for a
    CPU (5.5 ms against 0.34 ms for 20,000 numbers), which was most of the time of a fit.
    """

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        drawn = keras.random.uniform(ops.shape(inputs), dtype="float64", seed=self.seed_generator)
        return ops.where(drawn >= self.rate, inputs / (1 - self.rate), 0)
