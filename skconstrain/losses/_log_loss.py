"""Log loss whose targets may be smoothed."""

import keras

from skconstrain.losses._asymmetric_loss import AsymmetricLoss


@keras.saving.register_keras_serializable(package="skconstrain")
class LogLoss(AsymmetricLoss):
    """Binary cross-entropy of each label: the log loss of :func:`sklearn.metrics.log_loss`.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        A label counts as ``1 - label_smoothing / 2`` of itself and as the rest of its opposite.
    from_logits : bool, default=False
        Whether ``y_pred`` are logits instead of probabilities.
    name : str, default="log_loss"
        Name of the loss.
    **kwargs
        `reduction` and `dtype` as in Keras.

    Notes
    -----
    ``y_true`` of shape (batch, n_labels) is 0, or the weight w of a positive (1 for none). The loss
    of a row is the mean over its labels.

    As `loss` of a classifier here, and for more than two classes, it is the categorical
    cross-entropy, and `label_smoothing` the share of a target that is spread evenly over them.

    Examples
    --------
    >>> from skconstrain.losses import LogLoss
    >>> round(float(LogLoss()([[1.0, 0.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    _settings = ("label_smoothing", "from_logits")

    def __init__(self, label_smoothing=0.0, from_logits=False, name="log_loss", **kwargs):
        super().__init__(0.0, 0.0, 0.0, label_smoothing, from_logits, name, **kwargs)
