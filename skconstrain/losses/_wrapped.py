"""Losses around what the user gave: a function, or a loss of probabilities."""

import keras
from keras import ops

from skconstrain.losses._numbers import numbers_of, with_attributes, with_numbers


def as_keras_loss(loss):
    """Return a Keras loss (class or instance) or a function of y_true and y_pred as an instance."""
    if isinstance(loss, type) and issubclass(loss, keras.losses.Loss):
        return loss()
    return loss if isinstance(loss, keras.losses.Loss) else _FunctionLoss(loss)


class _FunctionLoss(keras.losses.Loss):
    """A function of ``y_true`` and ``y_pred`` as a loss; equal where the function is the same."""

    def __init__(self, function):
        super().__init__(name=getattr(function, "__name__", "loss"))
        self.function = function

    def call(self, y_true, y_pred):
        return self.function(y_true, y_pred)

    def get_config(self):
        return {**super().get_config(), "function": self.function}


class _LossOfLogits(keras.losses.Loss):
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


class OnProbabilities(_LossOfLogits):
    """A Keras loss of probabilities, computed on the logits of a network."""

    def call(self, y_true, y_pred):
        """Loss of each row, shape (batch,)."""
        return self.loss.call(y_true, keras.activations.get(self.activation)(y_pred))

    def _numbers(self):
        """Return settings of the loss that a compiled program takes as data."""
        return numbers_of(self.loss)


class ValidatedByBrier(_LossOfLogits):
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
