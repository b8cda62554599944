"""Losses of probabilities, for networks that give logits."""

import keras

from skconstrain.losses._numbers import numbers_of, with_attributes, with_numbers


class OnProbabilities(keras.losses.Loss):
    """A Keras loss of probabilities, computed on the logits of a network."""

    def __init__(self, loss, activation):
        super().__init__(name=loss.name)
        self.loss, self.activation = loss, activation

    def call(self, y_true, y_pred):
        """Loss of each row, shape (batch,)."""
        return self.loss.call(y_true, keras.activations.get(self.activation)(y_pred))

    def get_config(self):
        """Return what tells the loss apart."""
        return {**super().get_config(), "loss": self.loss, "activation": self.activation}

    def _numbers(self):
        """Return settings of the loss that a compiled program takes as data."""
        return numbers_of(self.loss)

    def _with_numbers(self, numbers):
        """Return the loss with other settings."""
        return with_attributes(self, {"loss": with_numbers(self.loss, numbers)})
