"""Mixture: logits of the mixture of experts' probabilities, computed without underflow."""

from functools import partial

import keras
from keras import ops

from skconstrain._formulas._layers import log_mixture, logits_of_mean
from skconstrain.layers._layer import Layer

# A share of the best expert's likelihood of a class. The gradient of a hard gate grows with the
# ratio of the best likelihood to that of the chosen expert, so that a few rows would decide; this
# floor bounds it. Measured over seeds, a tenth was the best of 0.01, 0.1 and 1.
_FLOOR = 0.1


@keras.saving.register_keras_serializable(package="skconstrain")
class Mixture(Layer):
    """Return the logits of ``sum_l gate_l * p_l`` for experts' logits.

    Inputs are the gate, (batch, L), and the experts' logits, (batch, L, C), behind a ``"sigmoid"``
    or a ``"softmax"`` over C. The output, (batch, C), gives the mixture's probabilities behind the
    same function.

    `floored` bounds the gradient in training, for gates whose weights can be exactly zero.
    """

    _settings = ("probability", "floored")

    def __init__(self, probability, floored=False, **kwargs):
        super().__init__(**kwargs)
        self.probability, self.floored = probability, floored

    def call(self, inputs, training=False):
        gate, logits = inputs
        floor = _FLOOR if training and self.floored else 0.0
        weights = ops.expand_dims(gate, -1)
        log_mean = partial(log_mixture, ops, weights, axis=-2, floor=floor)
        return logits_of_mean(ops, self.probability, logits, log_mean)

    def compute_output_shape(self, input_shape):
        *first, _, n_outputs = input_shape[1]
        return (*first, n_outputs)
