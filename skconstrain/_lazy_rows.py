"""Rows that are too many to hold: they stay where they are, and are read a part at a time.

Size decides what is read in parts, not the type: an array, a memory map (joblib makes one of large
arrays for its workers) and a sparse matrix with the same numbers give the same result.
"""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.utils import assert_all_finite, check_array, check_X_y, get_tags

from skconstrain._formulas._recipe import limit_of_features
from skconstrain._sklearn_compat import validate_data

# Bytes of rows that are converted at once, so few that they stay in a processor's cache between
# reading, conversion and the check for finiteness.
_PIECE_BYTES = 2**21


# A training holds four or five chunks at a time.
_CHUNKS_HELD = 4

# Quantiles of more rows would be no better: so many, of no more memory than so much.
_ROWS_FOR_QUANTILES = 2**16
_BYTES_FOR_QUANTILES = 2**27
_FEWEST_ROWS_FOR_QUANTILES = 1_000

# Interquartile range of a normal distribution, in standard deviations.
RANGE_OF_NORMAL = 1.349


class LazyRows:
    """Rows of a matrix, made dense and of one precision when they are read.

    Parameters
    ----------
    source
        ndarray (a memory map is one) or csr matrix of shape (n_rows, n_features); never copied.
    dtype
        Precision of what is read.
    chunk_bytes
        How much of it may be held at once.
    saturate
        Whether numbers that `dtype` cannot hold are saturated; otherwise they are an error.
    index
        Rows of `source` that are meant, ascending; None for all of them.
    filling
        What gaps are replaced by, a number for each feature; None where they stay NaN.
    """

    ndim = 2

    def __init__(self, source, dtype, *, chunk_bytes, saturate=False, index=None, filling=None):
        self.source, self.dtype, self.chunk_bytes = source, np.dtype(dtype), chunk_bytes
        self._saturate, self._index, self._filling = saturate, index, filling
        n_rows = source.shape[0] if index is None else len(index)
        self.shape = (n_rows, source.shape[1])
        self.rows_at_once = max(1, int(chunk_bytes // (self.shape[1] * self.dtype.itemsize)))
        self._rows_of_a_piece = max(1, _PIECE_BYTES // (self.shape[1] * self.dtype.itemsize))

    def __len__(self):
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes of all rows, were they read."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    def __getitem__(self, rows) -> "LazyRows":
        """Return some of the rows, by ascending numbers or flags, without reading them."""
        index = np.arange(len(self)) if self._index is None else self._index
        return self._changed(index=index[rows])

    def filled(self, filling) -> "LazyRows":
        """Return the same rows, whose gaps are replaced by a number for each feature."""
        return self._changed(filling=filling)

    def _changed(self, **options):
        same = {"saturate": self._saturate, "index": self._index, "filling": self._filling}
        same |= {"chunk_bytes": self.chunk_bytes}
        return LazyRows(self.source, self.dtype, **{**same, **options})

    def load(self, rows=slice(None), out=None) -> np.ndarray:
        """Read the rows of a slice, into `out` if it is given."""
        start, stop, _ = rows.indices(len(self))
        if out is None:
            out = np.empty((max(0, stop - start), self.shape[1]), self.dtype)
        length = self._rows_of_a_piece
        for first in range(start, stop, length):
            last = min(first + length, stop)
            out[first - start : last - start] = self._piece(first, last)
            release(self.source)
        return out

    def _piece(self, first, last):
        rows = slice(first, last) if self._index is None else self._index[first:last]
        piece = self.source[rows]
        piece = piece.toarray() if sparse.issparse(piece) else np.asarray(piece)
        # Numbers of other kinds become float64 before they are saturated, as without chunks.
        piece = piece.astype(_precision(piece, None if self._saturate else self.dtype), copy=False)
        assert_all_finite(piece, input_name="X", allow_nan=True)
        piece = as_precision(piece, self.dtype)
        return piece if self._filling is None else filled(piece, self._filling)

    def parts(self) -> Iterator[slice]:
        """Cut the rows into slices, a few of which may be held at once."""
        return _slices(len(self), max(1, self.rows_at_once // 4))

    def pieces(self) -> Iterator[slice]:
        """Cut the rows into short slices, for sums over all of them."""
        return _slices(len(self), self._rows_of_a_piece)


def _slices(n_rows, step):
    return (slice(start, start + step) for start in range(0, n_rows, step))


def loaded(X) -> np.ndarray:
    """Return rows as an array, read if they are not."""
    return X.load() if isinstance(X, LazyRows) else X


def filled(X, filling):
    """Return rows without gaps: NaN is replaced by a number for each feature, or by one for all."""
    if isinstance(X, LazyRows):
        return X.filled(filling)
    gaps = np.isnan(X)
    # An array that is traced has no rows to look at.
    if isinstance(X, np.ndarray) and not gaps.any():
        return X
    return np.where(gaps, np.asarray(filling, X.dtype), X)


def gaps_of(X) -> np.ndarray:
    """Return flags of the columns that have a gap."""
    if not isinstance(X, LazyRows):
        return np.isnan(X).any(axis=0)
    if sparse.issparse(X.source) and not np.isnan(X.source.data).any():
        return np.zeros(X.shape[1], bool)
    return np.any([np.isnan(X.load(rows)).any(axis=0) for rows in X.pieces()], axis=0)


def release(source) -> None:
    """Tell the system that the pages of a memory map are not needed now.

    They stay in the system's cache, but no longer count as this process' memory.
    """
    if sparse.issparse(source):
        release(source.data)
        release(source.indices)
        return
    array = source
    while isinstance(array, np.ndarray) and not isinstance(array.base, mmap.mmap):
        array = array.base
    # Pages of a map that is private to the process (mode "c") may hold changes, which would go.
    if isinstance(array, np.memmap) and array.mode != "c" and hasattr(mmap, "MADV_DONTNEED"):
        array.base.madvise(mmap.MADV_DONTNEED)


def as_precision(X, dtype):
    """X in the network's precision; values that this precision cannot hold are saturated."""
    if np.can_cast(X.dtype, dtype):
        return X.astype(dtype, copy=False)
    limit = limit_of_features(dtype)
    return np.clip(X, -limit, limit).astype(dtype)


def bytes_of_a_chunk() -> float:
    """Return how much of X is read at once, by scikit-learn's setting of working memory."""
    return get_config()["working_memory"] * 2**20 / _CHUNKS_HELD


def validate_rows(estimator, X, *y, dtype, fitted_dtype=None, encoder=None, **settings):
    """Validate X, and y if it is given, as scikit-learn does; leave large rows where they are.

    Rows that take more than a chunk are returned as LazyRows, and sparse rows that take less are
    made dense. An estimator whose tags say that it takes no sparse rows refuses them. Gaps are NaN.

    Parameters
    ----------
    estimator
        Whose input it is.
    X, y
        What the user gave.
    dtype
        Precision that X is brought to: a name, or None for its own.
    fitted_dtype
        Precision of the fitted network, to which values are saturated; None for a new one.
    encoder : TableEncoder or None
        Makes numbers of a table.
    settings
        Passed on to `sklearn.utils.validation.validate_data`.

    Returns
    -------
    X, or X and y
        X is an ndarray or LazyRows.
    """
    X, chunk_bytes = _with_dense_columns(X), bytes_of_a_chunk()
    is_refused = sparse.issparse(X) and not get_tags(estimator).input_tags.sparse
    if not is_refused and _is_large(X, fitted_dtype or dtype, chunk_bytes):
        relaxed = {"dtype": None, "accept_sparse": "csr", "ensure_all_finite": False}
        checked = _validated(estimator, X, *y, encoder=encoder, **relaxed, **settings)
        rows = LazyRows(
            checked[0] if y else checked,
            fitted_dtype or _precision(X, dtype),
            chunk_bytes=chunk_bytes,
            saturate=fitted_dtype is not None,
        )
        return (rows, *checked[1:]) if y else rows
    if sparse.issparse(X) and not is_refused:
        # Sums over it have the same last bit in the order of an ordinary array.
        X = X.toarray(order="C")
    accepted = [np.float64, np.float32] if dtype is None else dtype
    settings |= {"dtype": accepted, "ensure_all_finite": "allow-nan"}
    checked = _validated(estimator, X, *y, encoder=encoder, **settings)
    rows = checked[0] if y else checked
    if fitted_dtype is not None:
        rows = as_precision(rows, np.dtype(fitted_dtype))
    if rows.nbytes > chunk_bytes:
        rows = LazyRows(rows, rows.dtype, chunk_bytes=chunk_bytes)
    return (rows, *checked[1:]) if y else rows


def _with_dense_columns(X):
    """Return a table of pandas without sparse columns, which scikit-learn takes for a matrix."""
    if not (hasattr(X, "columns") and hasattr(X, "dtypes")):
        return X
    columns = zip(X.columns, X.dtypes, strict=False)
    kinds = {name: kind.subtype for name, kind in columns if hasattr(kind, "fill_value")}
    return X.astype(kinds) if kinds else X


def _validated(estimator, X, *y, encoder, reset, **settings):
    """Validate a table by its columns, and the numbers that stand for them."""
    if encoder is None:
        return validate_data(estimator, X, *y, reset=reset, **settings)
    names = None if reset else getattr(estimator, "feature_names_in_", None)
    numbers = encoder.encoded(X, names)
    if numbers is X:
        with _text_explained():
            return validate_data(estimator, X, *y, reset=reset, **settings)
    validate_data(estimator, encoder.in_order(X, names), skip_check_array=True, reset=reset)
    check = check_X_y if y else check_array
    return check(numbers, *y, estimator=estimator, **settings)


@contextmanager
def _text_explained():
    """Say where text may stand, if scikit-learn finds some in a matrix."""
    try:
        yield
    except ValueError as error:
        if not str(error).startswith("could not convert string to float"):
            raise
        raise ValueError(
            f"An array X must hold numbers: {error}. Name its columns of text in "
            "categorical_features, or give X as a DataFrame."
        ) from error


def _is_large(X, dtype, chunk_bytes):
    """Whether X is an array or a sparse matrix that would take more than `chunk_bytes` as read."""
    is_array = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "biuf"
    if not (is_array or (sparse.issparse(X) and X.ndim == 2)):
        return False
    return X.shape[0] * X.shape[1] * np.dtype(_precision(X, dtype)).itemsize > chunk_bytes


def _precision(X, dtype):
    if dtype is not None:
        return dtype
    return X.dtype if X.dtype in (np.float32, np.float64) else np.dtype(np.float64)


def sample_rows(X, weight):
    """Return rows for quantiles: all, or of more than are worth sorting some, evenly spaced."""
    n_rows = max(1, min(_ROWS_FOR_QUANTILES, _BYTES_FOR_QUANTILES // (8 * X.shape[1])))
    if isinstance(X, LazyRows):  # no more than one chunk, unless chunks are tiny
        n_rows = min(n_rows, max(X.rows_at_once, _FEWEST_ROWS_FOR_QUANTILES))
    if len(X) > n_rows:
        chosen = np.linspace(0, len(X) - 1, n_rows).astype(int)
        X, weight = X[chosen], weight[chosen]
    return loaded(X), weight


def weighted_quantiles(values, weight, shares):
    """Return quantiles of columns, shape (n_shares, n_columns): a weight of 2 is a row twice.

    Those of values that are there; of none, they are 0.
    """
    gaps = np.isnan(values)
    if gaps.any():
        found = np.zeros((len(shares), values.shape[1]))
        for column, present in enumerate(~gaps.T):
            if present.any():
                part = values[present, column, None], weight[present]
                found[:, [column]] = weighted_quantiles(*part, shares)
        return found
    if (weight == weight[0]).all():  # then all columns have them at the same places
        places = _places(weight, shares)
        return np.partition(values, np.unique(places), axis=0)[places].astype(np.float64)
    found = np.empty((len(shares), values.shape[1]))
    for column, numbers in enumerate(values.T):
        order = np.argsort(numbers, kind="stable")
        found[:, column] = numbers[order[_places(weight[order], shares)]]
    return found


def _places(weight, shares):
    """Return where quantiles stand in sorted rows of these weights."""
    below = np.cumsum(weight, dtype=np.float64)
    return np.searchsorted(below, np.multiply(shares, below[-1]))


def moments(X, weight, unit=1.0):
    """Return weighted mean and standard deviation of every column in its unit, in float64."""
    if not isinstance(X, LazyRows) and not np.isnan(X).any():
        # Sums over it have the same last bit in one order.
        X = X.astype(np.float64, order="C")
        X /= unit
        mean = np.average(X, axis=0, weights=weight)
        return mean, np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weight))
    weight = weight.astype(np.float64)
    mean = _mean(_pieces(X, weight, unit), weight.sum())
    squares = (((values - mean) ** 2, part) for values, part in _pieces(X, weight, unit))
    return mean, np.sqrt(_mean(squares, weight.sum()))


def _pieces(X, weight, unit):
    """Yield a few rows at a time, in their unit, and their weights."""
    if isinstance(X, LazyRows):
        for rows in X.pieces():
            yield X.load(rows) / unit, weight[rows]
        return
    for rows in _slices(len(X), max(1, _PIECE_BYTES // (8 * max(1, X.shape[1])))):
        yield X[rows].astype(np.float64, order="C") / unit, weight[rows]


def _mean(pieces, total):
    """Return the weighted mean of the values of every column that are there; 0 of none."""
    sums, present, has_gaps = 0.0, 0.0, False
    for values, weight in pieces:
        gaps = np.isnan(values)
        present = present + weight @ ~gaps
        if gaps.any():
            has_gaps, values = True, np.where(gaps, 0.0, values)
        sums = sums + weight @ values
    return sums / (np.where(present > 0, present, 1.0) if has_gaps else total)


def shares_of_nonzero(X, weight):
    """Return in which share of the weighted rows each column is not zero, gaps left out."""
    weight = weight.astype(np.float64)
    flags = (
        (np.where(np.isnan(values), np.nan, values != 0), part)
        for values, part in _pieces(X, weight, 1.0)
    )
    return _mean(flags, weight.sum())
