"""Keras losses in scikit-learn's terms: each equals the metric of that name there.

Importing this package registers them with Keras, so that ``keras.saving.load_model`` finds them. A
new loss for regressors is a row of ``REGRESSION_LOSSES``, and a class of its own if Keras has none.
"""

from skconstrain.losses._asymmetric_loss import AsymmetricLoss
from skconstrain.losses._categorical_focal_loss import CategoricalFocalLoss
from skconstrain.losses._log_loss import LogLoss
from skconstrain.losses._pinball_loss import PinballLoss
from skconstrain.losses._tweedie_deviance import TweedieDeviance

__all__ = ["AsymmetricLoss", "CategoricalFocalLoss", "LogLoss", "PinballLoss", "TweedieDeviance"]
