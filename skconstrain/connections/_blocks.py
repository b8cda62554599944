"""Blocks: inputs that belong together feed units of their own."""

from collections.abc import Mapping, Sequence
from numbers import Integral

import numpy as np

from skconstrain.connections._inputs import from_pairs, read_count, read_group, read_inputs


def blocks(inputs, groups, *, units_per_block: int | Sequence = 1):
    """Connect every group of inputs to units of its own.

    For columns that come in sets: measurements by their statistics, sensors by their machine,
    indicator columns by the variable that they encode.

    Parameters
    ----------
    inputs : int, sequence of str or ConnectionMatrix
        Number of inputs, their names, or the layer whose units they are.
    groups : int, mapping, sequence of sequences, or sequence of labels
        One of

        - the number of groups, of neighbouring inputs and of equal size (or one less);
        - a label for each input, strings or integers, of shape (n_inputs,): inputs with the same
          label are a group, as in ``labels_`` of a clustering;
        - the inputs of each group, by name or by position: a sequence of them, or a mapping from
          the group's name. Groups may overlap, and need not hold every input;
        - a mapping from the group's name to its size: neighbouring inputs, from the first on.
    units_per_block : int or sequence of int, default=1
        Units of every group, or of each of them.

    Returns
    -------
    ConnectionMatrix of shape (n_inputs, n_units)
        The units of a group stand side by side, groups in the order given (labels: in order of
        their first input). A unit is called as its group, with ``_0``, ``_1`` after it where
        a group has several; groups without a name are "block0", "block1". An input that is in no
        group feeds nothing.

    Raises
    ------
    ValueError
        If groups and inputs do not fit.

    Examples
    --------
    >>> from skconstrain.connections import blocks
    >>> names = ["mean radius", "mean area", "worst radius", "worst area"]
    >>> wiring = blocks(names, [name.split()[1] for name in names], units_per_block=2)
    >>> wiring.unit_names
    ('radius_0', 'radius_1', 'area_0', 'area_1')
    >>> wiring.toarray().astype(int)
    array([[1, 1, 0, 0],
           [0, 0, 1, 1],
           [1, 1, 0, 0],
           [0, 0, 1, 1]])
    >>> blocks(wiring, {"radius": ["radius_0", "radius_1"], "area": ["area_0", "area_1"]})
    ConnectionMatrix(4 inputs x 2 units, 4 connections)
    """
    n_inputs, names = read_inputs(inputs)
    members = _members(groups, n_inputs, names)
    counts = _unit_counts(units_per_block, len(members))
    rows, columns, unit_names = [], [], []
    for (block, positions), n_units in zip(members.items(), counts, strict=True):
        rows.append(np.repeat(positions, n_units))
        columns.append(len(unit_names) + np.tile(np.arange(n_units), len(positions)))
        unit_names += [block] if n_units == 1 else [f"{block}_{k}" for k in range(n_units)]
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    return from_pairs(rows, columns, names, unit_names, n_inputs=n_inputs)


def _members(groups, n_inputs, names):
    """Return a dict from each group's name to the positions of its inputs."""
    if isinstance(groups, Integral):
        return _equal(read_count(groups, name="groups"), n_inputs)
    if isinstance(groups, str) or not hasattr(groups, "__iter__"):
        raise ValueError(f"groups must be a number, labels, lists or a mapping. Got {groups!r}.")
    if not isinstance(groups, Mapping):
        groups = list(groups)
        if all(isinstance(group, str | Integral) for group in groups):
            return _by_label(groups, n_inputs)
        groups = {f"block{k}": group for k, group in enumerate(groups)}
    if not groups:
        raise ValueError("groups must hold at least one group. Got none.")
    if all(isinstance(group, Integral) for group in groups.values()):
        return _by_size(groups, n_inputs)
    place = {name: i for i, name in enumerate(names or [])}
    return {str(key): read_group(key, group, place, n_inputs) for key, group in groups.items()}


def _equal(n_groups, n_inputs):
    if n_groups > n_inputs:
        raise ValueError(f"groups must be at most the {n_inputs} inputs. Got {n_groups}.")
    parts = np.array_split(np.arange(n_inputs), n_groups)
    return {f"block{k}": part for k, part in enumerate(parts)}


def _by_label(labels, n_inputs):
    if len(labels) != n_inputs:
        raise ValueError(
            f"groups must hold a label for each of the {n_inputs} inputs. Got {len(labels)} "
            "labels. For sizes of groups give a mapping from name to size."
        )
    members = {}
    for i, label in enumerate(labels):
        block = label if isinstance(label, str) else f"block{label}"
        members.setdefault(str(block), []).append(i)
    return {block: np.array(positions) for block, positions in members.items()}


def _by_size(sizes, n_inputs):
    counts = [read_count(size, name=f"The size of group {key!r}") for key, size in sizes.items()]
    if sum(counts) != n_inputs:
        raise ValueError(
            f"The sizes of groups must add up to the {n_inputs} inputs. Got {sum(counts)}."
        )
    ends = np.cumsum(counts)
    runs = [np.arange(end - count, end) for count, end in zip(counts, ends, strict=True)]
    return dict(zip(map(str, sizes), runs, strict=True))


def _unit_counts(units_per_block, n_groups):
    if isinstance(units_per_block, Integral):
        return [read_count(units_per_block, name="units_per_block")] * n_groups
    counts = [read_count(count, name="units_per_block") for count in units_per_block]
    if len(counts) != n_groups:
        raise ValueError(
            f"units_per_block must be a number, or one for each of the {n_groups} groups. "
            f"Got {len(counts)}."
        )
    return counts
