"""Columns of a table: which of them hold categories, and which numbers; others are refused."""

from decimal import Decimal
from enum import Enum
from numbers import Number, Real

import numpy as np
from scipy import sparse


class Held(Enum):
    """What a column holds; ``NOTHING`` where every value is missing."""

    NUMBERS = "numbers"
    BOOLEANS = "booleans"
    CATEGORIES = "categories"
    NOTHING = "nothing"


class Column:
    """One column of an array of any kind.

    Parameters
    ----------
    name : object
        How messages call it.
    values : ndarray of shape (n_rows,)
        What is in it.
    """

    def __init__(self, name, values):
        self.name, self._values = name, values

    @property
    def held(self) -> Held:
        """What it holds; columns that hold anything else are refused."""
        if self.is_plain:
            return Held.BOOLEANS if self._values.dtype.kind == "b" else Held.NUMBERS
        return self._held_by_objects()

    @property
    def is_plain(self) -> bool:
        """Whether scikit-learn makes numbers of it by itself: not of all gaps among objects."""
        return self._values.dtype.kind in "iufb"

    def values(self) -> list:
        """Return its values as objects."""
        return self._values.tolist()

    def numbers(self) -> np.ndarray:
        """Return its values as floats, NaN where they are missing."""
        if self.is_plain:
            return self._values.astype(np.result_type(self._values.dtype, np.float32))
        return self._numbers_of_objects()

    def _held_by_objects(self):
        examples = {type(value): value for value in self.values() if not is_missing(value)}
        if not examples:
            return Held.NOTHING
        for held, kinds in _KINDS.items():
            if all(issubclass(kind, kinds) for kind in examples):
                return held
        raise self._refused(examples)

    @property
    def _dtype(self) -> str | None:
        """Name of the dtype, None where it says nothing of the values."""
        return None

    def _refused(self, examples):
        """Return the error of a column whose values have these types."""
        kinds = set(examples)
        found = self._dtype or " and ".join(sorted(kind.__name__ for kind in kinds))
        if any(issubclass(kind, str) for kind in kinds):
            remedy = f"Make text of all of them: X[{self.name!r}].astype(str)."
        elif any(issubclass(kind, complex | np.complexfloating) for kind in kinds):
            remedy = "Complex data not supported: give real and imaginary parts as two columns."
        elif any(hasattr(kind, "isoformat") for kind in kinds):
            remedy = f"Make numbers or categories of them, for example X[{self.name!r}].dt.year."
        else:
            remedy = "Make columns of what is in them."
        return ValueError(
            f"Columns of X must hold numbers, text, categories or booleans. Got {found} in column "
            f"{self.name!r}. {remedy}"
        )

    def _numbers_of_objects(self):
        values = self.values()
        try:
            return np.array([np.nan if is_missing(value) else float(value) for value in values])
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"Column {self.name!r} of X must hold numbers. {str(error).capitalize()}. Name it "
                'in categorical_features, or use categorical_features="from_dtype" and a DataFrame.'
            ) from error


class FrameColumn(Column):
    """One column of a frame of pandas, polars or the like: a series of narwhals."""

    @property
    def held(self):
        import narwhals as nw

        dtype = self._values.dtype
        if dtype.is_numeric() or self._is_sparse:
            return Held.NUMBERS
        if dtype == nw.Boolean:
            return Held.BOOLEANS
        if dtype in (nw.Categorical, nw.Enum):
            return Held.CATEGORIES
        return self._held_by_objects()

    @property
    def is_plain(self):
        import narwhals as nw

        dtype = self._values.dtype
        return dtype.is_numeric() or dtype in (nw.Boolean, nw.Categorical) or self._is_sparse

    @property
    def _dtype(self):
        native = self._values.to_native()
        name = str(native.dtype if hasattr(native, "dtype") else native.type)  # that of pyarrow
        return None if name.lower() == "object" else name

    @property
    def _is_sparse(self):
        return (self._dtype or "").startswith("Sparse[")

    def values(self):
        return self._values.to_list()

    def numbers(self):
        import narwhals as nw

        dtype = self._values.dtype
        if dtype == nw.Float32:
            return self._values.to_numpy().astype(np.float32)
        if dtype.is_numeric():
            return self._values.cast(nw.Float64).to_numpy().astype(np.float64)
        return self._numbers_of_objects()


_KINDS = {
    Held.BOOLEANS: (bool, np.bool_),
    Held.CATEGORIES: (str, bool, np.bool_),
    Held.NUMBERS: (Real, Decimal, np.bool_),
}


def as_frame(X):
    """Return X as a frame of narwhals, or None where it is no frame; a lazy one is refused."""
    if isinstance(X, np.ndarray | list | tuple) or sparse.issparse(X):
        return None
    if hasattr(X, "collect"):
        raise ValueError(f"X must be in memory. Got {type(X).__name__}. Give X.collect().")
    import narwhals as nw

    is_frame = nw.dependencies.is_into_dataframe(X)
    return nw.from_native(X, eager_only=True) if is_frame else None


def columns_of(X) -> list[Column]:
    """Return the columns of a frame, or of anything else that is a matrix."""
    frame = as_frame(X)
    if frame is not None:
        return [FrameColumn(column.name, column) for column in frame.iter_columns()]
    array = X.toarray() if sparse.issparse(X) else np.asarray(X)
    return [Column(j, column) for j, column in enumerate(array.T)]


def is_missing(value) -> bool:
    """Whether a value is a gap: None, NaN, or what libraries of frames have for it."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, Number) and value != value


def chosen_columns(categorical_features, columns: list[Column]) -> np.ndarray:
    """Return flags of the columns that a mask, positions or names choose.

    Raises
    ------
    ValueError
        If they are none of that, or do not fit the columns.
    """
    given, names = np.asarray(categorical_features), [column.name for column in columns]
    chosen = np.zeros(len(columns), bool)
    if given.dtype.kind == "b" and given.shape == chosen.shape:
        return given
    is_named = given.dtype.kind in "UO" and all(isinstance(name, str) for name in given.ravel())
    if given.ndim == 1 and (given.dtype.kind in "iu" or is_named or not len(given)):
        known = names if is_named else range(len(columns))
        unknown = [one for one in given.tolist() if one not in known]
        if not unknown:
            chosen[[names.index(one) if is_named else one for one in given.tolist()]] = True
            return chosen
        given = unknown[0]
    raise ValueError(
        f'categorical_features must be "from_dtype", None, a mask of the {len(columns)} columns of '
        f"X, or positions or names of some. Got {given!r}."
    )
