"""Pairs of rows that differ in features with a sign, and whether predictions keep the signs."""

import numpy as np

SCALES = 10.0 ** np.arange(-3, 31, 3)
CST = (1, -1, 0, 0, 1)


def pairs(rng, n_pairs, dtype, center, monotonic_cst=CST):
    """Return rows, and the same further along their signs: by one float, a step or any distance.

    Rows lie around those of `center` at distances of the scales 1e-3 to 1e30.
    """
    center = center[rng.integers(len(center), size=n_pairs)]
    with np.errstate(over="ignore"):
        X = (center + _steps(rng, center.shape)).astype(dtype)
        further = X + (monotonic_cst * np.abs(_steps(rng, X.shape))).astype(dtype)
    ends = np.select([np.sign(monotonic_cst) == sign for sign in (1, -1)], [np.inf, -np.inf], X)
    next_to = np.nextafter(X, ends.astype(dtype))
    moved = np.where(rng.random(X.shape) < 0.3, next_to, further)
    return X, np.where(rng.random(X.shape) < 0.5, X, moved).astype(dtype)


def _steps(rng, shape):
    return rng.normal(size=shape) * rng.choice(SCALES, shape)


def in_batches(function, X, size):
    """Return `function` of X, in batches of so many rows."""
    return np.concatenate([function(X[i : i + size]) for i in range(0, len(X), size)])


def n_broken(before, after):
    """Return for how many pairs of rows a prediction falls, though it must not."""
    return int((after < before).reshape(len(before), -1).any(axis=1).sum())
