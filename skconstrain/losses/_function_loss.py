"""Functions as Keras losses."""

import keras


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
