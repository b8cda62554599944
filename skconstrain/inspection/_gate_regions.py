"""Weights of a gate and predictions of its ensemble on a grid over two features."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from scipy import sparse

_MAX_NUMBERS = 4_000_000  # of a part of the grid that is held at a time
_MARGIN = 0.06  # of the range of a feature, on both sides


@dataclass(frozen=True)
class GateRegions:
    """The gate over two features; all others are held at one value.

    Attributes
    ----------
    columns : tuple of 2 int
        The features.
    names : tuple of 2 str
        Their names.
    n_held : int
        Number of the other features.
    x, y : ndarray of shape (n_steps,)
        Values of the first and of the second feature on the grid.
    weights : ndarray of shape (n_steps, n_steps, L)
        Weights of the experts; rows go along `y`, columns along `x`.
    predicted : ndarray of shape (n_steps, n_steps)
        Classes that the ensemble predicts, numbered as in `classes`.
    classes : ndarray of shape (n_classes,)
        Classes.
    samples : ndarray of shape (n_samples, 2)
        The two features of the rows.
    labels : ndarray of shape (n_samples,) or None
        Their classes, numbered as in `classes`.
    """

    columns: tuple
    names: tuple
    n_held: int
    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    predicted: np.ndarray
    classes: np.ndarray
    samples: np.ndarray
    labels: np.ndarray | None

    @property
    def preferred(self) -> np.ndarray:
        """Expert with the largest weight at each point, shape (n_steps, n_steps)."""
        return self.weights.argmax(axis=-1)

    @property
    def decided(self) -> np.ndarray:
        """Largest weight, from 0 where all are equal to 1 where one has everything."""
        equal = 1 / self.weights.shape[-1]
        if equal == 1:
            return np.ones(self.weights.shape[:-1])
        return np.clip((self.weights.max(axis=-1) - equal) / (1 - equal), 0, 1)


def gate_regions(estimator, X, y, columns, names, n_steps) -> GateRegions:
    """Ask the gate and the ensemble on a grid.

    Parameters
    ----------
    estimator : fitted estimator
        It has `gate_proba`, `predict` and `classes_`.
    X : {DataFrame, array-like} of shape (n_samples, n_features)
        Rows that give the ranges, and the values of the features that are held: the median of
        numbers, the mode of anything else.
    y : ndarray of shape (n_samples,) or None
        Classes of the rows.
    columns : tuple of 2 int
        Features of the picture.
    names : tuple of 2 str
        Their names.
    n_steps : int
        Points of the grid along each feature.
    """
    if not hasattr(X, "iloc"):
        X = _float_array(X)
    samples = np.stack([_numbers(X, *pair) for pair in zip(columns, names, strict=True)], axis=1)
    ticks = [_ticks(values, n_steps) for values in samples.T]
    points = np.stack(np.meshgrid(*ticks), axis=-1).reshape(-1, 2)
    classes = np.asarray(estimator.classes_)
    weights, predicted = [], []
    n_features = X.shape[1]
    for part in np.array_split(points, -(-len(points) * n_features // _MAX_NUMBERS)):
        rows = _held_rows(X, columns, part)
        weights.append(np.asarray(estimator.gate_proba(rows)))
        predicted.append(np.searchsorted(classes, estimator.predict(rows)))
    return GateRegions(
        columns=columns,
        names=names,
        n_held=n_features - 2,
        x=ticks[0],
        y=ticks[1],
        weights=np.concatenate(weights).reshape(n_steps, n_steps, -1),
        predicted=np.concatenate(predicted).reshape(n_steps, n_steps),
        classes=classes,
        samples=samples,
        labels=None if y is None else np.searchsorted(classes, y),
    )


def chosen_features(features, feature_names, n_features):
    """Return columns and names of two features given by number or by name.

    Raises
    ------
    ValueError
        If they are not two different features that there are.
    """
    names = [f"x{i}" for i in range(n_features)] if feature_names is None else list(feature_names)
    if isinstance(features, str) or not np.iterable(features) or len(list(features)) != 2:
        raise ValueError(f"features must be two numbers or names of features. Got {features!r}.")
    columns = tuple(_column_of(feature, feature_names, n_features) for feature in features)
    if columns[0] == columns[1]:
        raise ValueError(f"features must be two different features. Got {features!r}.")
    return columns, tuple(str(names[column]) for column in columns)


def feature_names_of(estimator, X):
    """Return names of the columns, None where there are none."""
    names = getattr(X, "columns", None)
    return getattr(estimator, "feature_names_in_", None) if names is None else list(names)


def _column_of(feature, names, n_features):
    if isinstance(feature, Integral) and not isinstance(feature, bool):
        if -n_features <= feature < n_features:
            return int(feature) % n_features
        known = f"X has {n_features} features"
    elif names is None:
        known = "X has no names of features. Use their numbers, or a DataFrame"
    else:
        if feature in list(names):
            return list(names).index(feature)
        known = f"X has {', '.join(map(repr, list(names)[:8]))}{', ...' if len(names) > 8 else ''}"
    raise ValueError(f"features must name features of X: {known}. Got {feature!r}.")


def _float_array(X):
    if sparse.issparse(X):
        raise TypeError("Regions need a dense X. Got a sparse matrix. Use kind='usage'.")
    X = np.asarray(X)
    return X if X.dtype.kind == "f" else X.astype(np.float64)


def _numbers(X, column, name):
    values = X.iloc[:, column] if hasattr(X, "iloc") else X[:, column]
    try:
        values = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Regions need two features that are numbers. Got {name!r}, which is not. Choose "
            "others by features=."
        ) from error
    if not np.isfinite(values).all():
        raise ValueError(f"Feature {name!r} must be finite. Got NaN or infinity.")
    return values


def _ticks(values, n_steps):
    low, high = values.min(), values.max()
    margin = _MARGIN * (high - low) or 0.5
    return np.linspace(low - margin, high + margin, n_steps)


def _held_rows(X, columns, points):
    """Return rows of the kind of X: `points` in two columns, one value in each other."""
    if not hasattr(X, "iloc"):
        rows = np.repeat(np.median(X, axis=0)[None], len(points), axis=0)
        rows[:, columns] = points
        return rows.astype(X.dtype, copy=False)
    rows = X.iloc[np.zeros(len(points), int)].reset_index(drop=True)
    for i in range(X.shape[1]):
        column = X.iloc[:, i]
        if i in columns:
            rows.isetitem(i, points[:, columns.index(i)])
        elif column.dtype.kind in "iuf":
            rows.isetitem(i, np.full(len(points), float(column.median())))
        else:
            # A row that has the mode, rather than the mode: this keeps the kind of the column.
            at = int((column == column.mode().iloc[0]).to_numpy().argmax())
            rows.isetitem(i, column.iloc[np.full(len(points), at)].reset_index(drop=True))
    return rows
