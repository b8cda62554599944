"""Pinball loss of one quantile, or of several."""

from collections.abc import Sequence
from numbers import Real

import keras
from keras import ops

from skconstrain.losses._loss_of_settings import LossOfSettings


@keras.saving.register_keras_serializable(package="skconstrain")
class PinballLoss(LossOfSettings):
    """Pinball loss, whose minimum is a quantile, as :func:`sklearn.metrics.mean_pinball_loss`.

    Parameters
    ----------
    quantile : float or sequence of float, default=0.5
        The quantile to predict, between 0 and 1; or one for each column of ``y_pred``.
    name : str, default="pinball_loss"
        Name of the loss.
    **kwargs
        `reduction` and `dtype` as in Keras.

    Examples
    --------
    >>> from skconstrain.losses import PinballLoss
    >>> float(PinballLoss(quantile=0.25)([[2.0]], [[1.0]]))
    0.25
    >>> float(PinballLoss(quantile=(0.25, 0.75))([[2.0]], [[1.0, 3.0]]))
    0.25
    """

    _settings = ("quantile",)

    def __init__(self, quantile: float | Sequence = 0.5, name="pinball_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        quantiles = [quantile] if isinstance(quantile, Real) else list(quantile)
        if not quantiles or not all(isinstance(q, Real) and 0 < q < 1 for q in quantiles):
            raise ValueError(f"quantile must lie between 0 and 1. Got {quantile!r}.")
        numbers = tuple(map(float, quantiles))
        self.quantile = numbers[0] if isinstance(quantile, Real) else numbers

    def call(self, y_true, y_pred):
        """Loss of each row, shape (batch,)."""
        y_pred = ops.convert_to_tensor(y_pred)
        quantile = ops.convert_to_tensor(self.quantile, y_pred.dtype)
        error = ops.cast(y_true, y_pred.dtype) - y_pred
        return ops.mean(ops.maximum(quantile * error, (quantile - 1) * error), axis=-1)

    def _numbers(self):
        """Return settings that a compiled program takes as data: the quantile if it is one."""
        return {} if isinstance(self.quantile, tuple) else {"quantile": self.quantile}
