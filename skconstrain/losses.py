"""Keras losses in scikit-learn's terms: each equals the metric of that name there."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="skconstrain")
class TweedieDeviance(keras.losses.Loss):
    r"""Mean Tweedie deviance: Poisson at ``power=1``, gamma at ``power=2``.

    .. math:: d(y, \mu) = 2\left(\frac{y^{2-p}}{(1-p)(2-p)} - \frac{y\,\mu^{1-p}}{1-p}
              + \frac{\mu^{2-p}}{2-p}\right)

    with the limits :math:`2(y\log(y/\mu) - y + \mu)` at p = 1 and
    :math:`2(\log(\mu/y) + y/\mu - 1)` at p = 2, as in
    :func:`sklearn.metrics.mean_tweedie_deviance`.

    Parameters
    ----------
    power : float, default=1.5
        The power p of the variance function: 0, or at least 1.
    name : str, default="tweedie_deviance"
        Name of the loss.
    **kwargs
        `reduction` and `dtype` as in Keras.

    Notes
    -----
    ``y_true`` must be non-negative for ``1 <= power < 2`` and positive for ``power >= 2``;
    ``y_pred`` must be non-negative, and 1e-7 is added to it, so that a prediction of 0 has a
    finite deviance.

    Examples
    --------
    >>> from skconstrain.losses import TweedieDeviance
    >>> round(float(TweedieDeviance(power=1.0)([[2.0], [0.0]], [[2.0], [1.0]])), 4)
    1.0
    """

    def __init__(self, power=1.5, name="tweedie_deviance", **kwargs):
        super().__init__(name=name, **kwargs)
        if 0 < power < 1 or power < 0:
            raise ValueError(f"power must be 0, or at least 1. Got {power!r}.")
        self.power = float(power)

    def call(self, y_true, y_pred):
        """Deviance of each row, shape (batch,)."""
        y, mu, p = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred), self.power
        y = ops.cast(y, mu.dtype)
        if p == 0:
            return ops.mean(ops.square(y - mu), axis=-1)
        mu = mu + 1e-7
        if p == 1:
            log_y = ops.log(ops.where(y > 0, y, ops.ones_like(y)))
            deviance = y * (log_y - ops.log(mu)) - y + mu
        elif p == 2:
            deviance = ops.log(mu) - ops.log(y) + y / mu - 1
        else:
            at_y = ops.power(y, 2 - p) / ((1 - p) * (2 - p))
            deviance = at_y - y * ops.power(mu, 1 - p) / (1 - p) + ops.power(mu, 2 - p) / (2 - p)
        return 2 * ops.mean(deviance, axis=-1)

    def get_config(self):
        """Return what rebuilds the loss."""
        return {**super().get_config(), "power": self.power}


@keras.saving.register_keras_serializable(package="skconstrain")
class PinballLoss(keras.losses.Loss):
    """Pinball loss, whose minimum is a quantile, as :func:`sklearn.metrics.mean_pinball_loss`.

    Parameters
    ----------
    quantile : float, default=0.5
        The quantile to predict, between 0 and 1.
    name : str, default="pinball_loss"
        Name of the loss.
    **kwargs
        `reduction` and `dtype` as in Keras.

    Examples
    --------
    >>> from skconstrain.losses import PinballLoss
    >>> float(PinballLoss(quantile=0.25)([[2.0]], [[1.0]]))
    0.25
    """

    def __init__(self, quantile=0.5, name="pinball_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        if not 0 < quantile < 1:
            raise ValueError(f"quantile must lie between 0 and 1. Got {quantile!r}.")
        self.quantile = float(quantile)

    def call(self, y_true, y_pred):
        """Loss of each row, shape (batch,)."""
        y_pred = ops.convert_to_tensor(y_pred)
        error = ops.cast(y_true, y_pred.dtype) - y_pred
        return ops.mean(ops.maximum(self.quantile * error, (self.quantile - 1) * error), axis=-1)

    def get_config(self):
        """Return what rebuilds the loss."""
        return {**super().get_config(), "quantile": self.quantile}


def named(loss, *, power, quantile):
    """Return the Keras loss for a name, and how it grows with the unit of y.

    Parameters
    ----------
    loss : str, keras.losses.Loss or callable
        scikit-learn's name of a loss, a Keras loss, or a function of ``y_true`` and ``y_pred``.
    power : float
        Power of ``"tweedie"``.
    quantile : float
        Quantile of ``"quantile"``.

    Returns
    -------
    loss : keras.losses.Loss
        The loss.
    exponent : float or None
        e, where multiplying y and the prediction by s multiplies the loss by s**e; None where there
        is no such e.
    """
    if isinstance(loss, keras.losses.Loss):
        return loss, None
    if not isinstance(loss, str):
        return _FunctionLoss(loss), None
    if loss in ("poisson", "gamma", "tweedie"):
        power = {"poisson": 1.0, "gamma": 2.0}.get(loss, power)
        return TweedieDeviance(power), 2.0 - power
    if loss == "quantile":
        return PinballLoss(quantile), 1.0
    kind, exponent = _KERAS_LOSSES[loss]
    return kind(), exponent


# Huber counts as quadratic: its delta of 1 is in units of the target's scale.
_KERAS_LOSSES = {
    "squared_error": (keras.losses.MeanSquaredError, 2.0),
    "absolute_error": (keras.losses.MeanAbsoluteError, 1.0),
    "huber": (keras.losses.Huber, 2.0),
    "squared_log_error": (keras.losses.MeanSquaredLogarithmicError, None),
}


class _FunctionLoss(keras.losses.Loss):
    """A function of ``y_true`` and ``y_pred`` as a loss; equal where the function is the same."""

    def __init__(self, function):
        super().__init__(name=getattr(function, "__name__", "loss"))
        self.function = function

    def call(self, y_true, y_pred):
        return self.function(y_true, y_pred)

    def get_config(self):
        return {**super().get_config(), "function": self.function}
