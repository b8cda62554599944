"""Pairs of rows that differ in features with a sign, and whether predictions keep the signs."""

import numpy as np

SCALES = 10.0 ** np.arange(-3, 31, 3)
CST = (1, -1, 0, 0, 1)


def pairs(rng, n_pairs, dtype, near, monotonic_cst=CST):
    """Return rows, 1e-3 to 1e30 away from those of `near`, and the same `moved`."""
    near = near[rng.integers(len(near), size=n_pairs)]
    X = (near + _steps(rng, near.shape)).astype(dtype)
    return X, moved(rng, X, monotonic_cst)


def moved(rng, X, monotonic_cst=CST):
    """Return the rows further along their signs: each feature by nothing, one float, or a step."""
    signs, largest = np.sign(monotonic_cst), float(np.finfo(X.dtype).max)
    with np.errstate(over="ignore"):
        further = X + (signs * np.abs(_steps(rng, X.shape))).astype(X.dtype)
    ends = np.select([signs == 1, signs == -1], [largest, -largest], X)
    next_to = np.nextafter(X, ends.astype(X.dtype))
    kind = rng.random(X.shape)
    found = np.select([kind < 0.5, kind < 0.65], [X, next_to], further)
    return np.clip(found, -largest, largest).astype(X.dtype)


def _steps(rng, shape):
    return rng.normal(size=shape) * rng.choice(SCALES, shape)


def in_batches(function, X, size):
    """Return `function` of X, in batches of so many rows."""
    return np.concatenate([function(X[i : i + size]) for i in range(0, len(X), size)])


def broken(before, after):
    """Return for which pairs of rows a prediction falls, though it must not."""
    return (after < before).reshape(len(before), -1).any(axis=1)


def n_broken(before, after):
    """Return for how many pairs it falls."""
    return int(broken(before, after).sum())


def rising(model, X):
    """Return what must rise along the signs: predictions, or probabilities but of a first class."""
    if hasattr(model, "predict_quantiles"):
        return model.predict_quantiles(X)
    if not hasattr(model, "predict_proba"):
        return model.predict(X)
    probability = model.predict_proba(X)
    return probability if np.ndim(model.classes_) == 2 else probability[:, 1]
