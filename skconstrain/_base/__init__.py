"""The template of every network estimator, and what classifiers and regressors add to it."""

from skconstrain._base._classifier import NetClassifier
from skconstrain._base._estimator import NetEstimator
from skconstrain._base._regressor import NetRegressor
from skconstrain._base._sizes import layer_sizes

__all__ = ["NetClassifier", "NetEstimator", "NetRegressor", "layer_sizes"]
