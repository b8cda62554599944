"""MeanOfNetworks: the mean of the outputs of several networks, inside the range of these."""

import math

import keras
from keras import ops

from skconstrain._grid import in_order, logit_of_mean, through_grid


@keras.saving.register_keras_serializable(package="skconstrain")
class MeanOfNetworks(keras.layers.Layer):
    """Return the mean over K networks of their outputs, (batch, K, units).

    Without `probability`, the mean of the values; it is never outside their smallest and largest
    one. With ``"sigmoid"`` or ``"softmax"``, inputs are logits, and the outputs are those of the
    mean of the probabilities. With `monotone` the mean never moves against all of them, not in its
    last bit either.
    """

    def __init__(self, probability=None, monotone=False, **kwargs):
        super().__init__(**kwargs)
        self.probability, self.monotone = probability, monotone

    def call(self, inputs):
        if self.monotone:
            return self._in_order(inputs)
        if self.probability == "softmax":
            return _log_mean(ops.log_softmax(inputs, axis=-1))
        if self.probability == "sigmoid":
            return _log_mean(ops.log_sigmoid(inputs)) - _log_mean(ops.log_sigmoid(-inputs))
        # Parts, because the sum of large values would overflow; rounding may leave the range.
        mean = ops.sum(inputs / inputs.shape[1], axis=1)
        return ops.clip(mean, ops.min(inputs, axis=1), ops.max(inputs, axis=1))

    def _in_order(self, inputs):
        each = [inputs[:, k] for k in range(inputs.shape[1])]
        if self.probability == "sigmoid":
            each = [through_grid(ops, ops.cast(values, "float64")) for values in each]
            return ops.cast(logit_of_mean(ops, each), self.compute_dtype)
        mean = in_order(values / len(each) for values in each)
        return ops.clip(mean, ops.min(inputs, axis=1), ops.max(inputs, axis=1))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[2])

    def get_config(self):
        return {**super().get_config(), "probability": self.probability, "monotone": self.monotone}


def _log_mean(log_p):
    return ops.logsumexp(log_p, axis=1) - math.log(log_p.shape[1])
