"""Validation data that the user gave, checked and compared with the training data."""

import warnings

import numpy as np
from sklearn.utils.validation import check_consistent_length

from skconstrain._base._rows import Rows, checked_weight
from skconstrain._targets import plain_target

_REMEDY = (
    "In a Pipeline, X_val passes the transformers where it has transform_input=['X_val'] and "
    "metadata routing is enabled; without, transform X_val first."
)


def given_validation(estimator, validation, features) -> Rows | None:
    """Return the validation data that the user gave as checked rows, None if there are none.

    `features` are those of training.
    """
    if all(part is None for part in validation or ()):
        return None
    X_val, y_val, weight = validation
    if X_val is None or y_val is None:
        missing = "X_val" if X_val is None else "y_val"
        raise ValueError(f"X_val and y_val must be given together. Got {missing}=None.")
    _check_same_features(estimator, X_val)
    checked = estimator._new_rows(X_val, features.dtype)
    _warn_of_other_units(checked, features)
    y_val, names = plain_target(y_val, "y_val")
    check_consistent_length(checked, y_val)
    target = estimator._encode_target(y_val, names=names, reset=False, name="y_val")
    weight = np.ones(len(checked), checked.dtype) if weight is None else weight
    weight = checked_weight(weight, checked, name="sample_weight_val")
    return Rows(checked, target, weight)


def _check_same_features(estimator, X_val):
    """Raise ``ValueError`` where X_val has other features than X of the training had."""
    shape, names = np.shape(X_val), _names(X_val)
    if len(shape) == 2 and shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X_val must have the {estimator.n_features_in_} features of X. Got {shape[1]} "
            f"features. {_REMEDY}"
        )
    fitted = getattr(estimator, "feature_names_in_", None)
    if fitted is not None:
        names = _names(estimator._encoder.in_order(X_val, fitted))
    if names is not None and (fitted is None or names != list(fitted)):
        expected = "no names" if fitted is None else f"the names {_shown(fitted)}"
        raise ValueError(
            f"X_val must have the features of X, which have {expected}. Got {_shown(names)}. "
            + _REMEDY
        )


def _warn_of_other_units(X_val, X):
    """Warn where half of the values of a feature are further off than all of X is wide.

    Rows that are read in chunks are not compared.
    """
    if not (isinstance(X, np.ndarray) and isinstance(X_val, np.ndarray)):
        return
    low, high = (end.reduce(X, axis=0).astype(np.float64) for end in (np.fmin, np.fmax))
    width = high - low
    outside = (X_val < low - width) | (X_val > high + width)
    far = np.flatnonzero((outside.mean(axis=0) > 0.5) & (width > 0))
    if len(far):
        j = far[0]
        warnings.warn(
            f"X_val lies far outside the range of X in {len(far)} features: feature {j} is in "
            f"[{low[j]:.3g}, {high[j]:.3g}] in X, and in [{np.nanmin(X_val[:, j]):.3g}, "
            f"{np.nanmax(X_val[:, j]):.3g}] in X_val. Probably X_val has not passed the "
            "transformers of a Pipeline. " + _REMEDY,
            stacklevel=5,
        )


def _names(X):
    names = list(X.columns) if hasattr(X, "columns") else None
    is_named = names is not None and all(isinstance(name, str) for name in names)
    return names if is_named else None


def _shown(names):
    names = [str(name) for name in names]
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
