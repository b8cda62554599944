"""Rows to train on, checked and encoded."""

from typing import NamedTuple

import numpy as np

from skconstrain._lazy_rows import LazyRows
from skconstrain._recipe import saturation_limit
from skconstrain._sklearn_compat import check_sample_weight

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
    """Raise ``ValueError`` where targets are too large for the network."""
    largest, limit = float(np.abs(target).max(initial=0)), float(np.finfo(dtype).max)
    if largest > limit:
        raise ValueError(
            f"y must fit into {dtype.name}, the precision of the network. Got {largest:g}. "
            "Use dtype='float64', or another unit of y."
        )
    if largest > _LARGEST_TARGET:
        raise ValueError(
            f"y must not exceed {_LARGEST_TARGET:g}, because losses square it. Got {largest:g}. "
            "Use another unit of y."
        )


def column_names(y):
    """Return the names of the columns of a table, else None."""
    return list(y.columns) if hasattr(y, "columns") else None
