"""The template of every network estimator, and what classifiers and regressors add to it."""

from skconstrain._base._classifier import NetClassifier
from skconstrain._base._estimator import NetEstimator, layer_sizes
from skconstrain._base._regressor import NetRegressor

__all__ = ["NetClassifier", "NetEstimator", "NetRegressor", "layer_sizes"]
