"""What the builders share: reading inputs and counts, and making the matrix."""

from collections import Counter
from numbers import Integral

import numpy as np
from scipy import sparse

from skconstrain.connections._matrix import ConnectionMatrix


def read_inputs(inputs):
    """Return number and names of the inputs of a layer.

    Parameters
    ----------
    inputs : int, sequence of str or ConnectionMatrix
        How many there are, what they are called, or the layer whose units they are.

    Returns
    -------
    n_inputs : int
        How many there are.
    names : list of str or None
        What they are called, if anything.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    if isinstance(inputs, ConnectionMatrix):
        names = None if inputs.unit_names is None else list(inputs.unit_names)
        return inputs.shape[1], names
    if isinstance(inputs, Integral):
        return read_count(inputs, name="inputs"), None
    names = read_names(inputs, name="inputs")
    return len(names), names


def read_names(names, *, name):
    """Return names as a list of str.

    Raises
    ------
    ValueError
        If they are no strings, none, or one of them occurs twice.
    """
    if isinstance(names, str) or not hasattr(names, "__iter__"):
        raise ValueError(f"{name} must be a sequence of names. Got {names!r}.")
    names = list(names)
    wrong = [item for item in names if not isinstance(item, str)]
    if wrong:
        raise ValueError(
            f"{name} must hold names (strings). Got {wrong[0]!r}. Give their number for inputs "
            "without names."
        )
    if not names:
        raise ValueError(f"{name} must hold at least one name. Got none.")
    if len(set(names)) != len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise ValueError(f"{name} must hold each name once. Got {twice!r} more than once.")
    return [str(item) for item in names]


def read_count(value, *, name, minimum=1):
    """Return an integer of at least `minimum`.

    Raises
    ------
    ValueError
        If it is not one.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        raise ValueError(f"{name} must be an integer of at least {minimum}. Got {value!r}.")
    return int(value)


def read_group(key, group, place, n_inputs):
    """Return the sorted positions of the inputs of one group; an input given twice counts once.

    Parameters
    ----------
    key : str or int
        What the group is called.
    group : iterable of str or int
        Names and positions.
    place : dict
        The position of each name.
    n_inputs : int
        How many inputs there are.

    Raises
    ------
    ValueError
        If it is empty, or holds anything else.
    """
    if isinstance(group, str) or not hasattr(group, "__iter__"):
        raise ValueError(f"Group {key!r} must be a sequence of inputs. Got {group!r}.")
    found = {_position(key, item, place, n_inputs) for item in group}
    if not found:
        raise ValueError(f"Every group must have an input. Got none in group {key!r}. Drop it.")
    return np.array(sorted(found))


def _position(key, item, place, n_inputs):
    if isinstance(item, Integral) and not isinstance(item, bool):
        if 0 <= item < n_inputs:
            return int(item)
        raise ValueError(
            f"Positions in groups must be 0 to {n_inputs - 1}. Got {item!r} in group {key!r}."
        )
    if isinstance(item, str) and item in place:
        return place[item]
    known = f"names like {next(iter(place))!r}" if place else "no names; give positions"
    raise ValueError(f"Group {key!r} names the input {item!r}, but inputs have {known}.")


def from_pairs(rows, columns, input_names, unit_names, *, n_inputs):
    """Return the ConnectionMatrix of the connections ``rows[k] -> columns[k]``, each given once."""
    shape = (n_inputs, len(unit_names))
    ones = np.ones(len(rows), dtype=np.int8)
    matrix = sparse.coo_array((ones, (rows, columns)), shape=shape)
    return ConnectionMatrix(matrix, input_names, unit_names)
