"""Keras losses in scikit-learn's terms: each equals the metric of that name there.

A new loss for regressors is a row of ``_REGRESSION_LOSSES`` below, and a class of its own if Keras
has none. Numbers of a loss that `_numbers` returns are data of a compiled program: losses that
differ in them only share it. A value with a formula of its own (a power of 1, a gamma of 0) is left
out there, so that it is compiled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real

import keras
from keras import ops

__all__ = ["AsymmetricLoss", "CategoricalFocalLoss", "PinballLoss", "TweedieDeviance"]


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
        if not isinstance(power, Real) or 0 < power < 1 or power < 0:
            raise ValueError(f"power must be 0, or at least 1. Got {power!r}.")
        self.power = float(power)

    def call(self, y_true, y_pred):
        """Deviance of each row, shape (batch,)."""
        y, mu, p = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred), self.power
        y = ops.cast(y, mu.dtype)
        if _is(p, 0):
            return ops.mean(ops.square(y - mu), axis=-1)
        mu = mu + 1e-7
        if _is(p, 1):
            log_y = ops.log(ops.where(y > 0, y, ops.ones_like(y)))
            deviance = y * (log_y - ops.log(mu)) - y + mu
        elif _is(p, 2):
            deviance = ops.log(mu) - ops.log(y) + y / mu - 1
        else:
            at_y = ops.power(y, 2 - p) / ((1 - p) * (2 - p))
            deviance = at_y - y * ops.power(mu, 1 - p) / (1 - p) + ops.power(mu, 2 - p) / (2 - p)
        return 2 * ops.mean(deviance, axis=-1)

    def get_config(self):
        """Return what rebuilds the loss."""
        return {**super().get_config(), "power": self.power}

    def _numbers(self):
        """Return settings that a compiled program takes as data: the power where it is general."""
        return {} if self.power in (0, 1, 2) else {"power": self.power}


@keras.saving.register_keras_serializable(package="skconstrain")
class PinballLoss(keras.losses.Loss):
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

    def get_config(self):
        """Return what rebuilds the loss."""
        return {**super().get_config(), "quantile": self.quantile}

    def _numbers(self):
        """Return settings that a compiled program takes as data: the quantile if it is one."""
        return {} if isinstance(self.quantile, tuple) else {"quantile": self.quantile}


@keras.saving.register_keras_serializable(package="skconstrain")
class AsymmetricLoss(keras.losses.Loss):
    r"""Binary cross-entropy of each label that focuses on what is still wrong.

    With p the probability of a label, :math:`p_m = \max(p - m, 0)` and w the weight of a positive,

    .. math:: L = -\begin{cases} w\,(1-p)^{\gamma_+} \log p & \text{where the label is 1}\\
              p_m^{\gamma_-} \log(1-p_m) & \text{where it is 0}\end{cases}

    (Ridnik et al., 2021, "Asymmetric Loss For Multi-Label Classification"). Equal gammas without a
    margin are the focal loss (Lin et al., 2017), gammas of zero the binary cross-entropy.

    Parameters
    ----------
    gamma_negative, gamma_positive : float, default=4.0 and 1.0
        Focusing of labels that are 0 and 1.
    margin : float, default=0.05
        Probability m below which a label that is 0 costs nothing.
    label_smoothing : float, default=0.0
        A label counts as ``1 - label_smoothing / 2`` of itself and as the rest of its opposite.
    from_logits : bool, default=False
        Whether ``y_pred`` are logits instead of probabilities.
    name : str, default="asymmetric_loss"
        Name of the loss.
    **kwargs
        `reduction` and `dtype` as in Keras.

    Notes
    -----
    ``y_true`` of shape (batch, n_labels) is 0, or the weight w of a positive (1 for none). The loss
    of a row is the mean over its labels.

    Examples
    --------
    >>> from skconstrain.losses import AsymmetricLoss
    >>> loss = AsymmetricLoss(gamma_negative=0.0, gamma_positive=0.0, margin=0.0)
    >>> round(float(loss([[1.0, 0.0]], [[0.5, 0.5]])), 4)  # log(2)
    0.6931
    """

    def __init__(
        self,
        gamma_negative=4.0,
        gamma_positive=1.0,
        margin=0.05,
        label_smoothing=0.0,
        from_logits=False,
        name="asymmetric_loss",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        if min(gamma_negative, gamma_positive) < 0:
            raise ValueError(
                f"Gammas must not be negative. Got {gamma_negative}, {gamma_positive}."
            )
        if not (isinstance(margin, Real) and 0 <= margin < 1):
            raise ValueError(f"margin must lie in [0, 1). Got {margin!r}.")
        self.gamma_negative, self.gamma_positive = float(gamma_negative), float(gamma_positive)
        self.margin, self.label_smoothing = float(margin), float(label_smoothing)
        self.from_logits = from_logits

    def call(self, y_true, y_pred):
        """Loss of each row, shape (batch,)."""
        logits = ops.convert_to_tensor(y_pred)
        y = ops.cast(y_true, logits.dtype)
        if not self.from_logits:
            logits = _logit(logits)
        if_one, if_zero = self._if_one(logits), self._if_zero(logits)
        rest = self.label_smoothing / 2
        of_positive = (1 - rest) * if_one + rest * if_zero
        of_negative = (1 - rest) * if_zero + rest * if_one
        return ops.mean(ops.where(y > 0, y * of_positive, of_negative), axis=-1)

    def _if_one(self, logits):
        loss = ops.softplus(-logits)
        if not _is(self.gamma_positive, 0):  # (1 - p)**gamma, without a power of zero
            loss = loss * ops.exp(-self.gamma_positive * ops.softplus(logits))
        return loss

    def _if_zero(self, logits):
        if _is(self.margin, 0):
            loss = ops.softplus(logits)
            if not _is(self.gamma_negative, 0):
                loss = loss * ops.exp(-self.gamma_negative * ops.softplus(-logits))
            return loss
        shifted = ops.maximum(ops.sigmoid(logits) - self.margin, 0)
        loss = -ops.log(1 - shifted)
        if not _is(self.gamma_negative, 0):
            # The power of a safe number: the gradient of 0**gamma may be infinite.
            safe = ops.where(shifted > 0, shifted, ops.ones_like(shifted))
            loss = loss * ops.where(shifted > 0, ops.power(safe, self.gamma_negative), 0)
        return loss

    def get_config(self):
        """Return what rebuilds the loss."""
        names = ("gamma_negative", "gamma_positive", "margin", "label_smoothing", "from_logits")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _numbers(self):
        """Return settings that a compiled program takes as data; zeros leave terms out of it."""
        names = ("gamma_negative", "gamma_positive", "margin", "label_smoothing")
        return {name: getattr(self, name) for name in names if getattr(self, name) > 0}


@keras.saving.register_keras_serializable(package="skconstrain")
class CategoricalFocalLoss(keras.losses.Loss):
    r"""Categorical cross-entropy that focuses on what is still wrong.

    .. math:: L = -\sum_k y_k (1-p_k)^{\gamma} \log p_k

    (Lin et al., 2017); the cross-entropy at :math:`\gamma = 0`.

    Parameters
    ----------
    gamma : float, default=2.0
        Focusing.
    label_smoothing : float, default=0.0
        Share of a target that is spread evenly over all classes.
    from_logits : bool, default=False
        Whether ``y_pred`` are logits instead of probabilities.
    name : str, default="categorical_focal_loss"
        Name of the loss.
    **kwargs
        `reduction` and `dtype` as in Keras.

    Examples
    --------
    >>> from skconstrain.losses import CategoricalFocalLoss
    >>> round(float(CategoricalFocalLoss(gamma=0.0)([[1.0, 0.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        gamma=2.0,
        label_smoothing=0.0,
        from_logits=False,
        name="categorical_focal_loss",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        if gamma < 0:
            raise ValueError(f"gamma must not be negative. Got {gamma!r}.")
        self.gamma, self.label_smoothing = float(gamma), float(label_smoothing)
        self.from_logits = from_logits

    def call(self, y_true, y_pred):
        """Loss of each row, shape (batch,)."""
        y_pred = ops.convert_to_tensor(y_pred)
        y = ops.cast(y_true, y_pred.dtype)
        y = (1 - self.label_smoothing) * y + self.label_smoothing / y_pred.shape[-1]
        if self.from_logits:
            log_p = ops.log_softmax(y_pred, axis=-1)
        else:
            log_p = ops.log(ops.maximum(y_pred, keras.config.epsilon()))
        loss = -y * log_p
        if not _is(self.gamma, 0):
            loss = loss * ops.power(ops.maximum(1 - ops.exp(log_p), 1e-30), self.gamma)
        return ops.sum(loss, axis=-1)

    def get_config(self):
        """Return what rebuilds the loss."""
        config = {"gamma": self.gamma, "label_smoothing": self.label_smoothing}
        return {**super().get_config(), **config, "from_logits": self.from_logits}

    def _numbers(self):
        """Return settings that a compiled program takes as data; zeros leave terms out of it."""
        names = ("gamma", "label_smoothing")
        return {name: getattr(self, name) for name in names if getattr(self, name) > 0}


def _is(setting, number):
    """Whether a setting is a number that has a formula of its own; data never are."""
    return isinstance(setting, float) and setting == number


def _logit(probability):
    tiny = keras.config.epsilon()
    probability = ops.clip(probability, tiny, 1 - tiny)
    return ops.log(probability) - ops.log(1 - probability)


@dataclass(frozen=True)
class _RegressionLoss:
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
    return _RegressionLoss(
        TweedieDeviance(power),
        exponent=2.0 - power,
        needs_positive_predictions=power >= 1,
        needs_positive_targets=power >= 2,
    )


# By scikit-learn's names, of the settings `power` and `quantile`.
_REGRESSION_LOSSES: dict[str, Callable[[float, float], _RegressionLoss]] = {
    "squared_error": lambda power, quantile: _RegressionLoss(
        keras.losses.MeanSquaredError(), exponent=2.0
    ),
    "absolute_error": lambda power, quantile: _RegressionLoss(
        keras.losses.MeanAbsoluteError(), exponent=1.0, quantile=0.5
    ),
    # Huber counts as quadratic: its delta of 1 is in units of the target's scale.
    "huber": lambda power, quantile: _RegressionLoss(
        keras.losses.Huber(), exponent=2.0, quantile=0.5
    ),
    "squared_log_error": lambda power, quantile: _RegressionLoss(
        keras.losses.MeanSquaredLogarithmicError(), needs_positive_predictions=True
    ),
    "poisson": lambda power, quantile: _deviance(1.0),
    "gamma": lambda power, quantile: _deviance(2.0),
    "tweedie": lambda power, quantile: _deviance(power),
    "quantile": lambda power, quantile: _RegressionLoss(
        PinballLoss(quantile), exponent=1.0, quantile=quantile
    ),
}


def _regression_loss(loss, *, power=1.5, quantile=0.5):
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
    _RegressionLoss
        The loss and its domain; of a loss that was not named, nothing is known.

    Raises
    ------
    ValueError
        If there is no loss of that name.
    """
    if not isinstance(loss, str):
        return _RegressionLoss(_as_keras_loss(loss))
    if loss not in _REGRESSION_LOSSES:
        raise ValueError(
            f"loss must be one of {sorted(_REGRESSION_LOSSES)}, a Keras loss or a function. "
            f"Got {loss!r}."
        )
    return _REGRESSION_LOSSES[loss](power, quantile)


def _as_keras_loss(loss):
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


class _OnProbabilities(keras.losses.Loss):
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
        return _with_attributes(self, {"loss": with_numbers(self.loss, numbers)})


class _ValidatedByBrier(keras.losses.Loss):
    """A loss of logits whose networks are validated by the Brier score of their probabilities.

    The log loss of validation data rises as soon as a few rows are surely wrong, while the order of
    the probabilities still improves.
    """

    def __init__(self, loss, activation):
        super().__init__(name=loss.name)
        self.loss, self.activation = loss, activation

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

    def get_config(self):
        """Return what tells the loss apart."""
        return {**super().get_config(), "loss": self.loss, "activation": self.activation}

    def _numbers(self):
        """Return settings of the loss that a compiled program takes as data."""
        return numbers_of(self.loss)

    def _with_numbers(self, numbers):
        """Return the loss with other settings."""
        return _with_attributes(self, {"loss": with_numbers(self.loss, numbers)})


def _classification_loss(
    loss,
    activation,
    *,
    gamma=0.0,
    gamma_negative=0.0,
    gamma_positive=0.0,
    margin=0.0,
    label_smoothing=0.0,
):
    """Return the Keras loss of logits for a name.

    Parameters
    ----------
    loss : {"log_loss", "focal", "asymmetric"}, keras.losses.Loss or callable
        A name; or a loss of probabilities, or of logits if it says ``from_logits=True``.
    activation : {"sigmoid", "softmax"}
        What turns logits into probabilities.
    gamma, gamma_negative, gamma_positive, margin, label_smoothing : float
        Settings of the named losses.

    Returns
    -------
    keras.losses.Loss
        A loss of logits.
    """
    if not isinstance(loss, str):
        loss = _as_keras_loss(loss)
        settings = {**getattr(loss, "_fn_kwargs", {}), **vars(loss)}
        return loss if settings.get("from_logits") else _OnProbabilities(loss, activation)
    shared = {"label_smoothing": label_smoothing, "from_logits": True}
    if activation == "softmax":
        # Only the class itself is a positive: what is asymmetric about the loss is of the others.
        gamma = {"log_loss": 0.0, "focal": gamma, "asymmetric": gamma_positive}[loss]
        return CategoricalFocalLoss(gamma, **shared)
    if loss == "asymmetric":
        return AsymmetricLoss(gamma_negative, gamma_positive, margin, **shared)
    gamma = gamma if loss == "focal" else 0.0
    return AsymmetricLoss(gamma, gamma, margin=0.0, **shared)


def numbers_of(loss) -> dict[str, float]:
    """Return the settings of `loss` that are data, by name; none where it does not say.

    A class says so by a method `_numbers`, which its subclasses do not inherit: they may compute
    anything.
    """
    return loss._numbers() if "_numbers" in vars(type(loss)) else {}


def with_numbers(loss, numbers: dict):
    """Return a copy of `loss` with other numbers, which may be tensors."""
    if not numbers:
        return loss
    adjust = getattr(loss, "_with_numbers", None)
    return _with_attributes(loss, numbers) if adjust is None else adjust(numbers)


def _with_attributes(loss, attributes: dict):
    """Return a copy of `loss` with other attributes."""
    # Keras' own copy goes by way of the configuration, which holds no tensors.
    twin = object.__new__(type(loss))
    vars(twin).update({**vars(loss), **attributes})
    return twin
