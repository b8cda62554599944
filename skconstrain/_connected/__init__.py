"""Networks with given connections."""

from skconstrain._connected._classifier import SparseConnectedNetClassifier
from skconstrain._connected._regressor import SparseConnectedNet

__all__ = ["SparseConnectedNet", "SparseConnectedNetClassifier"]
