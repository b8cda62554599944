"""Losses around another one, for networks that give logits."""

import keras

from skconstrain.losses._numbers import with_attributes, with_numbers


class LossOfLogits(keras.losses.Loss):
    """A loss around `loss`, for networks whose logits become probabilities by `activation`.

    Subclasses say themselves which settings of it are data: see `numbers_of`.
    """

    def __init__(self, loss, activation):
        super().__init__(name=loss.name)
        self.loss, self.activation = loss, activation

    def get_config(self):
        """Return what tells the loss apart."""
        return {**super().get_config(), "loss": self.loss, "activation": self.activation}

    def _with_numbers(self, numbers):
        """Return the loss with other settings."""
        return with_attributes(self, {"loss": with_numbers(self.loss, numbers)})
