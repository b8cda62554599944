"""Bands: every unit sees a run of neighbouring inputs."""

import numpy as np

from skconstrain.connections._inputs import from_pairs, read_count, read_inputs


def banded(inputs, n_units=None, *, width=3):
    r"""Connect every unit to a run of neighbouring inputs, as in a banded matrix.

    For inputs with an order: time, wave length, position on a chromosome. The bands are spread
    evenly; input i feeds unit j where

    .. math:: -w/2 \le i - c_j < w/2, \qquad c_j = (j + 1/2)\, n_{inputs} / n_{units} - 1/2

    with w the `width`. With as many units as inputs and an odd width that is
    :math:`|i - j| \le (w - 1) / 2`. Bands are cut off at both ends.

    Parameters
    ----------
    inputs : int, sequence of str or ConnectionMatrix
        Number of inputs, their names in order, or the layer whose units they are.
    n_units : int, default=None
        Number of units; as many as inputs without it.
    width : int, default=3
        Inputs of a unit. At least ``n_inputs / n_units``, so that no input lies between two bands.

    Returns
    -------
    ConnectionMatrix of shape (n_inputs, n_units)
        Units are called "band0", "band1", and so on.

    Raises
    ------
    ValueError
        If bands are too narrow to reach every input.

    Examples
    --------
    >>> from skconstrain.connections import banded
    >>> banded(5).toarray().astype(int)
    array([[1, 1, 0, 0, 0],
           [1, 1, 1, 0, 0],
           [0, 1, 1, 1, 0],
           [0, 0, 1, 1, 1],
           [0, 0, 0, 1, 1]])
    >>> below = banded(["t0", "t1", "t2", "t3", "t4", "t5"], 3, width=2)
    >>> banded(below, 1, width=3)
    ConnectionMatrix(3 inputs x 1 units, 3 connections)
    """
    n_inputs, names = read_inputs(inputs)
    n_units = n_inputs if n_units is None else read_count(n_units, name="n_units")
    width = read_count(width, name="width")
    narrowest = -(-n_inputs // n_units)
    if width < narrowest:
        raise ValueError(
            f"width must be at least {narrowest}, so that {n_units} bands reach {n_inputs} "
            f"inputs. Got {width}. Widen the bands, or take more units."
        )
    # The first input, ceil(c_j - w/2), in whole numbers.
    twice = (2 * np.arange(n_units, dtype=np.int64) + 1) * n_inputs
    starts = -(((width + 1) * n_units - twice) // (2 * n_units))
    firsts, ends = np.maximum(starts, 0), np.minimum(starts + width, n_inputs)
    sizes = ends - firsts
    columns = np.repeat(np.arange(n_units), sizes)
    within = np.arange(len(columns)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    unit_names = [f"band{j}" for j in range(n_units)]
    return from_pairs(firsts[columns] + within, columns, names, unit_names, n_inputs=n_inputs)
