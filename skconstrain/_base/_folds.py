"""Folds of rows for several networks, each of which is stopped on rows that it lacks."""

import numpy as np

from skconstrain._base._parts import Parts
from skconstrain._lazy_rows import filled
from skconstrain._networks import FittedNetwork

# Fewer distinct rows than this are not dealt to folds.
_ENOUGH_ROWS = 50


def deal_few(
    X: np.ndarray, target: np.ndarray, n_networks: int, strata: np.ndarray | None, seed: int
) -> np.ndarray | None:
    """Return folds that depend neither on the order of rows nor on how often each one is there.

    Equal rows are in one fold. None where too few are distinct.
    """
    # Gaps are equal, too.
    _, first, group = np.unique(
        np.hstack([filled(X, -np.inf), target]), axis=0, return_index=True, return_inverse=True
    )
    if len(first) < max(_ENOUGH_ROWS, 2 * n_networks):
        return None
    folds = np.empty(len(first), np.int32)
    order = np.random.default_rng(seed).permutation(len(first))
    if strata is not None:
        order = order[np.lexsort(strata[first[order]].T)]
    folds[order] = np.arange(len(first)) % n_networks
    return folds[group.ravel()]


def deal(n_rows: int, n_networks: int, strata: np.ndarray | None, seed: int) -> np.ndarray:
    """Return for each row the number of the network that does not train on it.

    Parameters
    ----------
    n_rows
        Number of rows.
    n_networks
        Number of folds, one for each network.
    strata
        Indicators, shape (n_rows, n_strata), whose shares each fold keeps; or None.
    seed
        Decides the folds.
    """
    if n_rows < n_networks or n_rows - -(-n_rows // n_networks) < 2:
        raise ValueError(
            f"early_stopping=True with n_networks={n_networks} needs a row in each fold and at "
            f"least 2 others. Got {n_rows} samples. Use early_stopping=False, or give X_val and "
            "y_val."
        )
    rng, folds = np.random.default_rng(seed), np.empty(n_rows, np.int32)
    if strata is not None and (strata.sum(axis=1) != 1).any():
        # Imported here: predicting does not need it.
        from iterstrat.ml_stratifiers import MultilabelStratifiedKFold

        splitter = MultilabelStratifiedKFold(n_networks, shuffle=True, random_state=seed)
        for k, (_, held_out) in enumerate(splitter.split(np.zeros((n_rows, 1)), strata)):
            folds[held_out] = k
        return folds
    order = rng.permutation(n_rows)
    if strata is not None:
        order = order[np.argsort(strata[order].argmax(axis=1), kind="stable")]
    folds[order] = np.arange(n_rows) % n_networks
    return folds


def outputs_out_of_fold(fitted: FittedNetwork, parts: Parts) -> np.ndarray:
    """Return for each row the outputs of the network that was not trained on it."""
    X, folds = parts.rows.X, parts.folds
    outputs = np.empty((len(folds), fitted.network.n_outputs), fitted.network.dtype)
    for k in range(fitted.network.n_networks):
        outputs[folds == k] = fitted.member(k).predict(X[folds == k])
    return outputs


def among_all(values: np.ndarray, used: np.ndarray | None, missing) -> np.ndarray:
    """Return the values of the rows in `used` among those of all rows; None stands for all."""
    if used is None:
        return values
    found = np.full((len(used), *values.shape[1:]), missing, values.dtype)
    found[used] = values
    return found
