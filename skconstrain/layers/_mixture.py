"""Mixture: logits of the mixture of experts' probabilities, computed without underflow."""

import keras
from keras import ops

# Of the best expert's likelihood of a class. In training, the gradient of a hard gate grows with
# the ratio of the best likelihood to that of the chosen expert, so that a few rows would decide;
# this floor bounds it. Measured over seeds, a tenth was the best of 0.01, 0.1 and 1.
_FLOOR = 0.1


@keras.saving.register_keras_serializable(package="skconstrain")
class Mixture(keras.layers.Layer):
    """Return the logits of ``sum_l gate_l * p_l`` for experts' logits.

    Inputs are the gate, (batch, L), and the experts' logits, (batch, L, C), behind a ``"sigmoid"``
    or a ``"softmax"`` over C. The output, (batch, C), gives the mixture's probabilities behind the
    same function.

    `floored` bounds the gradient in training, for gates whose weights can be exactly zero.
    """

    def __init__(self, probability, floored=False, **kwargs):
        super().__init__(**kwargs)
        self.probability, self.floored = probability, floored

    def call(self, inputs, training=False):
        gate, logits = inputs
        floor = _FLOOR if training and self.floored else 0.0
        if self.probability == "softmax":
            return _log_mean(gate, ops.log_softmax(logits, axis=-1), floor)
        ends = [_log_mean(gate, ops.log_sigmoid(sign * logits), floor) for sign in (1, -1)]
        return ends[0] - ends[1]

    def compute_output_shape(self, input_shape):
        return (input_shape[1][0], input_shape[1][2])

    def get_config(self):
        config = {"probability": self.probability, "floored": self.floored}
        return {**super().get_config(), **config}


def _log_mean(gate, log_p, floor):
    """Logarithm of the mean of probabilities under the gate, relative to the best that counts."""
    gate = gate[:, :, None]
    # Relative to the best of all where unchosen experts must have a gradient, else of
    # those that have a weight.
    best = ops.max(log_p if floor else ops.where(gate > 0, log_p, -1e30), axis=1, keepdims=True)
    best = ops.stop_gradient(best)
    gap = log_p - best
    if not floor:  # not ops.minimum: of a tie, which the best is, JAX passes back half the gradient
        gap = ops.where(gap > 0, 0, gap)
    relative = ops.exp(gap)
    return best[:, 0] + ops.log(ops.sum(gate * relative, axis=1) + floor)
