"""Center and spread of targets: the start of training, and its unit."""

import numpy as np

from skconstrain._formulas._recipe import saturation_limit
from skconstrain._lazy_rows import RANGE_OF_NORMAL, weighted_quantiles

# Training starts this share of the spread beside the quantile: exactly on a target, the sign of
# the gradient would be a rounding error.
BESIDE = 1e-4

# A smaller share of the size of targets is rounding: of the sum over them, for one.
_ROUNDING = 1e-14


def center_and_spread(rows, quantile=None):
    """Return the center and the spread of each output's targets, weighted.

    They are mean and standard deviation. With a `quantile`, for a loss that follows it and not far
    values, they are that quantile and the interquartile range, in units in which it is the
    standard deviation of normal targets. Where half of the targets are equal, the spread is the
    standard deviation all the same. A constant target has a spread of 0.
    """
    y, weight = rows.target, rows.weight
    # Units are powers of two, which change no bit. Squares of 1e-200 would be zero.
    unit = np.ldexp(1.0, np.frexp(np.abs(y).max(axis=0))[1] - 1)
    mean = np.average(y, axis=0, weights=weight)
    deviation = unit * np.sqrt(np.average(((y - mean) / unit) ** 2, axis=0, weights=weight))
    deviation = np.where(deviation > _ROUNDING * np.abs(mean), deviation, 0.0)
    if quantile is None:
        return mean, deviation
    center, low, high = weighted_quantiles(y, weight, [quantile, 0.25, 0.75])
    # Scaled targets stay in the range in which a network computes.
    largest = np.abs(y - center).max(axis=0) / saturation_limit(rows.X.dtype)
    spread = np.maximum((high - low) / RANGE_OF_NORMAL, largest)
    spread = np.where(high - low > _ROUNDING * np.abs(center), spread, deviation)
    return center + BESIDE * spread, spread
