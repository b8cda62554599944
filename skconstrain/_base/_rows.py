"""Rows to train on, checked and encoded."""

from typing import NamedTuple

import numpy as np

from skconstrain._formulas._recipe import saturation_limit
from skconstrain._lazy_rows import LazyRows
from skconstrain._sklearn_compat import check_sample_weight
from skconstrain._warn import warn

_LARGEST_TARGET = 1e150


class Rows(NamedTuple):
    """Rows to train on: X (n, n_features), encoded target (n, n_outputs), positive weight (n,)."""

    X: np.ndarray | LazyRows
    target: np.ndarray
    weight: np.ndarray


def scaled(rows, target_scale):
    """Return rows in the network's precision, with targets divided by their scales."""
    dtype = rows.X.dtype
    return rows.X, (rows.target / target_scale).astype(dtype), rows.weight.astype(dtype)


def unit_of_loss(target_scale, exponent):
    """Return what turns the loss of scaled targets into one in its own units.

    Outputs count equally, however large they are: the mean of their units serves all of them.
    """
    return float(np.mean([float(scale) ** exponent for scale in np.ravel(target_scale)]))


def checked_weight(sample_weight, X, name="sample_weight"):
    """Return weights of rows in the precision of X, some of them positive."""
    given = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    largest, limit = given.max(), saturation_limit(X.dtype) ** 2
    if largest == 0:
        raise ValueError(f"{name} must have a positive entry. Got only zeros.")
    if largest > limit / len(given):
        raise ValueError(
            f"{name} must sum up to at most {limit:g} in {X.dtype.name}. Got weights up to "
            f"{largest:g}. Divide all of them by the same number."
        )
    weight = given.astype(X.dtype)
    if weight.max() < np.finfo(X.dtype).tiny:
        raise ValueError(
            f"{name} must have an entry that {X.dtype.name} does not round to 0. Got "
            f"{largest:g} at most. Multiply all of them by the same number, or use dtype='float64'."
        )
    return weight


def check_representable(target, dtype):
    """Raise ``ValueError`` where targets are too large, or all too small, for the network."""
    largest = float(np.abs(target).max(initial=0))
    low, high = float(np.finfo(dtype).tiny), float(np.finfo(dtype).max)
    if largest > high or 0 < largest < low:
        raise ValueError(
            f"y must fit into {dtype.name}, the precision of the network, which holds numbers from "
            f"{low:.3g} to {high:.3g}. Got {largest:g} at most. Use dtype='float64', or another "
            "unit of y."
        )
    if largest > _LARGEST_TARGET:
        raise ValueError(
            f"y must not exceed {_LARGEST_TARGET:g}, because losses square it. Got {largest:g}. "
            "Use another unit of y."
        )


def warn_of_few_digits(target, origin, dtype):
    """Warn where targets differ by hardly more than what rounding does to predictions.

    Predictions have the digits of their distance from `origin`, the end of a range or 0.
    """
    width, size = np.ptp(target, axis=0), np.abs(target).max(axis=0)
    farthest = np.maximum(size, np.abs(target - origin).max(axis=0))
    few = (width > 4 * np.finfo(float).eps * size) & (width < 16 * np.finfo(dtype).eps * farthest)
    if few.any():
        j = int(np.argmax(few))
        end = f"{origin:g}, the end of its range" if farthest[j] > size[j] else "0"
        remedies = ["a bound nearer to y" if farthest[j] > size[j] else "y minus a constant"]
        remedies += ["dtype='float64'"] if dtype == np.float32 else []
        warn(
            f"y differs by {width[j]:.3g} only, {farthest[j]:.3g} away from {end}: {dtype.name} "
            f"has too few digits for it, and predictions are coarse. Use {' or '.join(remedies)}."
        )


def onto_ends(target, y, ends):
    """Return targets, those that pass an end of the range by rounding of `y` moved onto it.

    A decimal is another number in the precision of `y`, and 3 * 0.1 is not 0.3.
    """
    rounding = np.finfo(float).eps
    if np.asarray(y).dtype.kind == "f":
        rounding = max(rounding, np.finfo(np.asarray(y).dtype).eps)
    for end, passes in zip(ends, (np.less, np.greater), strict=True):
        if end is not None:
            is_close = np.abs(target - end) <= 2 * rounding * abs(end)
            target = np.where(passes(target, end) & is_close, end, target)
    return target


def digits(number) -> str:
    """Return all digits of a number."""
    return repr(float(number)).removesuffix(".0")
