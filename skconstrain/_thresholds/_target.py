"""What is to be predicted: labels, or classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d


@dataclass(frozen=True, kw_only=True)
class Target:
    """A target that has been read.

    Attributes
    ----------
    y : what classifiers are fitted with
    classes : ``[0, 1]`` for each label, shape (n_labels, 2); the classes of a 1-D target
    positive : shape (n_samples, n_labels), of one label if binary; None of a multiclass target
    n_labels : None for a 1-D target, like what follows
    dtype : type of the indicator matrix
    container : its class, where it is sparse
    names : its columns, where it is a DataFrame
    """

    y: Any
    classes: np.ndarray
    positive: np.ndarray | None = None
    n_labels: int | None = None
    dtype: np.dtype | None = None
    container: type | None = None
    names: np.ndarray | None = None

    @classmethod
    def of(cls, y) -> "Target":
        """Read a target, and refuse one that is no classification of these kinds."""
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind == "multilabel-indicator":
            return cls._of_labels(y)
        if kind == "multiclass-multioutput":
            raise ValueError(
                "y must hold zeros and ones, a column for each label. Got a multiclass-multioutput "
                "y. Encode its columns with OneHotEncoder, or fit one classifier a column."
            )
        y = column_or_1d(y, warn=True)
        classes = np.unique(y)
        if len(classes) < 2:
            found = f"one class: {classes[0]!r}" if len(classes) else "no samples"
            raise ValueError(f"y must have at least two classes. Got {found}.")
        positive = (y == classes[1])[:, None] if kind == "binary" else None
        return cls(y=y, classes=classes, positive=positive)

    @classmethod
    def _of_labels(cls, y):
        is_sparse = sparse.issparse(y)
        dense = np.asarray(y.toarray() if is_sparse else y)
        values = np.unique(dense)
        if not np.isin(values, [0, 1]).all():
            raise ValueError(
                "An indicator matrix y must hold zeros and ones. "
                f"Got the values {values.tolist()}. Use y == positive_value."
            )
        n_labels = dense.shape[1]
        return cls(
            y=y,
            classes=np.tile([0, 1], (n_labels, 1)),
            positive=dense.astype(bool),
            n_labels=n_labels,
            dtype=dense.dtype,
            container=type(y) if is_sparse else None,
            names=np.asarray(y.columns, dtype=object) if hasattr(y, "columns") else None,
        )
