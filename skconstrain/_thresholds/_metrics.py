"""Scores that are made of counts: true and false positives and negatives."""

from collections.abc import Callable

import numpy as np

# True positives, false positives, false negatives, true negatives -> score; larger is better.
Metric = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def _ratio(numerator, denominator, otherwise):
    return np.divide(
        numerator,
        denominator,
        where=denominator > 0,
        out=np.full(np.shape(denominator), otherwise, float),
    )


def f_beta(beta: float = 1.0, zero_division: float = 0.0) -> Metric:
    """``(1 + b^2) tp / ((1 + b^2) tp + b^2 fn + fp)`` (van Rijsbergen 1979); F1 by default."""
    square = beta**2

    def score(tp, fp, fn, tn):
        hits = (1 + square) * tp
        return _ratio(hits, hits + square * fn + fp, zero_division)

    return score


def jaccard(zero_division: float = 0.0) -> Metric:
    """``tp / (tp + fp + fn)``."""
    return lambda tp, fp, fn, tn: _ratio(tp, tp + fp + fn, zero_division)


def precision(zero_division: float = 0.0) -> Metric:
    """``tp / (tp + fp)``."""
    return lambda tp, fp, fn, tn: _ratio(tp, tp + fp, zero_division)


def recall(zero_division: float = 0.0) -> Metric:
    """``tp / (tp + fn)``."""
    return lambda tp, fp, fn, tn: _ratio(tp, tp + fn, zero_division)


def balanced_accuracy() -> Metric:
    """Mean of the recalls of positive and negative rows; one of them where the other is empty."""

    def score(tp, fp, fn, tn):
        positive, negative = _ratio(tp, tp + fn, np.nan), _ratio(tn, tn + fp, np.nan)
        mean = (positive + negative) / 2
        return np.where(np.isnan(mean), np.where(np.isnan(positive), negative, positive), mean)

    return score


def negative_cost(matrix: np.ndarray) -> Metric:
    """Minus the mean cost of a row; ``matrix[true, predicted]`` is the cost of an outcome."""
    (cost_tn, cost_fp), (cost_fn, cost_tp) = np.asarray(matrix, float)

    def score(tp, fp, fn, tn):
        cost = cost_tp * tp + cost_fp * fp + cost_fn * fn + cost_tn * tn
        return -cost / (tp + fp + fn + tn)

    return score


def hamming() -> Metric:
    """Minus the share of the outcomes that are wrong."""
    return lambda tp, fp, fn, tn: -(fp + fn) / (tp + fp + fn + tn)


def all_right() -> Metric:
    """1 where no outcome is wrong, else 0: the subset accuracy of a row."""
    return lambda tp, fp, fn, tn: np.where(fp + fn == 0, 1.0, 0.0)


def any_wrong() -> Metric:
    """-1 where an outcome is wrong, else 0."""
    return lambda tp, fp, fn, tn: np.where(fp + fn == 0, 0.0, -1.0)
