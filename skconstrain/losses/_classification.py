"""Losses of classifiers, by name."""

from skconstrain.losses._asymmetric_loss import AsymmetricLoss
from skconstrain.losses._categorical_focal_loss import CategoricalFocalLoss
from skconstrain.losses._function_loss import as_keras_loss
from skconstrain.losses._on_probabilities import OnProbabilities


def classification_loss(
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
        loss = as_keras_loss(loss)
        settings = {**getattr(loss, "_fn_kwargs", {}), **vars(loss)}
        return loss if settings.get("from_logits") else OnProbabilities(loss, activation)
    shared = {"label_smoothing": label_smoothing, "from_logits": True}
    if activation == "softmax":
        # Only the class itself is a positive: what is asymmetric about the loss is of the others.
        gamma = {"log_loss": 0.0, "focal": gamma, "asymmetric": gamma_positive}[loss]
        return CategoricalFocalLoss(gamma, **shared)
    if loss == "asymmetric":
        return AsymmetricLoss(gamma_negative, gamma_positive, margin, **shared)
    gamma = gamma if loss == "focal" else 0.0
    return AsymmetricLoss(gamma, gamma, margin=0.0, **shared)
