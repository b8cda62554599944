"""What classifiers are to predict: a vector of classes, or an indicator matrix of labels."""

from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from skconstrain._warn import warn

_TAGS = "Of tags, sklearn.preprocessing.MultiLabelBinarizer makes columns of 0 and 1."


def plain_target(y, name: str = "y") -> tuple[Any, list | None]:
    """Return y as an array of plain numbers or strings, or as a sparse matrix, and column names.

    Nullable, pyarrow and mixed columns of a table are objects to NumPy: their numbers become
    numbers here.

    Raises
    ------
    ValueError
        If a value is missing among objects, or is a list or set of tags.
    """
    names = list(y.columns) if hasattr(y, "columns") else None
    if y is None or sparse.issparse(y):
        return y, names
    try:
        array = np.asarray(y)
    except ValueError as error:  # lists of different lengths
        raise _refused_tags(y[0], name) from error
    return (_without_objects(array, names, name) if array.dtype == object else array), names


def _without_objects(array, names, name):
    values = array.ravel().tolist()
    for place, value in enumerate(values):
        if isinstance(value, list | tuple | set | frozenset | np.ndarray):
            raise _refused_tags(value, name)
        if _is_missing(value):
            row, *column = np.unravel_index(place, array.shape)
            label = f", label {_named(names, column[0])}" if column else ""
            raise ValueError(
                f"{name} must not have missing values. Got {value!r} at row {row}{label}. Drop "
                "these rows, or say which value they have: fillna(0), for example."
            )
    is_number = [isinstance(value, Real | np.bool_) for value in values]
    if all(is_number):
        return np.asarray(values).reshape(array.shape)
    if any(is_number) and any(isinstance(value, str) for value in values):
        number = values[is_number.index(True)]
        text = next(value for value in values if isinstance(value, str))
        raise ValueError(
            f"{name} must hold numbers, or text. Got {number!r} and {text!r}. Convert one of them."
        )
    return array


def _is_missing(value):
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas.NA is neither equal to itself nor different
        return True


def _refused_tags(value, name):
    return ValueError(
        f"{name} must hold one value a row, or a column for each output. Got {value!r}. {_TAGS}"
    )


def _named(names, column):
    return column if names is None else names[column]


def warn_of_column(name: str = "y") -> None:
    """Warn, as scikit-learn does, of a matrix of one column that is taken for a vector."""
    warn(
        "A column-vector y was passed when a 1d array was expected. Change the shape of "
        f"{name} to (n_samples,), for example with {name}.ravel().",
        DataConversionWarning,
    )


@dataclass(frozen=True, kw_only=True)
class ClassTarget:
    """A target of classification that has been read.

    Attributes
    ----------
    given : what was read
    values : (n_samples,) classes, or bool (n_samples, n_labels) which labels are there
    dtype : type of the values as they were given
    names : names of the columns of labels, or None
    container : type of the sparse matrix that was given, or None
    """

    given: Any
    values: np.ndarray
    dtype: np.dtype
    names: list | None = None
    container: type | None = None

    @classmethod
    def of(cls, y, *, names: list | None = None, name: str = "y") -> "ClassTarget":
        """Read a target; a matrix of one column is a vector, as everywhere in scikit-learn.

        `names` are those of the columns, where y has lost them; messages call it `name`.
        """
        if y is None:
            raise ValueError(
                f"{name} must hold classes or labels: a classifier requires y to be passed, but "
                "the target y is None."
            )
        plain, found = plain_target(y, name)
        container = type(plain) if sparse.issparse(plain) else None
        dense = plain.toarray() if container else plain
        if dense.ndim == 2 and dense.shape[1] == 1:
            warn_of_column(name)
            dense = dense.ravel()
        if dense.ndim != 2:
            if type_of_target(dense, input_name=name) in ("continuous", "unknown"):
                check_classification_targets(dense)
            return cls(given=y, values=dense, dtype=dense.dtype)
        names = found if names is None else names
        _check_labels(dense, names, name)
        settings = {"dtype": dense.dtype, "names": names, "container": container}
        return cls(given=y, values=dense == 1, **settings)

    @property
    def n_labels(self) -> int | None:
        """Number of labels; None of a vector of classes."""
        return self.values.shape[1] if self.values.ndim == 2 else None

    @property
    def classes(self) -> np.ndarray:
        """Return `classes_` of a classifier: the classes, or the numbers of the labels.

        The numbers are objects: scorers of scikit-learn take those of two labels for two classes
        otherwise, while its partial dependence refuses ``[0, 1]`` for each label.
        """
        if self.n_labels is None:
            return np.unique(self.values)
        return np.arange(self.n_labels).astype(object)

    @property
    def positive(self) -> np.ndarray | None:
        """Which labels are there, (n_samples, n_labels): one of two classes, None of more."""
        if self.n_labels is not None:
            return self.values
        classes = self.classes
        return (self.values == classes[1])[:, None] if len(classes) == 2 else None

    @cached_property
    def y(self):
        """The target as any classifier takes it: objects that are numbers are plain ones."""
        if self.n_labels is None:
            return self.values
        if self.container is not None or np.asarray(self.given).dtype == self.dtype:
            return self.given
        if hasattr(self.given, "astype"):
            return self.given.astype(self.dtype)
        return self.values.astype(self.dtype)


def _check_labels(matrix, names, name):
    if matrix.dtype.kind not in "buif":
        raise ValueError(
            f"A {name} of several columns must hold the numbers 0 and 1, one column a label. Got "
            f"{matrix[0].tolist()[0]!r}. Numbers that are text: {name}.astype(int). {_TAGS} For "
            "columns of several classes, use sklearn.multioutput.MultiOutputClassifier."
        )
    wrong = (matrix != 0) & (matrix != 1)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(
            f"A {name} of several columns must hold 0 and 1, one column a label; several columns "
            f"of classes are not supported. Got {matrix[row, column]} at row {row}, label "
            f"{_named(names, column)}. Use one estimator a column (MultiOutputClassifier), or "
            "encode the classes."
        )


def class_numbers(values, classes, *, name: str, remedy: str) -> np.ndarray:
    """Return the number of each class in `classes`, which ascend.

    Raises
    ------
    ValueError
        If a value is none of them; `remedy` ends the message.
    """
    known = classes.tolist()
    if _is_text(values) != _is_text(classes):
        kinds = ("text", "numbers") if _is_text(classes) else ("numbers", "text")
        raise ValueError(
            f"{name} must hold {kinds[0]}, as the classes {known} are. Got {kinds[1]}: "
            f"{values[:1].tolist()[0]!r}. Convert {name}."
        )
    unknown = np.flatnonzero(~np.isin(values, classes))
    if len(unknown):
        raise ValueError(
            f"{name} must hold the classes {known} only. Got {values[unknown[:1]].tolist()[0]!r} "
            f"at row {unknown[0]}. {remedy}"
        )
    return np.searchsorted(classes, values)


def _is_text(values):
    is_object = values.dtype == object
    return values.dtype.kind in "US" or (is_object and any(isinstance(v, str) for v in values))
