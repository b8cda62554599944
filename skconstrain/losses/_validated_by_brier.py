"""Losses whose networks are validated by the Brier score."""

import keras
from keras import ops

from skconstrain.losses._loss_of_logits import LossOfLogits
from skconstrain.losses._numbers import numbers_of


class ValidatedByBrier(LossOfLogits):
    """A loss of logits whose networks are validated by the Brier score of their probabilities.

    The log loss of validation data rises as soon as a few rows are surely wrong, while the order of
    the probabilities still improves.
    """

    validation_name = "brier"

    def call(self, y_true, y_pred):
        """Loss of each row, shape (batch,)."""
        return self.loss.call(y_true, y_pred)

    def validation_call(self, y_true, y_pred):
        """Brier score of each row, shape (batch,): a positive of weight 3 is a 3 in `y_true`."""
        probability = keras.activations.get(self.activation)(y_pred)
        is_positive = ops.cast(y_true > 0, y_pred.dtype)
        squares = ops.square(probability - is_positive)
        if self.activation == "softmax":
            return ops.sum(y_true, axis=-1) * ops.sum(squares, axis=-1)
        return ops.mean(ops.where(y_true > 0, y_true, 1) * squares, axis=-1)

    def _numbers(self):
        """Return settings of the loss that a compiled program takes as data."""
        return numbers_of(self.loss)
