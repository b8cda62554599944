"""Losses of regressors, by scikit-learn's names."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from skconstrain.losses._pinball_loss import PinballLoss
from skconstrain.losses._tweedie_deviance import TweedieDeviance
from skconstrain.losses._wrapped import as_keras_loss


@dataclass(frozen=True)
class RegressionLoss:
    """A loss, and what a regressor has to know of it.

    Attributes
    ----------
    loss : keras.losses.Loss
        The loss.
    exponent : float or None
        e, where multiplying y and the prediction by s multiplies the loss by s**e; None where there
        is no such e. With e, training computes the loss of targets divided by their scale, and
        reports it in its own units.
    quantile : float or None
        The quantile that its best constant prediction is, or is near to. Training starts there, in
        a unit that far values do not change. None where it is the mean.
    needs_positive_predictions, needs_positive_targets : bool
        Whether it is defined for positive predictions, and for positive y, only.
    """

    loss: keras.losses.Loss
    exponent: float | None = None
    quantile: float | None = None
    needs_positive_predictions: bool = False
    needs_positive_targets: bool = False


def _deviance(power):
    """Return a deviance of the Tweedie family; its domain as in scikit-learn's metric."""
    return RegressionLoss(
        TweedieDeviance(power),
        exponent=2.0 - power,
        needs_positive_predictions=power >= 1,
        needs_positive_targets=power >= 2,
    )


# Functions of `power` and `quantile` that return a loss, by scikit-learn's names.
REGRESSION_LOSSES: dict[str, Callable[[float, float], RegressionLoss]] = {
    "squared_error": lambda power, quantile: RegressionLoss(
        keras.losses.MeanSquaredError(), exponent=2.0
    ),
    "absolute_error": lambda power, quantile: RegressionLoss(
        keras.losses.MeanAbsoluteError(), exponent=1.0, quantile=0.5
    ),
    # Huber counts as quadratic: its delta of 1 is in units of the target's scale.
    "huber": lambda power, quantile: RegressionLoss(
        keras.losses.Huber(), exponent=2.0, quantile=0.5
    ),
    "squared_log_error": lambda power, quantile: RegressionLoss(
        keras.losses.MeanSquaredLogarithmicError(), needs_positive_predictions=True
    ),
    "poisson": lambda power, quantile: _deviance(1.0),
    "gamma": lambda power, quantile: _deviance(2.0),
    "tweedie": lambda power, quantile: _deviance(power),
    "quantile": lambda power, quantile: RegressionLoss(
        PinballLoss(quantile), exponent=1.0, quantile=quantile
    ),
}


def regression_loss(loss, *, power=1.5, quantile=0.5):
    """Return the loss of a regressor.

    Parameters
    ----------
    loss : str, keras.losses.Loss (class or instance) or callable
        scikit-learn's name of a loss, a Keras loss, or a function of ``y_true`` and ``y_pred``.
    power : float
        Power of ``"tweedie"``.
    quantile : float
        Quantile of ``"quantile"``.

    Returns
    -------
    RegressionLoss
        The loss and its domain; of a loss that was not named, nothing is known.

    Raises
    ------
    ValueError
        If there is no loss of that name.
    """
    if not isinstance(loss, str):
        return RegressionLoss(as_keras_loss(loss))
    if loss not in REGRESSION_LOSSES:
        raise ValueError(
            f"loss must be one of {sorted(REGRESSION_LOSSES)}, a Keras loss or a function. "
            f"Got {loss!r}."
        )
    return REGRESSION_LOSSES[loss](power, quantile)
