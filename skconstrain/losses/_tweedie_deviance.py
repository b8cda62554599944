"""Deviances of the Tweedie family."""

from numbers import Real

import keras
from keras import ops

from skconstrain.losses._loss_of_settings import LossOfSettings
from skconstrain.losses._numbers import equals


@keras.saving.register_keras_serializable(package="skconstrain")
class TweedieDeviance(LossOfSettings):
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

    _settings = ("power",)

    def __init__(self, power=1.5, name="tweedie_deviance", **kwargs):
        super().__init__(name=name, **kwargs)
        if not isinstance(power, Real) or 0 < power < 1 or power < 0:
            raise ValueError(f"power must be 0, or at least 1. Got {power!r}.")
        self.power = float(power)

    def call(self, y_true, y_pred):
        """Deviance of each row, shape (batch,)."""
        y, mu, p = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred), self.power
        y = ops.cast(y, mu.dtype)
        if equals(p, 0):
            return ops.mean(ops.square(y - mu), axis=-1)
        mu = mu + 1e-7
        if equals(p, 1):
            log_y = ops.log(ops.where(y > 0, y, ops.ones_like(y)))
            deviance = y * (log_y - ops.log(mu)) - y + mu
        elif equals(p, 2):
            deviance = ops.log(mu) - ops.log(y) + y / mu - 1
        else:
            at_y = ops.power(y, 2 - p) / ((1 - p) * (2 - p))
            deviance = at_y - y * ops.power(mu, 1 - p) / (1 - p) + ops.power(mu, 2 - p) / (2 - p)
        return 2 * ops.mean(deviance, axis=-1)

    def _numbers(self):
        """Return settings that a compiled program takes as data: the power where it is general."""
        return {} if self.power in (0, 1, 2) else {"power": self.power}
