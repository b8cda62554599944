"""Which units of a layered network to draw, in which order, and matrices in fewer cells."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

_SWEEPS = 8


@dataclass(frozen=True)
class Edges:
    """Connections between two columns of a picture.

    Attributes
    ----------
    starts, ends : ndarray of shape (n_edges,)
        Place of the unit below, and of the unit above, in its column.
    weights : ndarray of shape (n_edges,)
        Their weights.
    """

    starts: np.ndarray
    ends: np.ndarray
    weights: np.ndarray

    def strongest(self, n_edges: int) -> "Edges":
        """Return at most `n_edges` of them, the strongest last: it is drawn over the others."""
        order = np.argsort(np.abs(self.weights), kind="stable")
        order = order[max(0, len(order) - n_edges) :]
        return Edges(self.starts[order], self.ends[order], self.weights[order])

    def placed(self, starts: np.ndarray, ends: np.ndarray) -> "Edges":
        """Return the same edges after units were sorted: `starts` lists old places in new order."""
        return Edges(np.argsort(starts)[self.starts], np.argsort(ends)[self.ends], self.weights)


def unit_importances(weights: list) -> list[np.ndarray]:
    """Sum, over the paths from input to output through each unit, the products of weight sizes.

    Parameters
    ----------
    weights : list of n_layers {ndarray, csr_array} of shape (n_units_below, n_units)
        The network.

    Returns
    -------
    list of n_layers + 1 ndarray of shape (n_units,)
        Layers from the inputs on; the largest of each is 1, or all are 0.
    """
    return _importances(_sizes_of(weights), None)[0]


def important_units(weights: list, max_units: int) -> list[np.ndarray]:
    """Choose at most `max_units` units of each layer, from the outputs down.

    A unit counts by its paths to units that were chosen, so what is drawn leads somewhere.

    Parameters
    ----------
    weights : list of n_layers {ndarray, csr_array} of shape (n_units_below, n_units)
        The network.
    max_units : int
        How many units of a layer are kept.

    Returns
    -------
    list of n_layers + 1 ndarray of shape (n_kept,)
        Units of each layer, in their order there.
    """
    return _importances(_sizes_of(weights), max_units)[1]


def edges_between(matrix, below: np.ndarray, above: np.ndarray) -> Edges:
    """Return the connections of a few units.

    Parameters
    ----------
    matrix : {ndarray, csr_array} of shape (n_units_below, n_units)
        Weights; the entries stored in a csr_array are the connections, all those of an ndarray.
    below, above : ndarray of shape (n_kept,)
        Rows and columns of interest.

    Returns
    -------
    Edges
        Between them.
    """
    if sparse.issparse(matrix):
        part = matrix[below][:, above].tocoo()
        return Edges(part.row, part.col, part.data)
    starts, ends = np.divmod(np.arange(len(below) * len(above)), max(1, len(above)))
    return Edges(starts, ends, matrix[np.ix_(below, above)].ravel())


def sorted_units(edges: list[Edges], sizes: list[int]) -> list[np.ndarray]:
    """Order the units of each column so that strong edges are short and cross less.

    Barycentres, swept from left to right and back (Sugiyama, Tagawa, Toda 1981); the order with
    the shortest edges, weighted, is kept.

    Parameters
    ----------
    edges : list of n_columns - 1 Edges
        Between each column and the next.
    sizes : list of n_columns int
        Units of each column.

    Returns
    -------
    list of n_columns ndarray of shape (size,)
        Places in the given order, from top to bottom.
    """
    heights = [_even(np.arange(size)) for size in sizes]
    best, least = heights, _length(edges, heights)
    for sweep in range(_SWEEPS):
        heights = _swept(edges, heights, backwards=sweep % 2 == 0)
        length = _length(edges, heights)
        # Lengths that differ by rounding must not decide: the picture would depend on the machine.
        if length < least * (1 - 1e-9):
            best, least = heights, length
    return [np.argsort(height, kind="stable") for height in best]


def cells_of(matrix, max_cells) -> np.ndarray:
    """Return a matrix with at most so many rows and columns, NaN where nothing is connected.

    Parameters
    ----------
    matrix : {ndarray, csr_array} of shape (n_rows, n_columns)
        Weights.
    max_cells : sequence of 2 int
        Rows and columns of the result, where `matrix` has more.

    Returns
    -------
    ndarray of shape (min(n_rows, max_cells[0]), min(n_columns, max_cells[1]))
        The weight of largest magnitude among those that share a cell, with its sign.
    """
    n_rows, n_columns = map(min, matrix.shape, max_cells)
    if sparse.issparse(matrix):
        high = np.full(n_rows * n_columns, -np.inf)
        low = np.full(n_rows * n_columns, np.inf)
        fan_out = np.diff(matrix.indptr)
        rows = np.repeat(_cell(np.arange(matrix.shape[0]), matrix.shape[0], n_rows), fan_out)
        place = rows * n_columns + _cell(matrix.indices, matrix.shape[1], n_columns)
        np.maximum.at(high, place, matrix.data)
        np.minimum.at(low, place, matrix.data)
        high, low = high.reshape(n_rows, n_columns), low.reshape(n_rows, n_columns)
    else:
        high, low = (
            _extremes(matrix, n_rows, n_columns, kind) for kind in (np.maximum, np.minimum)
        )
    cells = np.where(-low > high, low, high)
    cells[np.isinf(cells)] = np.nan
    return cells


def _sizes_of(weights):
    """Return magnitudes, without a copy of the indices of sparse ones."""
    return [
        sparse.csr_array((np.abs(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)
        if sparse.issparse(matrix)
        else np.abs(matrix)
        for matrix in weights
    ]


def _importances(sizes, max_units):
    """Return importances of all units, and the units that are kept, from the inputs on."""
    reached = [np.ones(sizes[0].shape[0])]
    for size in sizes:
        reached.append(_scaled(reached[-1] @ size))
    onward = np.ones(sizes[-1].shape[1])
    importances, kept = [], []
    for layer in range(len(sizes), -1, -1):
        if layer < len(sizes):
            onward = _scaled(sizes[layer] @ onward)
        importances.insert(0, _scaled(reached[layer] * onward))
        if max_units is not None:
            kept.insert(0, _largest(importances[0], max_units))
            onward = onward * np.isin(np.arange(len(onward)), kept[0])
    return importances, kept


def _scaled(values):
    return values / (values.max(initial=0.0) or 1.0)


def _largest(values, n_kept):
    return np.sort(np.argsort(-values, kind="stable")[:n_kept])


def _even(ranks):
    return (ranks + 0.5) / max(1, len(ranks))


def _swept(edges, heights, *, backwards):
    heights = list(heights)
    columns = range(len(edges))
    for i in reversed(columns) if backwards else columns:
        ends = (edges[i].ends, edges[i].starts)
        (there, here), moved = (ends, i) if backwards else (ends[::-1], i + 1)
        fixed = heights[i + 1] if backwards else heights[i]
        wanted = _barycentres(here, fixed[there], edges[i].weights, heights[moved])
        order = np.lexsort((heights[moved], wanted.round(9)))
        heights[moved] = _even(np.argsort(order))
    return heights


def _barycentres(units, neighbours, weights, otherwise):
    """Mean height of the neighbours of each unit; its own height where it has none."""
    sizes = np.abs(weights)
    sizes = sizes + 1e-9 * (sizes.max(initial=0.0) or 1.0)  # connections of weight 0 count a little
    total = np.bincount(units, sizes, len(otherwise))
    mean = np.bincount(units, sizes * neighbours, len(otherwise)) / np.where(total == 0, 1, total)
    return np.where(total == 0, otherwise, mean)


def _length(edges, heights):
    """Squared vertical way of all edges, as each layer of edges had a total weight of one."""
    total = 0.0
    for i, one in enumerate(edges):
        way = (heights[i][one.starts] - heights[i + 1][one.ends]) ** 2
        sizes = np.abs(one.weights)
        total += float(sizes @ way) / (float(sizes.sum()) or 1.0)
    return total


def _cell(units, n_units, n_cells):
    return units.astype(np.int64) * n_cells // n_units


def _extremes(matrix, n_rows, n_columns, kind):
    """Largest or smallest entry of each cell of an ndarray."""
    for axis, n_cells in enumerate((n_rows, n_columns)):
        size = matrix.shape[axis]
        first = np.searchsorted(_cell(np.arange(size), size, n_cells), np.arange(n_cells))
        matrix = kind.reduceat(matrix, first, axis=axis)
    return matrix.astype(float)
