"""Which units feed which: 0/1 matrices by their ones, with names."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property

import numpy as np
from scipy import sparse


class ConnectionMatrix:
    """Which inputs feed which units: a matrix of 0 and 1, stored by its ones, with names.

    Memory grows with the connections, not with the product of inputs and units. It cannot be
    changed, and two are equal where their shape, connections and names are.

    Parameters
    ----------
    matrix : {array-like, sparse matrix, DataFrame, ConnectionMatrix} of shape (n_inputs, n_units)
        Entry (i, j) is 1 where input i feeds unit j, and 0 elsewhere. The index of a DataFrame
        names the inputs and its columns name the units, where they are strings.
    input_names, unit_names : sequence of str, default=None
        Names; they replace those of `matrix`.
    name : str, default="connections"
        What error messages call it.

    Attributes
    ----------
    shape : tuple of int
        (n_inputs, n_units).
    rows, columns : ndarray of shape (n_connections,)
        Input and unit of each connection, sorted by input, then by unit.
    input_names, unit_names : tuple of str or None
        Names, where there are any.

    Raises
    ------
    ValueError
        If `matrix` is not a matrix of 0 and 1, names occur twice or do not fit its shape.

    Examples
    --------
    >>> from skconstrain.connections import ConnectionMatrix
    >>> wiring = ConnectionMatrix([[1, 0], [1, 1]], input_names=["a", "b"])
    >>> wiring
    ConnectionMatrix(2 inputs x 2 units, 3 connections)
    >>> wiring.fan_in
    array([2, 1])
    """

    def __init__(self, matrix, input_names=None, unit_names=None, *, name="connections"):
        rows, columns, shape, names = _take_apart(matrix, name)
        self.shape = shape
        self.rows, self.columns = _sorted(rows, columns, shape)
        self.rows.flags.writeable = self.columns.flags.writeable = False
        given = [input_names, unit_names]
        names = [names[axis] if given[axis] is None else given[axis] for axis in (0, 1)]
        self.input_names = _checked_names(names[0], shape[0], "input", name)
        self.unit_names = _checked_names(names[1], shape[1], "unit", name)

    @property
    def nnz(self):
        """Number of connections."""
        return len(self.rows)

    @property
    def density(self):
        """Share of the possible connections that exist."""
        return self.nnz / (self.shape[0] * self.shape[1])

    @property
    def fan_in(self):
        """Number of inputs of each unit, shape (n_units,)."""
        return np.bincount(self.columns, minlength=self.shape[1])

    @property
    def fan_out(self):
        """Number of units that each input feeds, shape (n_inputs,)."""
        return np.bincount(self.rows, minlength=self.shape[0])

    @property
    def T(self):
        """The transposed matrix."""
        ones = self.tocsr().T
        return ConnectionMatrix(ones, self.unit_names, self.input_names)

    def tocsr(self, values=None):
        """Return a scipy.sparse array with a stored entry for every connection.

        Parameters
        ----------
        values : array-like of shape (n_connections,), default=None
            Entries, in the order of `rows` and `columns`; ones without it.

        Returns
        -------
        csr_array of shape (n_inputs, n_units)
            The matrix; a value of zero is stored too.
        """
        values = np.ones(self.nnz) if values is None else np.asarray(values)
        starts = np.concatenate([[0], np.cumsum(self.fan_out)])
        return sparse.csr_array((values, self.columns, starts), shape=self.shape)

    def toarray(self):
        """Return the dense matrix.

        Returns
        -------
        ndarray of shape (n_inputs, n_units)
            1.0 where there is a connection, 0.0 elsewhere.
        """
        return self.tocsr().toarray()

    def to_frame(self, values=None):
        """Return a DataFrame with sparse columns, labelled by the names; needs pandas.

        Parameters
        ----------
        values : array-like of shape (n_connections,), default=None
            Entries; ones without it.

        Returns
        -------
        DataFrame of shape (n_inputs, n_units)
            The matrix.
        """
        import pandas as pd

        return pd.DataFrame.sparse.from_spmatrix(
            self.tocsr(values).tocsc(), index=self.input_names, columns=self.unit_names
        )

    def without_names(self):
        """Return the same connections without names.

        Returns
        -------
        ConnectionMatrix
            The matrix itself where it has no names.
        """
        if self.input_names is None and self.unit_names is None:
            return self
        return ConnectionMatrix(self.tocsr())

    def aligned(self, positions, n_inputs):
        """Return the same connections with the rows in another order, among more inputs.

        Parameters
        ----------
        positions : array-like of int of shape (n_inputs of this matrix,)
            New row of each row of this matrix.
        n_inputs : int
            Number of rows of the result; those that are not named have no connection.

        Returns
        -------
        ConnectionMatrix of shape (n_inputs, n_units)
            The matrix, with names of units and without names of inputs.
        """
        positions = np.asarray(positions)
        rows, shape = positions[self.rows], (n_inputs, self.shape[1])
        matrix = sparse.coo_array((np.ones(self.nnz), (rows, self.columns)), shape=shape)
        return ConnectionMatrix(matrix, unit_names=self.unit_names)

    @cached_property
    def _digest(self):
        # A hash of the content: clones with equal connections then share compiled programs.
        digest = hashlib.sha256(repr((self.shape, self.input_names, self.unit_names)).encode())
        digest.update(self.rows.tobytes())
        digest.update(self.columns.tobytes())
        return digest.hexdigest()

    def __eq__(self, other):
        return isinstance(other, ConnectionMatrix) and self._digest == other._digest

    def __hash__(self):
        return hash(self._digest)

    def __repr__(self):
        size = f"{self.shape[0]} inputs x {self.shape[1]} units"
        return f"ConnectionMatrix({size}, {self.nnz} connections)"


def glorot_bounds(matrix):
    """Return the bound of Glorot's uniform distribution of each connection."""
    degrees = matrix.fan_in[matrix.columns] + matrix.fan_out[matrix.rows]
    return np.sqrt(6 / degrees)


def check_flags(flags, length, *, name):
    """Return a vector of 0 and 1 as a boolean array of shape (length,).

    Raises
    ------
    ValueError
        If it is not one.
    """
    flags = np.asarray(flags)
    if flags.shape != (length,):
        raise ValueError(
            f"{name} must have shape ({length},), one flag for each unit. Got {flags.shape}."
        )
    wrong = ~np.isin(flags, [0, 1])
    if wrong.any():
        place = int(np.argmax(wrong))
        raise ValueError(f"{name} must hold 0 and 1 only. Got {flags[place]} at {place}.")
    return flags.astype(bool)


def _take_apart(matrix, name):
    """Return rows, columns, shape and names of inputs and units."""
    if isinstance(matrix, ConnectionMatrix):
        names = (matrix.input_names, matrix.unit_names)
        return matrix.rows, matrix.columns, matrix.shape, names
    names = (None, None)
    if hasattr(matrix, "columns") and hasattr(matrix, "index"):
        names = _labels(matrix.index, "index", name), _labels(matrix.columns, "columns", name)
        is_sparse = hasattr(matrix, "sparse") and all(
            str(kind).startswith("Sparse") for kind in matrix.dtypes
        )
        matrix = matrix.sparse.to_coo() if is_sparse else _values_of(matrix)
    matrix = sparse.coo_array(matrix) if sparse.issparse(matrix) else _as_array(matrix, name)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(
            f"{name} must be a matrix of shape (n_inputs, n_units). Got shape {matrix.shape}."
        )
    if sparse.issparse(matrix):
        matrix.sum_duplicates()
        rows, columns, values = matrix.row, matrix.col, matrix.data
    else:
        rows, columns = np.nonzero(matrix)
        values = matrix[rows, columns]
    wrong = (values != 1) & (values != 0)
    if wrong.any():
        place = int(np.argmax(wrong))
        raise ValueError(
            f"{name} must hold 0 and 1 only. Got {values[place]} in row {rows[place]}, column "
            f"{columns[place]}. Say which connections exist: matrix != 0."
        )
    is_one = values != 0
    shape = (int(matrix.shape[0]), int(matrix.shape[1]))
    return rows[is_one], columns[is_one], shape, names


def _values_of(frame):
    """Return the values of a DataFrame; those of nullable columns are floats, NaN where missing."""
    values = frame.to_numpy()
    if values.dtype == object:
        with suppress(TypeError, ValueError):  # of strings, say, which are refused afterwards
            return frame.to_numpy(dtype=float, na_value=np.nan)
    return values


def _as_array(matrix, name):
    try:
        array = np.asarray(matrix)
    except ValueError as error:
        raise ValueError(f"{name} must be a matrix with rows of equal length.") from error
    if array.dtype.kind not in "buif":
        raise ValueError(f"{name} must hold numbers 0 and 1. Got entries of type {array.dtype}.")
    return array


def _labels(index, axis, name):
    """Names of one axis of a DataFrame; None where they only count from 0."""
    labels = list(index)
    if all(isinstance(label, str) for label in labels):
        return labels
    if labels == list(range(len(labels))):
        return None
    raise ValueError(
        f"The {axis} of {name} must hold names (strings), or count from 0. Got {labels[0]!r}. "
        f"Use {axis}.astype(str)."
    )


def _checked_names(names, length, kind, name):
    if names is None:
        return None
    names = tuple(names)
    if len(names) != length:
        raise ValueError(f"{name} has {length} {kind}s. Got {len(names)} {kind} names.")
    if not all(isinstance(item, str) for item in names):
        wrong = next(item for item in names if not isinstance(item, str))
        raise ValueError(f"The {kind} names of {name} must be strings. Got {wrong!r}.")
    if len(set(names)) != length:
        seen = set()
        twice = sorted({item for item in names if item in seen or seen.add(item)})
        raise ValueError(
            f"The {kind} names of {name} must be unique. Got {len(twice)} of them more than once: "
            f"{shown(twice)}."
        )
    return names


def _sorted(rows, columns, shape):
    """Sort connections by input, then by unit, in the smallest usual type of integer."""
    dtype = np.int32 if max(shape) < 2**31 else np.int64
    order = np.lexsort((columns, rows))
    return rows[order].astype(dtype), columns[order].astype(dtype)


def shown(items: Sequence[str]) -> str:
    return ", ".join(map(str, items[:5])) + (" and others" if len(items) > 5 else "")
