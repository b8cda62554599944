"""Rows that the user gave beside the training data: checked, and compared with these."""

import numpy as np
from sklearn.utils.validation import check_consistent_length

from skconstrain._base._rows import Rows, checked_weight
from skconstrain._targets import plain_target
from skconstrain._warn import warn


def _remedy(name):
    return (
        f"In a Pipeline, {name} passes the transformers where it has transform_input=['{name}'] "
        f"and metadata routing is enabled; without, transform {name} first."
    )


def given_rows(estimator, given, features, suffix="val") -> Rows | None:
    """Return the rows that the user gave, X, y and weights, checked; None if there are none.

    `features` are those of training. Messages call them by the suffix.
    """
    if all(part is None for part in given or ()):
        return None
    X, y, weight = given
    X_name, y_name = f"X_{suffix}", f"y_{suffix}"
    if X is None or y is None:
        missing = X_name if X is None else y_name
        raise ValueError(f"{X_name} and {y_name} must be given together. Got {missing}=None.")
    _check_same_features(estimator, X, X_name)
    checked = estimator._new_rows(X, features.dtype)
    _warn_of_other_units(checked, features, X_name)
    y, names = plain_target(y, y_name)
    check_consistent_length(checked, y)
    target = estimator._encode_target(y, names=names, reset=False, name=y_name)
    weight = np.ones(len(checked), checked.dtype) if weight is None else weight
    weight = checked_weight(weight, checked, name=f"sample_weight_{suffix}")
    return Rows(checked, target, weight)


def _check_same_features(estimator, X, name):
    """Raise ``ValueError`` where given rows have other features than X of the training had."""
    shape, names = np.shape(X), _names(X)
    if len(shape) == 2 and shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"{name} must have the {estimator.n_features_in_} features of X. Got {shape[1]} "
            f"features. {_remedy(name)}"
        )
    fitted = getattr(estimator, "feature_names_in_", None)
    if fitted is not None:
        names = _names(estimator._encoder.in_order(X, fitted))
    if names is not None and (fitted is None or names != list(fitted)):
        expected = "no names" if fitted is None else f"the names {_shown(fitted)}"
        raise ValueError(
            f"{name} must have the features of X, which have {expected}. Got {_shown(names)}. "
            + _remedy(name)
        )


def _warn_of_other_units(given, X, name):
    """Warn where half of the values of a feature are further off than all of X is wide.

    Rows that are read in chunks are not compared.
    """
    if not (isinstance(X, np.ndarray) and isinstance(given, np.ndarray)):
        return
    low, high = (end.reduce(X, axis=0).astype(np.float64) for end in (np.fmin, np.fmax))
    width = high - low
    outside = (given < low - width) | (given > high + width)
    far = np.flatnonzero((outside.mean(axis=0) > 0.5) & (width > 0))
    if len(far):
        j = far[0]
        warn(
            f"{name} lies far outside the range of X in {len(far)} features: feature {j} is in "
            f"[{low[j]:.3g}, {high[j]:.3g}] in X, and in [{np.nanmin(given[:, j]):.3g}, "
            f"{np.nanmax(given[:, j]):.3g}] in {name}. Probably {name} has not passed the "
            "transformers of a Pipeline. " + _remedy(name),
        )


def _names(X):
    names = list(X.columns) if hasattr(X, "columns") else None
    is_named = names is not None and all(isinstance(name, str) for name in names)
    return names if is_named else None


def _shown(names):
    names = [str(name) for name in names]
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
