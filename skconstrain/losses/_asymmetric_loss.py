"""Asymmetric loss of several labels."""

import keras
from keras import ops

from skconstrain.losses._loss_of_settings import LossOfSettings, checked_setting
from skconstrain.losses._numbers import equals


@keras.saving.register_keras_serializable(package="skconstrain")
class AsymmetricLoss(LossOfSettings):
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

    As `loss` of a classifier here, and for more than two classes, it is
    ``CategoricalFocalLoss(gamma_positive, label_smoothing)``: only the class itself is a positive.

    Examples
    --------
    >>> from skconstrain.losses import AsymmetricLoss
    >>> loss = AsymmetricLoss(gamma_negative=0.0, gamma_positive=0.0, margin=0.0)
    >>> round(float(loss([[1.0, 0.0]], [[0.5, 0.5]])), 4)  # log(2)
    0.6931
    """

    _settings = ("gamma_negative", "gamma_positive", "margin", "label_smoothing", "from_logits")

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
        self.gamma_negative = checked_setting("gamma_negative", gamma_negative)
        self.gamma_positive = checked_setting("gamma_positive", gamma_positive)
        self.margin = checked_setting("margin", margin, 1)
        self.label_smoothing = checked_setting("label_smoothing", label_smoothing, 1)
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
        if not equals(self.gamma_positive, 0):  # (1 - p)**gamma, without a power of zero
            loss = loss * ops.exp(-self.gamma_positive * ops.softplus(logits))
        return loss

    def _if_zero(self, logits):
        if equals(self.margin, 0):
            loss = ops.softplus(logits)
            if not equals(self.gamma_negative, 0):
                loss = loss * ops.exp(-self.gamma_negative * ops.softplus(-logits))
            return loss
        shifted = ops.maximum(ops.sigmoid(logits) - self.margin, 0)
        loss = -ops.log(1 - shifted)
        if not equals(self.gamma_negative, 0):
            # The power of a safe number: the gradient of 0**gamma may be infinite.
            safe = ops.where(shifted > 0, shifted, ops.ones_like(shifted))
            loss = loss * ops.where(shifted > 0, ops.power(safe, self.gamma_negative), 0)
        return loss

    def _numbers(self):
        """Return settings that a compiled program takes as data; zeros leave terms out of it."""
        names = ("gamma_negative", "gamma_positive", "margin", "label_smoothing")
        return {name: getattr(self, name) for name in names if getattr(self, name) > 0}


def _logit(probability):
    tiny = keras.config.epsilon()
    probability = ops.clip(probability, tiny, 1 - tiny)
    return ops.log(probability) - ops.log(1 - probability)
