"""Losses of probabilities, for networks that give logits."""

import keras

from skconstrain.losses._loss_of_logits import LossOfLogits
from skconstrain.losses._numbers import numbers_of


class OnProbabilities(LossOfLogits):
    """A Keras loss of probabilities, computed on the logits of a network."""

    def call(self, y_true, y_pred):
        """Loss of each row, shape (batch,)."""
        return self.loss.call(y_true, keras.activations.get(self.activation)(y_pred))

    def _numbers(self):
        """Return settings of the loss that a compiled program takes as data."""
        return numbers_of(self.loss)
