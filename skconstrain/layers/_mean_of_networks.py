"""MeanOfNetworks: the mean of the outputs of several networks, inside the range of these."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="skconstrain")
class MeanOfNetworks(keras.layers.Layer):
    """Return the mean over K networks of their outputs, (batch, K, units).

    Without `probability`, the mean of the values; it is never outside their smallest and largest
    one. With ``"sigmoid"`` or ``"softmax"``, inputs are logits, and the outputs are those of the
    mean of the probabilities.
    """

    def __init__(self, probability=None, **kwargs):
        super().__init__(**kwargs)
        self.probability = probability

    def call(self, inputs):
        if self.probability == "softmax":
            return _log_mean(ops.log_softmax(inputs, axis=-1))
        if self.probability == "sigmoid":
            return _log_mean(ops.log_sigmoid(inputs)) - _log_mean(ops.log_sigmoid(-inputs))
        # Parts, because the sum of large values would overflow; rounding may leave the range.
        mean = ops.sum(inputs / inputs.shape[1], axis=1)
        return ops.clip(mean, ops.min(inputs, axis=1), ops.max(inputs, axis=1))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[2])

    def get_config(self):
        return {**super().get_config(), "probability": self.probability}


def _log_mean(log_p):
    return ops.logsumexp(log_p, axis=1) - math.log(log_p.shape[1])
