"""Edges: layers from a table of parents and children."""

from collections.abc import Iterable, Mapping

from skconstrain._warn import warn
from skconstrain.connections import _hierarchy
from skconstrain.connections._inputs import from_pairs, read_count, read_names
from skconstrain.connections._matrix import ConnectionMatrix, shown


def from_edges(
    edges,
    *,
    inputs=None,
    mapping=None,
    n_levels=None,
    count_from="roots",
    parent="parent",
    child="child",
    mapping_columns=("input", "unit"),
):
    """Turn a table of parents and children into the connections of successive layers.

    **The child feeds the parent**: proteins feed pathways, and these the pathways that they are
    part of. The layers lead from the inputs, names that have no children, to the roots, names that
    have no parents.

    A unit stands on the level of its height, the longest way up to it from an input. Where a
    parent stands several levels higher, copies of the child carry its value up, one on each level
    between, under the same name and with one connection each; roots are carried up to the last
    level in the same way, and inputs that feed a high unit too. So each path from an
    input to a root in the table is one path through the layers, and there are no others.

    Parameters
    ----------
    edges : DataFrame, iterable of (parent, child), or mapping from parent to its children
        The hierarchy, in any order. Edges that occur more than once count once. Names that no
        input feeds are left out.
    inputs : sequence of str or ConnectionMatrix, default=None
        Names of the inputs, as the columns of X, or the layer whose units they are. Without it,
        all inputs of `mapping`, or all names in `edges` that have no children. Each has a row,
        also those that feed nothing: the estimator warns of them. Names without children that are
        no inputs are left out, with a warning where they are fewer than the others.
    mapping : DataFrame, iterable of (input, unit), default=None
        A second table that says which units an input feeds, such as the lowest pathways of
        a protein. Its pairs are in the order of such files: **the input comes first**.
    n_levels : int, default=None
        How many levels of units to keep, and so the number of matrices; all of them by default.
    count_from : {"roots", "inputs"}, default="roots"
        "roots" keeps the units whose longest way up to a root has fewer than `n_levels` steps;
        what feeds a unit that is left out feeds its parents instead, so that no input is lost.
        "inputs" keeps the units of height `n_levels` or less, and leaves out all above them.
    parent, child : str, default="parent", "child"
        Columns of `edges` where it is a DataFrame.
    mapping_columns : tuple of str, default=("input", "unit")
        Columns of `mapping` where it is a DataFrame.

    Returns
    -------
    list of ConnectionMatrix
        Layers from the inputs on; the units of each are the inputs of the next. Inputs are in the
        order given (without `inputs`: sorted), the units of a layer are sorted by name.

    Raises
    ------
    ValueError
        If edges form a cycle (an edge from a name to itself is one), an input has children,
        inputs feed nothing, or there are fewer than `n_levels` levels.

    Warns
    -----
    UserWarning
        If a few names without children are no inputs, as misspelt ones are; or if pairs look like
        (child, parent): they lead to more roots than there are inputs, or `mapping` feeds none.

    References
    ----------
    .. [1] H. A. Elmarakeby et al., "Biologically informed deep neural network for prostate cancer
       discovery", Nature 598, 2021. There, too, copies make all paths equally long.
    .. [2] E. Hartman et al., "Interpreting biologically informed neural networks for enhanced
       proteomic biomarker discovery and pathway analysis", Nature Communications 14, 2023.

    Examples
    --------
    >>> from skconstrain.connections import from_edges
    >>> pathways = [("immunity", "complement"), ("disease", "complement"), ("disease", "HIV")]
    >>> proteins = [("C3", "complement"), ("C5", "complement"), ("CD4", "HIV"), ("C3", "immunity")]
    >>> layers = from_edges(pathways, mapping=proteins)
    >>> layers
    [ConnectionMatrix(3 inputs x 3 units, 4 connections),
     ConnectionMatrix(3 inputs x 2 units, 4 connections)]
    >>> layers[0].unit_names  # C3 is carried up: it feeds "immunity" beside "complement"
    ('C3', 'HIV', 'complement')
    >>> layers[1].unit_names
    ('disease', 'immunity')
    >>> from_edges({"complement": ["C3"], "HIV": ["CD4"]}, inputs=["CD4", "C3"])[0].toarray()
    array([[1., 0.],
           [0., 1.]])
    """
    pairs = _read_edges(edges, parent, child)
    members = [] if mapping is None else _read_table(mapping, mapping_columns, "mapping")
    found = _read_inputs(inputs, pairs, members)
    # All pairs are (parent, child).
    all_pairs = pairs + [(unit, name) for name, unit in members]
    _check_inputs(found, all_pairs)
    hierarchy = _hierarchy.reached(all_pairs, found)
    if inputs is not None:
        _warn_of_left_out(found, all_pairs)
    elif members or not isinstance(edges, Mapping):
        _warn_of_swapped(found, pairs, hierarchy)
    return _matrices(_cut(hierarchy, n_levels, count_from), found)


def _read_edges(edges, parent, child):
    if isinstance(edges, Mapping):
        edges = [(unit, item) for unit, fed in edges.items() for item in _children(unit, fed)]
    pairs = _read_table(edges, (parent, child), "edges")
    if not pairs:
        raise ValueError("edges must hold at least one pair of parent and child. Got none.")
    return pairs


def _children(unit, fed):
    if isinstance(fed, str):
        raise ValueError(f"edges must map a parent to a list of children. Got {unit!r}: {fed!r}.")
    return fed


def _read_table(table, columns, name):
    """Return the pairs of a table as a list of tuples of two strings."""
    if hasattr(table, "columns"):
        pairs = list(zip(*_columns(table, columns, name), strict=True))
    elif isinstance(table, Iterable):
        pairs = [_pair(item, name) for item in table]
    else:
        raise ValueError(f"{name} must be a DataFrame or a list of pairs. Got {table!r}.")
    for pair in pairs:
        wrong = [item for item in pair if not isinstance(item, str)]
        if wrong:
            raise ValueError(
                f"{name} must hold names (strings). Got {wrong[0]!r} in {pair!r}. Drop rows "
                "without a name, and turn numbers into strings."
            )
    return [(str(first), str(second)) for first, second in pairs]


def _columns(table, columns, name):
    if isinstance(columns, str) or len(columns) != 2:
        raise ValueError(f"{name} needs the names of two columns. Got {columns!r}.")
    there = list(table.columns)
    if not set(columns) <= set(there):
        remedy = "parent= and child=" if name == "edges" else "mapping_columns="
        raise ValueError(
            f"{name} must have the columns {columns[0]!r} and {columns[1]!r}. Got {there}. Name "
            f"yours in {remedy}."
        )
    return [table[column] for column in columns]


def _pair(item, name):
    if isinstance(item, str) or not hasattr(item, "__len__") or len(item) != 2:
        raise ValueError(f"{name} must hold pairs of names. Got {item!r}.")
    return tuple(item)


def _read_inputs(inputs, pairs, members):
    if isinstance(inputs, ConnectionMatrix):
        inputs = inputs.unit_names
    if inputs is not None:
        return read_names(inputs, name="inputs")
    if members:
        return sorted({name for name, _ in members})
    leaves = _without_children(pairs)
    if not leaves:
        # Every name has a child, so there is a cycle.
        _hierarchy.upwards(_hierarchy.reached(pairs, [child for _, child in pairs]))
    return sorted(leaves)


def _without_children(pairs):
    return {child for _, child in pairs} - {parent for parent, _ in pairs}


def _check_inputs(inputs, pairs):
    parents, children = {parent for parent, _ in pairs}, {child for _, child in pairs}
    fed = [name for name in inputs if name in parents]
    if fed:
        raise ValueError(
            f"inputs must have no children: data alone feed them. Got {len(fed)} that have, like "
            f"{fed[0]!r}. Leave them out of inputs, or swap parent and child: the child feeds the "
            "parent."
        )
    if not children.intersection(inputs):
        raise ValueError(
            f"None of the {len(inputs)} inputs is a child in the edges. Got inputs like "
            f"{inputs[0]!r} and children like {min(children)!r}. Use the same kind of names."
        )


def _warn_of_left_out(inputs, pairs):
    """Warn of a few names that should be inputs; many are those of a larger database."""
    leaves, known = _without_children(pairs), set(inputs)
    left_out = sorted(leaves - known)
    if not 0 < len(left_out) < len(leaves & known):
        return
    idle = [repr(name) for name in inputs if name not in leaves]
    also = f" Inputs that feed nothing: {shown(idle)}." if idle else ""
    warn(
        f"{len(left_out)} of {len(leaves)} names without children are not in inputs, and are left "
        f"out: {shown(list(map(repr, left_out)))}.{also} Correct their names, or drop their pairs.",
    )


def _warn_of_swapped(inputs, pairs, hierarchy):
    """Warn of pairs that look like (child, parent)."""
    fed = {child for children in hierarchy.values() for child in children}
    n_roots = len(hierarchy.keys() - fed)
    if not any(child in hierarchy or child in inputs for _, child in pairs):
        what = "None of the edges leads up from what mapping feeds."
    elif n_roots > len(inputs):
        what = f"edges lead from {len(inputs)} inputs, like {inputs[0]!r}, to {n_roots} roots."
    else:
        return
    warn(
        f"{what} Pairs must be (parent, child), and the child feeds the parent. Got "
        f"{pairs[0]!r} first. Swap them if they are the other way round; give inputs= if not.",
    )


def _cut(hierarchy, n_levels, count_from):
    if count_from not in ("roots", "inputs"):
        raise ValueError(f"count_from must be 'roots' or 'inputs'. Got {count_from!r}.")
    there = max(_hierarchy.heights(hierarchy).values())
    if n_levels is None:
        return hierarchy
    if read_count(n_levels, name="n_levels") > there:
        raise ValueError(
            f"n_levels must be at most {there}, the levels between inputs and roots. Got "
            f"{n_levels}. None keeps them all."
        )
    keep = _hierarchy.keep_highest if count_from == "roots" else _hierarchy.keep_lowest
    return keep(hierarchy, n_levels)


def _matrices(hierarchy, inputs):
    levels, connections = _hierarchy.layers(hierarchy)
    levels[0] = inputs
    matrices = []
    for below, names, pairs in zip(levels, levels[1:], connections, strict=False):
        row = {name: i for i, name in enumerate(below)}
        column = {name: j for j, name in enumerate(names)}
        rows = [row[child] for child, _ in pairs]
        columns = [column[unit] for _, unit in pairs]
        matrices.append(from_pairs(rows, columns, below, names, n_inputs=len(below)))
    return matrices
