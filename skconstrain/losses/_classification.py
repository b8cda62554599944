"""Losses of classifiers: by name, as objects of this package, or of the user's own."""

from skconstrain.losses._asymmetric_loss import AsymmetricLoss
from skconstrain.losses._categorical_focal_loss import CategoricalFocalLoss
from skconstrain.losses._log_loss import LogLoss
from skconstrain.losses._wrapped import OnProbabilities, as_keras_loss

_NAMED = {"log_loss": LogLoss, "focal": CategoricalFocalLoss, "asymmetric": AsymmetricLoss}


def classification_loss(loss, activation):
    """Return the Keras loss of logits for a loss that the user gave.

    Parameters
    ----------
    loss : {"log_loss", "focal", "asymmetric"}, keras.losses.Loss (class or instance) or callable
        A name or one of the losses that the names stand for, which are fitted to the target; or
        another loss of probabilities, or of logits if it says ``from_logits=True``.
    activation : {"sigmoid", "softmax"}
        What turns logits into probabilities.

    Returns
    -------
    keras.losses.Loss
        A loss of logits.
    """
    loss = _instance(loss)
    if type(loss) in _NAMED.values():
        return _of_logits(loss, activation)
    settings = {**getattr(loss, "_fn_kwargs", {}), **vars(loss)}
    return loss if settings.get("from_logits") else OnProbabilities(loss, activation)


def weighs_positives(loss) -> bool:
    """Whether a target of labels may hold weights of positives in the place of 1."""
    return type(_instance(loss)) in _NAMED.values()


def _instance(loss):
    return as_keras_loss(_NAMED[loss] if isinstance(loss, str) else loss)


def _of_logits(loss, activation):
    """Return a loss of labels as that of classes, or the other way round, where it has to be."""
    settings = {"label_smoothing": loss.label_smoothing, "from_logits": True}
    is_focal = isinstance(loss, CategoricalFocalLoss)
    if activation == "softmax":
        # Only the true class has a positive term: gamma_negative and margin do not apply.
        return CategoricalFocalLoss(loss.gamma if is_focal else loss.gamma_positive, **settings)
    if is_focal:
        return AsymmetricLoss(loss.gamma, loss.gamma, margin=0.0, **settings)
    return AsymmetricLoss(loss.gamma_negative, loss.gamma_positive, loss.margin, **settings)
