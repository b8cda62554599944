"""The rows that experts are fitted on: as the user gave them, without those that have no weight."""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from skconstrain._gated._expert_params import ExpertParams


class ExpertRows(NamedTuple):
    """X as it was given, classes of shape (n_rows,) and parameters of the experts' fits by name."""

    X: object
    y: np.ndarray
    params: dict[str, ExpertParams]


def indexable_rows(X):
    """Return X; a sparse matrix in a format whose rows can be chosen."""
    return X.tocsr() if sparse.issparse(X) else X


def used_folds(cv, used):
    """Return `cv`; where it lists rows, those among `used`, numbered as these are."""
    if used is None or hasattr(cv, "split") or not np.iterable(cv):
        return cv
    return [tuple(_among(part, used) for part in pair) for pair in cv]


def _among(part, used):
    part = np.asarray(part)
    rows = np.flatnonzero(part) if part.dtype == bool else part
    return np.searchsorted(used, rows[np.isin(rows, used)])
