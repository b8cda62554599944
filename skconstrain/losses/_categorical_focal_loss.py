"""Focal loss of several classes."""

import keras
from keras import ops

from skconstrain.losses._loss_of_settings import LossOfSettings, checked_setting
from skconstrain.losses._numbers import equals


@keras.saving.register_keras_serializable(package="skconstrain")
class CategoricalFocalLoss(LossOfSettings):
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

    Notes
    -----
    As `loss` of a classifier here, and for two classes or several labels, it is
    ``AsymmetricLoss(gamma, gamma, 0, label_smoothing)``: each label has two classes, 1 and 0.

    Examples
    --------
    >>> from skconstrain.losses import CategoricalFocalLoss
    >>> round(float(CategoricalFocalLoss(gamma=0.0)([[1.0, 0.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    _settings = ("gamma", "label_smoothing", "from_logits")

    def __init__(
        self,
        gamma=2.0,
        label_smoothing=0.0,
        from_logits=False,
        name="categorical_focal_loss",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.gamma = checked_setting("gamma", gamma)
        self.label_smoothing = checked_setting("label_smoothing", label_smoothing, 1)
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
        if not equals(self.gamma, 0):
            loss = loss * ops.power(ops.maximum(1 - ops.exp(log_p), 1e-30), self.gamma)
        return ops.sum(loss, axis=-1)

    def _numbers(self):
        """Return settings that a compiled program takes as data; zeros leave terms out of it."""
        names = ("gamma", "label_smoothing")
        return {name: getattr(self, name) for name in names if getattr(self, name) > 0}
