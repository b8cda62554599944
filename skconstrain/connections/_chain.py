"""How connections chain: each layer in the order of the one below, and what is idle."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from skconstrain.connections._matrix import ConnectionMatrix, shown


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
    listed = is_list(connections)
    matrices = connections if listed else [connections]
    _refuse_swapped(matrices, feature_names, name)
    layers, n_inputs, names = [], n_features, feature_names
    for i, matrix in enumerate(matrices):
        label = f"{name}[{i}]" if listed else name
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


def is_list(connections) -> bool:
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
        Layers from the features on.
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
            f"{name} names {len(unknown)} inputs that do not exist: {shown(unknown)}; {below}, "
            f"like {where[0]!r}. Drop their rows, or transpose it if its columns are the inputs."
        )
    return np.array([place[label] for label in names])


def _listed(positions, names):
    return shown([str(i) if names is None else str(names[i]) for i in positions])


def _is_matrix(item):
    if isinstance(item, ConnectionMatrix) or sparse.issparse(item) or hasattr(item, "columns"):
        return True
    if isinstance(item, np.ndarray):
        return item.ndim == 2
    # Nested lists: a list of rows is a matrix, a list of numbers is a row.
    return isinstance(item, list | tuple) and all(
        isinstance(row, list | tuple | np.ndarray) for row in item
    )
