"""Parts of the rows: those to train on, and those that are held out."""

from inspect import signature
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import ShuffleSplit

from skconstrain._base._rows import Rows
from skconstrain._lazy_rows import LazyRows
from skconstrain._warn import warn


class Parts(NamedTuple):
    """Rows to train on, and those that are held out: apart, or for each network a fold of them."""

    rows: Rows
    held_out: Rows | None = None
    folds: np.ndarray | None = None


def warn_of_unused_fraction(estimator) -> None:
    """Warn where a fraction of the rows was asked for that no network is held out from."""
    fraction, n_networks = estimator.validation_fraction, estimator._n_networks
    default = signature(type(estimator)).parameters["validation_fraction"].default
    if n_networks > 1 and fraction != default:
        warn(
            "validation_fraction is for one network: several are stopped on folds of the rows. Got "
            f"validation_fraction={fraction} and n_networks={n_networks}. Leave it out, set "
            "n_networks=1, or give X_val and y_val.",
        )


def strata_of(target: np.ndarray) -> np.ndarray:
    """Return the indicators of encoded classes or labels, shape (n_samples, n_strata)."""
    positive = target > 0
    return np.hstack([positive, ~positive]) if target.shape[1] == 1 else positive


def split(rows: Rows, fraction: float, strata: np.ndarray | None, rng) -> Parts:
    """Set a fraction of the rows aside, with the shares of the strata in both parts.

    Raises
    ------
    ValueError
        If fewer than two rows are left to train on.
    """
    n_rows = len(rows.X)
    n_held_out = int(np.ceil(fraction * n_rows))
    if n_rows - n_held_out < 2:
        raise ValueError(
            f"early_stopping=True with validation_fraction={fraction} leaves "
            f"{n_rows - n_held_out} of {n_rows} samples for training; at least 2 are needed. "
            "Give X_val and y_val, or more samples."
        )
    splitter = ShuffleSplit
    if strata is not None:
        from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit as splitter
    seed = int(rng.integers(2**31))
    splitter = splitter(1, test_size=n_held_out, random_state=seed)
    chosen = next(splitter.split(np.zeros((n_rows, 1)), strata))
    if len(chosen[1]) == 0:  # every class has one row only
        chosen = next(ShuffleSplit(1, test_size=n_held_out, random_state=seed).split(rows.X))
    if isinstance(rows.X, LazyRows):  # read in the order in which they lie
        chosen = map(np.sort, chosen)
    return Parts(*(Rows(*(part[numbers] for part in rows)) for numbers in chosen))
