"""Networks of quantiles."""

from skconstrain._quantiles._regressor import QuantileNetRegressor

__all__ = ["QuantileNetRegressor"]
