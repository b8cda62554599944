"""FeatureSummary: what the stages of a network are told of the training rows."""

from functools import cached_property

import numpy as np

from skconstrain._lazy_rows import (
    RANGE_OF_NORMAL,
    gaps_of,
    moments,
    sample_rows,
    shares_of_nonzero,
    weighted_quantiles,
)

# A feature of fewer values is a category, or like one: any function of it is a sum of few steps.
_FEWEST_VALUES = 10
_FIRST_ROWS = 1_000

# Words, tags and one-hot columns have more zeros: features of which a category is one have fewer.
_SPARSE = 0.9


class FeatureSummary:
    """Numbers that describe the features of weighted rows; each is computed when it is needed.

    Parameters
    ----------
    X : ndarray or LazyRows of shape (n_rows, n_features)
        Training rows.
    weight : ndarray of shape (n_rows,)
        Their weights.
    n_codes : tuple of int
        For each feature how many codes of categories it has; 0, or nothing at all, for numbers.
    numbers : list of int or None
        Which features are described; None for all.
    n_flags : int
        How many flags stand behind them, whose center is 0 and whose scale 1.
    """

    def __init__(self, X, weight, n_codes=(), numbers=None, n_flags=0):
        self._X, self._weight, self._n_flags = X, weight, n_flags
        self._numbers = numbers
        self.n_codes = n_codes or (0,) * X.shape[1]

    def encoded(self, numbers, n_flags) -> "FeatureSummary":
        """Return the summary of some features, with flags behind them."""
        return FeatureSummary(self._X, self._weight, self.n_codes, list(numbers), n_flags)

    @property
    def numbers(self):
        """The positions of the features that are described."""
        return range(self._X.shape[1]) if self._numbers is None else self._numbers

    @cached_property
    def gaps(self) -> np.ndarray:
        """Flags of the features that have gaps."""
        return gaps_of(self._X)

    @cached_property
    def _sample(self):
        X, weight = sample_rows(self._X, self._weight)
        return (X if self._numbers is None else X[:, self._numbers]), weight

    def _moments(self, unit=1.0):
        """Return mean and deviation of the features that are described, in their units."""
        if self._numbers is None:
            return moments(self._X, self._weight, unit)
        units = np.ones(self._X.shape[1])
        units[self._numbers] = unit
        return tuple(part[self._numbers] for part in moments(self._X, self._weight, units))

    def _with_flags(self, center, scale):
        flags = np.zeros(self._n_flags), np.ones(self._n_flags)
        return np.append(center, flags[0]), np.append(scale, flags[1])

    @cached_property
    def _quartiles(self):
        return weighted_quantiles(*self._sample, [0.25, 0.5, 0.75])

    @cached_property
    def is_sparse(self) -> bool:
        """Whether nine tenths of the values are zero."""
        X, weight = self._sample
        shares = shares_of_nonzero(X, weight)
        return len(shares) > 0 and float(shares.mean()) <= 1 - _SPARSE

    @property
    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each feature."""
        return self._with_flags(*self._moments())

    @property
    def center_and_scale(self) -> tuple[np.ndarray, np.ndarray]:
        """Center and spread of each feature, in float64.

        The center is the weighted median; the scale the interquartile range, in units in which it
        is the standard deviation of normal features, or the standard deviation if that is smaller:
        a few far values then do not set the scale. Features that have one value in half of the rows
        have their mean and standard deviation, constant ones a scale of 1. Where the rows are
        sparse, features that are mostly zero are not centered, and their scale is the geometric
        mean of the deviation and of the root mean square of the values that are not zero: rare
        words are larger than frequent ones, but not by as much as by the deviation alone.
        """
        # Units are powers of two, which change no bit. Squares of 1e200 would be infinite.
        largest = np.fmax.reduce(np.abs(self._sample[0]), axis=0, initial=0).astype(np.float64)
        unit = np.exp2(np.frexp(largest)[1] - 1)
        mean, deviation = self._moments(unit)
        low, center, high = self._quartiles / unit
        quartile_range = high - low
        scale = np.minimum(quartile_range / RANGE_OF_NORMAL, deviation)
        is_spread = quartile_range > 1e-9 * np.maximum(np.abs(center), deviation)
        center, scale = np.where(is_spread, center, mean), np.where(is_spread, scale, deviation)
        if self.is_sparse:
            share = shares_of_nonzero(self._X, self._weight)[list(self.numbers)]
            is_zero = (low == 0) & (high == 0) & (share > 0)
            of_nonzero = np.sqrt((mean**2 + deviation**2) / np.where(share > 0, share, 1))
            both = np.sqrt(deviation * of_nonzero)
            center, scale = np.where(is_zero, 0, center), np.where(is_zero, both, scale)
        # A processor may round subnormal numbers to zero.
        tiny = 4 * np.finfo(self._X.dtype).tiny
        is_constant = (scale <= 1e-9 * np.abs(mean)) | (scale * unit < tiny)
        return self._with_flags(center * unit, np.where(is_constant, 1.0, scale * unit))

    @property
    def numerical_columns(self) -> list[int]:
        """The columns of many values, of which no single one is in half of the rows."""
        low, _, high = self._quartiles
        X = self._sample[0]
        # Most columns are decided by the first rows.
        return [
            int(column)
            for column in np.flatnonzero(low < high)
            if _has_many(X[:_FIRST_ROWS, column]) or _has_many(X[:, column])
        ]


def _has_many(values):
    return len(np.unique(values[~np.isnan(values)])) >= _FEWEST_VALUES
