"""`monotonic_cst`: what contradicts it, and the signs that it gives."""

import numpy as np

from skconstrain._networks._activations import ACTIVATIONS
from skconstrain._sklearn_compat import check_monotonic_cst

# Types of the parameter, as HistGradientBoostingRegressor has them.
MONOTONIC_CST = ["array-like", dict, None]


def check_monotonic_settings(estimator) -> None:
    """Raise ``ValueError`` where other parameters contradict `monotonic_cst`."""
    if estimator.monotonic_cst is None:
        return
    if estimator.kernel_constraint is not None:
        raise ValueError(
            "monotonic_cst has constraints of its own on the weights. Got kernel_constraint="
            f"{estimator.kernel_constraint!r} beside it. Use kernel_constraint=None."
        )
    if not estimator.standardize:
        raise ValueError(
            "monotonic_cst needs standardize=True: the order of values is kept to the last bit "
            "where features have a known range. Got standardize=False."
        )
    known = isinstance(estimator.activation, str) and estimator.activation in ACTIVATIONS
    if not known:
        raise ValueError(
            "monotonic_cst needs an activation with a name. Got activation="
            f"{estimator.activation!r}. Use one of {sorted(ACTIVATIONS)}."
        )


def checked_signs(estimator):
    """Return the sign of each feature as a tuple, or None where all features are free."""
    given = estimator.monotonic_cst
    if given is None:
        return None
    try:
        signs = check_monotonic_cst(estimator, given)
    except TypeError as error:  # values that cannot be sorted
        raise ValueError(f"monotonic_cst must hold -1, 0 or 1. Got {given!r}.") from error
    if signs.ndim != 1:
        raise ValueError(
            "monotonic_cst must have one number for each feature, shape "
            f"({estimator.n_features_in_},). Got shape {signs.shape}."
        )
    for j in np.flatnonzero(signs):
        if estimator._encoder.is_category(j):
            name = getattr(estimator, "feature_names_in_", range(len(signs)))[j]
            raise ValueError(
                f"monotonic_cst must be 0 where a feature holds categories. Got {signs[j]} for "
                f"{name!r}."
            )
    return tuple(signs.tolist()) if signs.any() else None
