"""TableEncoder: what a table was in `fit`, and rows of it as one array of numbers."""

from dataclasses import dataclass

import numpy as np

from skconstrain._columns import Held, as_frame, chosen_columns, columns_of, is_missing
from skconstrain._sklearn_compat import check_sample_weight

# Categories of fewer rows share a code, with those that were not seen.
_FEWEST_ROWS = 2
# Categories of a column, at most: the others share that code, too.
_MOST_CATEGORIES = 255


@dataclass(frozen=True)
class TableEncoder:
    """Codes of the categories in a table; everything else stays the number that it is.

    The code of a category is its position among those of its column. One code more is that of all
    others, which were rare or not there in `fit`; a gap is NaN.

    Attributes
    ----------
    categories
        For each column its categories, sorted; None where it holds numbers.
    n_codes
        For each column how many codes its rows had in `fit`; 0 where it holds numbers.
    by_dtype
        Whether columns say themselves what they hold, and must hold the same again.
    """

    categories: tuple[np.ndarray | None, ...] = ()
    n_codes: tuple[int, ...] = ()
    by_dtype: bool = False

    @classmethod
    def of(cls, X, categorical_features, weight=None, *, refusing=None) -> "TableEncoder":
        """Return the encoder of a table.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_rows, n_features)
            The table.
        categorical_features : "from_dtype", array-like or None
            Which columns hold categories.
        weight : array-like of shape (n_rows,) or None
            Weights of the rows: categories of those without weight are not seen.
        refusing : str or None
            Name of an estimator that takes no categories.
        """
        by_dtype, frame = isinstance(categorical_features, str), as_frame(X)
        if frame is None and (by_dtype or categorical_features is None):
            return cls()
        columns = columns_of(X)
        held = [column.held for column in columns]
        if by_dtype:
            is_category = [one is not Held.NUMBERS for one in held]
        elif categorical_features is None:
            is_category = [False] * len(columns)
        else:
            is_category = chosen_columns(categorical_features, columns)
        if refusing is not None:
            _refuse(columns, held, refusing)
        weight = check_sample_weight(weight, X, dtype=np.float64, ensure_non_negative=True)
        found = [
            _categories(column.values(), weight) if chosen else (None, 0)
            for column, chosen in zip(columns, is_category, strict=True)
        ]
        return cls(*map(tuple, zip(*found, strict=True)), by_dtype)

    @property
    def has_categories(self) -> bool:
        """Whether a column holds categories."""
        return any(categories is not None for categories in self.categories)

    def is_category(self, j) -> bool:
        """Whether column j holds categories."""
        return self.has_categories and self.categories[j] is not None

    def encoded(self, X, names=None):
        """Return a table as an array of floats; or X where scikit-learn makes the same of it.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_rows, n_features)
            The table.
        names : array-like of str or None
            The columns as `fit` saw them, in whose order they are brought.
        """
        if not self.has_categories and as_frame(X) is None:
            return X
        columns = columns_of(self.in_order(X, names))
        if len(columns) != len(self.categories):
            return X  # which scikit-learn refuses, or takes as numbers
        if self.by_dtype:
            self._check_held(columns)
        if not self.has_categories and all(column.is_plain for column in columns):
            return X
        numbers = [
            column.numbers() if categories is None else None
            for column, categories in zip(columns, self.categories, strict=True)
        ]
        dtypes = [part.dtype for part in numbers if part is not None]
        found = np.empty((np.shape(X)[0], len(columns)), np.result_type(*dtypes or [np.float64]))
        for j, column in enumerate(columns):
            is_number = self.categories[j] is None
            found[:, j] = numbers[j] if is_number else _codes(column, self.categories[j])
        return found

    def in_order(self, X, names):
        """Return a frame that has categories with its columns in the order of `names`.

        Frames of numbers alone keep theirs: scikit-learn asks that another order is refused.
        """
        frame = as_frame(X) if self.has_categories and names is not None else None
        if frame is None or set(frame.columns) != set(names):
            return X
        return frame.select(list(names)).to_native()

    def _check_held(self, columns):
        for column, categories in zip(columns, self.categories, strict=True):
            was_category, held = categories is not None, column.held
            is_other = was_category == (held is Held.NUMBERS) and held is not Held.NOTHING
            if is_other and not (was_category and _is_open(column, categories)):
                was, now = Held.CATEGORIES.value, Held.NUMBERS.value
                was, now = (was, now) if was_category else (now, held.value)
                raise ValueError(
                    f"Columns of X must hold what they held in fit. Got {now} in column "
                    f"{column.name!r}, which held {was}. Give it the type that it had."
                )


def _is_open(column, categories):
    """Whether a column of numbers may stand for categories: one of the two has no values."""
    return not len(categories) or np.isnan(column.numbers()).all()


def _refuse(columns, held, name):
    for column, one in zip(columns, held, strict=True):
        if one is Held.CATEGORIES:
            raise ValueError(
                f"{name} takes numbers, because connections name the columns of X. Got categories "
                f"in column {column.name!r}. Encode them in front of it, for example by "
                "OneHotEncoder, and connect the columns that come out."
            )


def _categories(values, weight):
    """Return the categories of a column, sorted, and the number of codes of its rows."""
    shares = {}
    for value, share in zip(values, weight.tolist(), strict=True):
        if share > 0 and not is_missing(value):
            shares[value] = shares.get(value, 0.0) + share
    # A weight of two is a row twice; weights below one are in a unit of their own.
    unit = min(1.0, weight[weight > 0].min(initial=1.0))
    by_size = sorted(_in_order(shares), key=lambda value: -shares[value])
    kept = [value for value in by_size if shares[value] > (_FEWEST_ROWS - 0.5) * unit]
    kept = _in_order(kept[:_MOST_CATEGORIES])
    categories = np.empty(len(kept), object)
    categories[:] = kept
    return categories, len(kept) + (len(kept) < len(shares))


def _in_order(values):
    """Return values in an order that depends on nothing else."""
    try:
        return sorted(values)
    except TypeError:  # of several types
        return sorted(values, key=lambda value: (type(value).__name__, repr(value)))


def _codes(column, categories) -> np.ndarray:
    """Return codes of values as floats."""
    values, known = column.values(), {value: code for code, value in enumerate(categories)}
    codes = np.array([known.get(value, len(categories)) for value in values], np.float64)
    for row in np.flatnonzero(codes == len(categories)):
        if is_missing(values[row]):
            codes[row] = np.nan
    return codes
