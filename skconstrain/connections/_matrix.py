"""Which units feed which: 0/1 matrices by their ones, how they chain, what is idle."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
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
        # Of the content: clones, whose connections are equal, then share compiled programs.
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


@dataclass(frozen=True)
class LayerConnections:
    """A layer as it was given, and as the network has it.

    Attributes
    ----------
    given
        What the user gave.
    matrix
        The same with one row for each unit of the layer below, in its order, without names.
    positions
        Row of `matrix` for each row of `given`.
    """

    given: ConnectionMatrix
    matrix: ConnectionMatrix
    positions: np.ndarray


def glorot_bounds(matrix):
    """Return the bound of Glorot's uniform distribution of each connection."""
    degrees = matrix.fan_in[matrix.columns] + matrix.fan_out[matrix.rows]
    return np.sqrt(6 / degrees)


def chain(connections, n_features, feature_names=None, *, name="connections"):
    """Bring the given matrices into the order of the features and of each other.

    Parameters
    ----------
    connections : matrix or sequence of matrices
        As :class:`ConnectionMatrix` takes them, from the features on.
    n_features : int
        Inputs of the first one.
    feature_names : sequence of str or None
        Their names, if they have any.
    name : str
        What error messages call them.

    Returns
    -------
    list of LayerConnections
        One for each matrix.

    Raises
    ------
    ValueError
        If a matrix does not fit the layer below.
    """
    several = is_several(connections)
    matrices = connections if several else [connections]
    _refuse_swapped(matrices, feature_names, name)
    layers, n_inputs, names = [], n_features, feature_names
    for i, matrix in enumerate(matrices):
        label = f"{name}[{i}]" if several else name
        below = "X has {} features" if i == 0 else f"layer {i - 1} has {{}} units"
        layers.append(fit_below(matrix, n_inputs, names, name=label, below=below))
        n_inputs, names = layers[-1].matrix.shape[1], layers[-1].given.unit_names
    return layers


def _refuse_swapped(matrices, feature_names, name):
    """Raise where the features are units, and none of them is an input."""
    if feature_names is None:
        return
    given = [ConnectionMatrix(matrix, name=name) for matrix in matrices]
    features = set(feature_names)
    if given[0].input_names is None or features.intersection(given[0].input_names):
        return
    units = [label for matrix in given for label in matrix.unit_names or () if label in features]
    if units:
        raise ValueError(
            f"{name} must lead from the features to the units, but units have the names of "
            f"features, and no input has. Got units like {units[0]!r} and inputs like "
            f"{given[0].input_names[0]!r}. Swap parent and child: from_edges takes pairs of "
            "(parent, child), and the child feeds the parent. Where it is a matrix of your own, "
            "transpose it if its columns are the inputs."
        )


def fit_below(matrix, n_inputs, names, *, name, below):
    """Bring one matrix into the order of the layer below, by names where it has them.

    Parameters
    ----------
    matrix : matrix
        As :class:`ConnectionMatrix` takes it.
    n_inputs, names : int, sequence of str or None
        Units of the layer below, and their names.
    name, below : str
        What error messages call the matrix, and a sentence with a placeholder for the units below.

    Returns
    -------
    LayerConnections
    """
    given = ConnectionMatrix(matrix, name=name)
    below = below.format(n_inputs)
    if given.nnz == 0:
        raise ValueError(f"{name} must hold at least one 1. Got zeros only.")
    if given.input_names is None or (names is None and not below.startswith("X")):
        _check_height(given, n_inputs, name, below)
        positions = np.arange(n_inputs)
    elif names is None:
        raise ValueError(
            f"{name} names its inputs, but X has no feature names to find them by. Got names like "
            f"{given.input_names[0]!r}. Pass X as a DataFrame; a transformer in front returns one "
            'after .set_output(transform="pandas"). Where the columns of X have the order of the '
            "rows, give the connections without names: .without_names()."
        )
    else:
        positions = _find(given.input_names, names, name, below)
    nameless = given.aligned(positions, n_inputs).without_names()
    return LayerConnections(given, nameless, positions)


def is_several(connections) -> bool:
    """Whether `connections` is a sequence of matrices and not one matrix."""
    if isinstance(connections, np.ndarray) and connections.dtype != object:
        return connections.ndim == 3
    if not isinstance(connections, list | tuple | np.ndarray):
        return False
    return all(_is_matrix(item) for item in connections)


def idle(layers, feature_names=None):
    """Describe units without inputs and inputs that feed nothing.

    Parameters
    ----------
    layers : sequence of LayerConnections
        From the features on.
    feature_names : sequence of str or None
        Names of the features.

    Returns
    -------
    list of str
        A sentence for each kind and layer.
    """
    sentences, names = [], feature_names
    for i, layer in enumerate(layers):
        what = "features" if i == 0 else f"units of layer {i - 1}"
        unused = np.flatnonzero(layer.matrix.fan_out == 0)
        if len(unused):
            sentences.append(f"{len(unused)} {what} feed nothing: {_listed(unused, names)}.")
        names = layer.given.unit_names
        no_input = np.flatnonzero(layer.matrix.fan_in == 0)
        if len(no_input):
            sentences.append(
                f"{len(no_input)} units of layer {i} have no input: {_listed(no_input, names)}."
            )
    return sentences


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
        matrix = matrix.sparse.to_coo() if is_sparse else matrix.to_numpy()
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
            f"{_shown(twice)}."
        )
    return names


def _sorted(rows, columns, shape):
    """Sort connections by input, then by unit, in the smallest usual type of integer."""
    dtype = np.int32 if max(shape) < 2**31 else np.int64
    order = np.lexsort((columns, rows))
    return rows[order].astype(dtype), columns[order].astype(dtype)


def _check_height(given, n_inputs, name, below):
    if given.shape[0] == n_inputs:
        return
    advice = " Transpose it?" if given.shape[1] == n_inputs else ""
    raise ValueError(
        f"{name} must have shape ({n_inputs}, n_units): {below}. Got {given.shape}.{advice}"
    )


def _find(names, where, name, below):
    """Position of each name in the layer below."""
    place = {label: i for i, label in enumerate(where)}
    unknown = [label for label in names if label not in place]
    if unknown:
        raise ValueError(
            f"{name} names {len(unknown)} inputs that do not exist: {_shown(unknown)}; {below}, "
            f"like {where[0]!r}. Drop their rows, or transpose it if its columns are the inputs."
        )
    return np.array([place[label] for label in names])


def _listed(positions, names):
    return _shown([str(i) if names is None else str(names[i]) for i in positions])


def _shown(items: Sequence[str]) -> str:
    return ", ".join(map(str, items[:5])) + (" and others" if len(items) > 5 else "")


def _is_matrix(item):
    if isinstance(item, ConnectionMatrix) or sparse.issparse(item) or hasattr(item, "columns"):
        return True
    if isinstance(item, np.ndarray):
        return item.ndim == 2
    # Nested lists: a list of rows is a matrix, a list of numbers is a row.
    return isinstance(item, list | tuple) and all(
        isinstance(row, list | tuple | np.ndarray) for row in item
    )
