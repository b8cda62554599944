"""Dropout whose rate is a number of the network, not a part of its program."""

import keras
from keras import ops

from skconstrain.layers._layer import Layer
from skconstrain.layers._uniform import uniform


@keras.saving.register_keras_serializable(package="skconstrain")
class Dropout(Layer):
    """Dropout (Srivastava et al., 2014) as in Keras, with its rate as a weight that is not trained.

    Networks that differ in the rate train in the same compiled program. Input and output have the
    same shape; in training, an entry is 0 with probability `rate`, and divided by ``1 - rate``
    otherwise.
    """

    _settings = ("rate", "seed")

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate, self.seed = rate, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        constant = keras.initializers.Constant(self.rate)
        self.current_rate = self.add_weight(name="rate", initializer=constant, trainable=False)

    def call(self, inputs, training=False):
        if not training:
            return inputs
        rate = ops.cast(self.current_rate, inputs.dtype)
        drawn = uniform(ops.shape(inputs), self.seed_generator, inputs.dtype)
        return ops.where(drawn >= rate, inputs / (1 - rate), 0)
