"""Rows that nobody would train on, in arrays of every kind."""

import numpy as np
from scipy import sparse

BATCH_SIZES = (1, 7, 1000)
PRECISIONS = ("float32", "float64")


def hostile_rows(rng, n_rows, near, dtype) -> np.ndarray:
    """Return finite rows, each of a kind drawn at random, shape (n_rows, n_features).

    `near` are rows as in training, from which some kinds start.
    """
    kinds = [
        kind(rng, near[rng.integers(len(near), size=n_rows)], np.finfo(dtype)) for kind in KINDS
    ]
    chosen = rng.integers(len(kinds), size=n_rows)
    rows = np.stack(kinds)[chosen, np.arange(n_rows)]
    largest = float(np.finfo(dtype).max)
    return np.clip(rows, -largest, largest).astype(dtype)


def _signs(rng, near):
    return rng.choice([-1.0, 1.0], size=near.shape)


def _exponents(rng, shape, info):
    # The range reaches from below the smallest subnormal to just below the largest number.
    return 10.0 ** rng.uniform(np.log10(info.tiny) - 5, np.log10(info.max) - 1e-3, size=shape)


def _scaled(rng, near, info):
    """Rows of one scale each, from 1e-300 to 1e300 in float64."""
    return near / np.abs(near).max() * _exponents(rng, (len(near), 1), info)


def _mixed(rng, near, info):
    """Each number of a scale and sign of its own."""
    return _signs(rng, near) * _exponents(rng, near.shape, info)


def _subnormal(rng, near, info):
    return rng.uniform(-1, 1, size=near.shape) * float(info.tiny)


def _zeros(rng, near, info):
    return _signs(rng, near) * 0.0


def _largest(rng, near, info):
    return _signs(rng, near) * float(info.max)


def _one_largest(rng, near, info):
    """Rows as in training, but for one number."""
    rows, column = near.copy(), rng.integers(near.shape[1], size=len(near))
    rows[np.arange(len(rows)), column] = rng.choice([-1, 1], size=len(rows)) * float(info.max)
    return rows


def _constant(rng, near, info):
    values = _exponents(rng, (len(near), 1), info)
    return np.repeat(rng.choice([-1, 1], size=values.shape) * values, near.shape[1], axis=1)


def _far(rng, near, info):
    """Rows as in training, up to 1e12 times farther out."""
    return near * 10.0 ** rng.uniform(0, 12, size=(len(near), 1))


def _near(rng, near, info):
    return near


KINDS = [_scaled, _mixed, _subnormal, _zeros, _largest, _one_largest, _constant, _far, _near]


def with_gaps(rng, X) -> np.ndarray:
    """Return rows in a third of which numbers are missing: some, or all."""
    shares = rng.choice([0, 0, 0.3, 1], size=(len(X), 1), p=[0.4, 0.3, 0.25, 0.05])
    return np.where(rng.random(X.shape) < shares, X.dtype.type(np.nan), X)


def _strided(X):
    """Every second column of a larger array."""
    wide = np.full((len(X), 2 * X.shape[1]), np.nan, X.dtype)
    wide[:, ::2] = X
    return wide[:, ::2]


def _read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


CONTAINERS = {
    "array": lambda X: X,
    "Fortran order": np.asfortranarray,
    "every second column": _strided,
    "backwards": lambda X: X[::-1].copy()[::-1],
    "read-only": _read_only,
    "big-endian": lambda X: X.astype(X.dtype.newbyteorder(">")),
    "list": lambda X: X.tolist(),
    "csr": sparse.csr_array,
    "csc": sparse.csc_array,
    "coo": sparse.coo_array,
}
SPARSE = ("csr", "csc", "coo")
