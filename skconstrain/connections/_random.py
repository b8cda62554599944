"""Random connections: a given number of them."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from skconstrain.connections._inputs import from_pairs, read_count, read_inputs

# A unit with more than this share of all inputs is drawn by itself, in memory of its connections.
CROWDED = 1 / 3


def random(inputs, n_units, *, density=None, fan_in=None, random_state=None):
    """Connect units to inputs at random, in a given number of connections.

    Every unit has at least one input. As many inputs as possible feed a unit: all of them where
    there are as many connections as inputs. The rest is random. Memory grows with the
    connections, not with the product of inputs and units.

    Parameters
    ----------
    inputs : int, sequence of str or ConnectionMatrix
        Number of inputs, their names, or the layer whose units they are.
    n_units : int
        Number of units.
    density : float, default=None
        Share of the possible connections, in (0, 1]: there are exactly
        ``round(density * n_inputs * n_units)``, and units differ in their number of inputs.
    fan_in : int or array-like of int of shape (n_units,), default=None
        Number of inputs of every unit, or of each. Give either `density` or `fan_in`.
    random_state : int, RandomState instance or None, default=None
        The same integer gives the same connections; None draws from the operating system.

    Returns
    -------
    ConnectionMatrix of shape (n_inputs, n_units)
        Units are called "unit0", "unit1", and so on.

    Raises
    ------
    ValueError
        If there are too few connections for every unit, or more than are possible.

    Examples
    --------
    >>> from skconstrain.connections import random
    >>> first = random(1000, 200, density=0.01, random_state=0)
    >>> first
    ConnectionMatrix(1000 inputs x 200 units, 2000 connections)
    >>> random(first, 3, fan_in=[100, 10, 90], random_state=0).fan_in
    array([100,  10,  90])
    """
    n_inputs, names = read_inputs(inputs)
    n_units = read_count(n_units, name="n_units")
    if (density is None) == (fan_in is None):
        raise ValueError(
            f"Give either density or fan_in. Got density={density!r} and fan_in={fan_in!r}."
        )
    rng = np.random.RandomState() if random_state is None else check_random_state(random_state)
    if fan_in is None:
        sizes = _sizes_of_density(density, n_inputs, n_units, rng)
    else:
        sizes = _sizes_of_fan_in(fan_in, n_inputs, n_units)
    codes = _fill(_cover(sizes, n_inputs, rng), sizes, n_inputs, rng)
    columns, rows = np.divmod(codes, n_inputs)
    unit_names = [f"unit{j}" for j in range(n_units)]
    return from_pairs(rows, columns, names, unit_names, n_inputs=n_inputs)


def _sizes_of_density(density, n_inputs, n_units, rng):
    """Draw the number of inputs of each unit: one, and those of cells drawn from all others."""
    if isinstance(density, bool) or not isinstance(density, Real) or not 0 < density <= 1:
        raise ValueError(f"density must be a number above 0 and at most 1. Got {density!r}.")
    total = round(density * n_inputs * n_units)
    if total < n_units:
        raise ValueError(
            f"density must give each of the {n_units} units an input: at least {1 / n_inputs:.3g} "
            f"for {n_inputs} inputs. Got {density!r}, which is {total} connections."
        )
    others = max(n_inputs - 1, 1)
    cells = _distinct(n_units * others, total - n_units, rng)
    return 1 + np.bincount(cells // others, minlength=n_units)


def _sizes_of_fan_in(fan_in, n_inputs, n_units):
    if isinstance(fan_in, Integral):
        fan_in = [fan_in] * n_units
    sizes = np.asarray(fan_in)
    if sizes.shape != (n_units,) or sizes.dtype.kind not in "iu":
        raise ValueError(
            f"fan_in must be an integer, or one for each of the {n_units} units. Got {fan_in!r}."
        )
    wrong = (sizes < 1) | (sizes > n_inputs)
    if wrong.any():
        raise ValueError(
            f"fan_in must be 1 to {n_inputs}, the number of inputs. Got {sizes[wrong][0]}."
        )
    return sizes.astype(np.int64)


def _distinct(n, size, rng):
    """Draw `size` different integers below `n`, every set of them equally likely."""
    if size > n * CROWDED:
        return rng.permutation(n)[:size]
    drawn = np.empty(0, dtype=np.int64)
    while len(drawn) < size:
        more = rng.randint(n, size=size - len(drawn), dtype=np.int64)
        drawn = _merged(drawn, more)
    return drawn


def _merged(some, others):
    """Return all values of both, sorted, each once."""
    # np.union1d of NumPy 2.3 and later hashes, which takes ten times as long at a million.
    values = np.sort(np.concatenate([some, others]))
    return values[np.concatenate([[True], values[1:] != values[:-1]])]


def _cover(sizes, n_inputs, rng):
    """Give each input a place in a unit while there are places; return ``unit * n_inputs + input``.

    No unit gets more than its size.
    """
    places = rng.permutation(np.repeat(np.arange(len(sizes), dtype=np.int64), sizes))[:n_inputs]
    return np.sort(places * n_inputs + rng.permutation(n_inputs)[: len(places)])


def _fill(codes, sizes, n_inputs, rng):
    """Add connections, different from those there are, until every unit has its size."""
    codes = _fill_crowded(codes, sizes, n_inputs, rng)
    while True:
        missing = sizes - np.bincount(codes // n_inputs, minlength=len(sizes))
        units = np.repeat(np.arange(len(sizes), dtype=np.int64), missing)
        if not len(units):
            return codes
        # Duplicates are drawn again in the next round.
        drawn = units * n_inputs + rng.randint(n_inputs, size=len(units), dtype=np.int64)
        codes = _merged(codes, drawn)


def _fill_crowded(codes, sizes, n_inputs, rng):
    added = [codes]
    for unit in np.flatnonzero(sizes > n_inputs * CROWDED):
        first, end = np.searchsorted(codes, [unit * n_inputs, (unit + 1) * n_inputs])
        is_free = np.ones(n_inputs, dtype=bool)
        is_free[codes[first:end] - unit * n_inputs] = False
        free = rng.permutation(np.flatnonzero(is_free))[: sizes[unit] - (end - first)]
        added.append(unit * n_inputs + free)
    return np.sort(np.concatenate(added))
