"""Weights, names and intercepts of a network, checked against each other."""

from itertools import pairwise

import numpy as np
from scipy import sparse


def layer_sizes(weights: list) -> list[int]:
    """Return the number of inputs, and of the units of each layer."""
    return [weights[0].shape[0], *(matrix.shape[1] for matrix in weights)]


def _below(layer, size):
    return f"there are {size} inputs" if layer == 0 else f"layer {layer - 1} has {size} units"


def checked_weights(weights) -> list:
    """Return a list of ndarray and csr_array that fit each other.

    Raises
    ------
    TypeError, ValueError
        If they are no list of finite matrices of numbers, or do not chain.
    """
    if not isinstance(weights, list | tuple) or not len(weights):
        raise TypeError(
            "weights must be a list of matrices, one a layer. "
            f"Got {type(weights).__name__}. Pass [matrix] for a single one."
        )
    checked = [_checked_matrix(matrix, f"weights[{i}]") for i, matrix in enumerate(weights)]
    for i, (below, matrix) in enumerate(pairwise(checked), start=1):
        if matrix.shape[0] != below.shape[1]:
            raise ValueError(
                f"weights[{i}] must have shape ({below.shape[1]}, n_units): "
                f"{_below(i, below.shape[1])}. Got {matrix.shape}."
            )
    return checked


def _checked_matrix(matrix, name):
    """Return an ndarray or a csr_array without duplicates; the given one where it is one."""
    if sparse.issparse(matrix):
        matrix = sparse.csr_array(matrix)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
    else:
        matrix = np.asarray(matrix)
    if matrix.ndim != 2 or 0 in matrix.shape or matrix.dtype.kind not in "buif":
        raise ValueError(
            f"{name} must be a matrix of numbers of shape (n_units_below, n_units). "
            f"Got shape {matrix.shape} of {matrix.dtype}."
        )
    if not np.isfinite(matrix.data if sparse.issparse(matrix) else matrix).all():
        raise ValueError(f"{name} must be finite. Got NaN or infinity.")
    return matrix if matrix.dtype in (np.float32, np.float64) else matrix.astype(float)


def checked_names(names, sizes: list[int]) -> list[list[str] | None]:
    """Return a list of names, or None, for the inputs and for each layer.

    Raises
    ------
    ValueError
        If they do not fit the `sizes` of the layers.
    """
    if names is None:
        return [None] * len(sizes)
    if isinstance(names, str) or len(names) != len(sizes):
        raise ValueError(
            f"names must have {len(sizes)} entries: of the inputs and of each of the "
            f"{len(sizes) - 1} layers, None where there are none. Got {len(names)}."
        )
    return [_checked_layer_names(one, i, sizes[i]) for i, one in enumerate(names)]


def _checked_layer_names(names, layer, size):
    if names is None:
        return None
    if isinstance(names, str) or len(names) != size:
        got = repr(names) if isinstance(names, str) else len(names)
        raise ValueError(
            f"names[{layer}] must hold {size} names or be None: {_below(layer, size)}. Got {got}."
        )
    return [str(name) for name in names]


def checked_intercepts(intercepts, sizes: list[int]) -> list[np.ndarray] | None:
    """Return a list of vectors.

    Raises
    ------
    ValueError
        If they do not fit the `sizes` of the layers above the inputs.
    """
    if intercepts is None:
        return None
    shapes = [np.shape(one) for one in intercepts]
    if shapes != [(size,) for size in sizes]:
        raise ValueError(
            f"intercepts must have a vector for each layer, of {sizes} units. Got shapes {shapes}."
        )
    return [np.asarray(one, float) for one in intercepts]
