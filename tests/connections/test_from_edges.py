"""Layers from edges: their paths are those of the table, found by walking."""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skconstrain.connections import blocks, from_edges
from skconstrain.connections._chain import chain, idle
from tests.benchmarks._data import load_readers
from tests.refusals import refuses


@st.composite
def hierarchies(draw):
    """Edges from later to earlier letters, so without a cycle; inputs are names without edges."""
    n_inputs, n_units = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    names = "abcdefgh"[: n_inputs + n_units]
    possible = [
        (parent, child)
        for parent, child in itertools.permutations(names, 2)
        if parent > child and parent in names[n_inputs:]
    ]
    edges = draw(st.sets(st.sampled_from(possible), max_size=12))
    if draw(st.booleans()):
        # One long way up, which the others skip.
        edges |= set(zip(names[1:], names, strict=False)) & set(possible)
    return list(names[:n_inputs]), draw(st.permutations(sorted(edges)))


def paths_in_table(inputs, edges):
    """All paths from an input to a root, by walking."""
    parents = {}
    for parent, child in edges:
        parents.setdefault(child, []).append(parent)

    def walk(path):
        if path[-1] not in parents:
            return [path] if len(path) > 1 else []
        return [end for parent in parents[path[-1]] for end in walk((*path, parent))]

    return {path for name in inputs for path in walk((name,))}


def paths_in_layers(layers):
    """All paths through the layers; steps from a unit to its copy are left out."""
    paths = [(name,) for name in layers[0].input_names]
    for layer in layers:
        paths = [
            path if unit == path[-1] else (*path, unit)
            for path in paths
            for j, unit in enumerate(layer.unit_names)
            if layer.toarray()[layer.input_names.index(path[-1]), j]
        ]
    return paths


@pytest.mark.filterwarnings("ignore:.* not in inputs, and are left out")
@settings(max_examples=150, deadline=None)
@given(hierarchy=hierarchies(), n_levels=st.none() | st.integers(1, 5), lowest=st.booleans())
def test_paths_of_the_table_are_the_paths_of_the_layers(hierarchy, n_levels, lowest):
    inputs, edges = hierarchy
    paths = paths_in_table(inputs, edges)
    if not paths:
        with refuses("None of the" if edges else "edges must hold at least one pair"):
            from_edges(edges, inputs=inputs)
        return
    deepest = max(map(len, paths)) - 1
    if n_levels is not None and n_levels > deepest:
        with refuses(f"at most {deepest}", f"Got {n_levels}", "None keeps them all"):
            from_edges(edges, inputs=inputs, n_levels=n_levels)
        return
    layers = from_edges(
        edges, inputs=inputs, n_levels=n_levels, count_from="inputs" if lowest else "roots"
    )
    assert len(layers) == (n_levels or deepest)
    for below, layer in itertools.pairwise(layers):
        assert below.unit_names == layer.input_names
    below = layers[0].input_names
    assert below == tuple(inputs)
    # Nothing but inputs can be idle in a hierarchy.
    assert all("features" in sentence for sentence in idle(chain(layers, len(below), below)))
    found = paths_in_layers(layers)
    assert len(set(found)) == len(found)
    units = {unit for path in paths for unit in path[1:]}
    if n_levels is None:
        assert set(found) == paths
    elif lowest:
        height = {u: max(p.index(u) for p in paths if u in p) for u in units}
        kept = {(p[0], *(u for u in p[1:] if height[u] <= n_levels)) for p in paths}
        # A unit ends a path only where none of its parents is kept.
        ends = {unit for unit, height_ in height.items() if height_ <= n_levels} - {
            u for p in kept for u in p[:-1]
        }
        assert set(found) == {p for p in kept if len(p) > 1 and p[-1] in ends}
    else:
        depth = {u: max(len(p) - p.index(u) for p in paths if u in p) for u in units}
        assert set(found) == {(p[0], *(u for u in p[1:] if depth[u] <= n_levels)) for p in paths}


def test_depth_is_the_longest_way_to_a_root():
    # c is one step below the root p, but two below r.
    edges = {"c": "a", "y": "b", "x": "y", "q": "cx", "r": "q", "p": "c"}
    edges = {parent: list(children) for parent, children in edges.items()}
    first, second = from_edges(edges, n_levels=2)
    assert (first.unit_names, second.unit_names) == (("p", "q"), ("p", "r"))
    assert first.toarray().tolist() == [[1, 1], [0, 1]]


EDGES = [("top", "A"), ("top", "B"), ("A", "x"), ("B", "y"), ("B", "z")]


def test_every_form_of_a_table_gives_the_same_layers():
    pd = pytest.importorskip("pandas")
    layers = from_edges(EDGES)
    assert [layer.input_names for layer in layers] == [("x", "y", "z"), ("A", "B")]
    frame = pd.DataFrame(EDGES[::-1] + EDGES, columns=["from", "to"])
    assert from_edges(frame, parent="from", child="to") == layers
    assert from_edges({"top": ["A", "B"], "A": ["x"], "B": ["y", "z"]}) == layers
    assert from_edges(np.array(EDGES)) == layers
    assert from_edges(iter(EDGES)) == layers
    members = [(child, parent) for parent, child in EDGES[2:]]
    assert from_edges(EDGES[:2], mapping=members) == layers
    table = pd.DataFrame(members, columns=["protein", "pathway"])
    columns = ("protein", "pathway")
    assert from_edges(EDGES[:2], mapping=table, mapping_columns=columns) == layers


def test_inputs_choose_and_order_the_rows():
    others = [("C", "w"), ("top", "C"), ("C", "v")]
    first, second = from_edges([*EDGES, *others], inputs=["z", "none", "x"])
    assert (first.input_names, first.unit_names) == (("z", "none", "x"), ("A", "B"))
    assert first.toarray().tolist() == [[0, 1], [0, 0], [1, 0]]
    assert second.toarray().tolist() == [[1], [1]]
    below = blocks(4, {"z": [0, 1], "x": [2, 3], "y": [0, 3]})
    assert from_edges(EDGES, inputs=below) == from_edges(EDGES, inputs=["z", "x", "y"])


def test_each_input_has_a_row_so_that_arrays_in_their_order_fit():
    layers = from_edges(EDGES, inputs=["x", "unused", "y", "z"])
    with refuses("X has no feature names", "without names: .without_names()"):
        chain(layers, 4)
    first, _ = chain([layers[0].without_names(), layers[1]], 4)
    assert first.matrix.toarray().tolist() == [[1, 0], [0, 0], [0, 1], [0, 1]]


def test_a_misspelt_name_is_named_when_the_layers_are_made():
    misspelt = [*EDGES[:-1], ("B", "zz")]
    with pytest.warns(UserWarning, match="1 of 3 names without children .* left out: 'zz'. Inputs"):
        first, _ = from_edges(misspelt, inputs=["x", "y", "z"])
    assert first.fan_out.tolist() == [1, 1, 0]
    with pytest.warns(UserWarning, match="left out: 'zz'. Correct"):  # the input has other pairs
        from_edges([*EDGES, ("A", "zz")], inputs=["x", "y", "z"])
    # A database of many inputs, of which few are there, is no mistake.
    database = EDGES + [("A", f"other {i}") for i in range(3)]
    assert from_edges(database, inputs=["x", "y", "z"]) == from_edges(EDGES)


@pytest.mark.parametrize("edges", [EDGES, EDGES[2:]])
def test_swapped_parents_and_children_are_called_swapped(edges):
    swapped = [(child, parent) for parent, child in edges]
    with pytest.warns(UserWarning, match="3 roots. Pairs must be .* Got .* Swap them") as caught:
        layers = from_edges(swapped)
    assert caught[0].filename == __file__
    members = [("x", "A"), ("y", "B")]
    with pytest.warns(UserWarning, match="leads up from what mapping feeds.*'A', 'top'"):
        from_edges([("A", "top"), ("B", "top")], mapping=members)
    # Whoever gives the inputs, or a parent and its children, has said which is which.
    inputs = layers[0].input_names
    children = {item: [unit for one, unit in swapped if one == item] for item, _ in swapped}
    with warnings.catch_warnings(action="error"):
        assert from_edges(swapped, inputs=inputs) == from_edges(children) == layers
    with refuses("units like 'x' and inputs like", "Swap parent and child", "(parent, child)"):
        chain(layers, 3, ["x", "y", "z"])


@pytest.mark.parametrize(
    ("edges", "options", "parts"),
    [
        ([("B", "A"), ("A", "B"), ("A", "x")], {}, ["cycle", "'A' -> 'B' -> 'A'"]),
        ([("B", "A"), ("A", "B")], {}, ["cycle 'A' -> 'B' -> 'A'", "Drop"]),
        ([("A", "A"), ("A", "x")], {}, ["cycle 'A' -> 'A'"]),
        ([], {}, ["at least one pair"]),
        (EDGES, {"inputs": ["q"]}, ["None of the 1 inputs", "'q'", "'A'", "same kind"]),
        (EDGES, {"inputs": ["x", "A"]}, ["no children", "'A'", "swap parent and child"]),
        (EDGES, {"inputs": ["x", "x"]}, ["each name once", "'x'"]),
        (EDGES, {"inputs": 3}, ["sequence of names", "3"]),
        (EDGES, {"n_levels": 0}, ["n_levels", "at least 1", "0"]),
        (EDGES, {"n_levels": 3}, ["n_levels must be at most 2", "Got 3"]),
        (EDGES, {"count_from": "top"}, ["count_from", "'top'"]),
        ([("A", 7157)], {}, ["edges", "strings", "7157", "numbers into strings"]),
        ([("A", "x", "y")], {}, ["pairs of names", "('A', 'x', 'y')"]),
        (["Ax"], {}, ["pairs of names", "'Ax'"]),
        ({"A": "x1"}, {}, ["a list of children", "'x1'"]),
        (EDGES, {"mapping": [("x", np.nan)]}, ["mapping", "strings", "nan", "Drop rows"]),
    ],
)
def test_edges_that_make_no_layers_are_refused(edges, options, parts):
    with refuses(*parts):
        from_edges(edges, **options)


def test_columns_that_are_not_there_are_refused():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"source": ["A"], "target": ["x"]})
    with refuses("'parent' and 'child'", "['source', 'target']", "parent= and child="):
        from_edges(frame)
    with refuses("mapping", "'input' and 'unit'", "mapping_columns="):
        from_edges(EDGES, mapping=frame)


def test_pathways_of_real_proteins_chain():
    readers = load_readers()
    if readers is None:
        pytest.skip("no data")
    X, _, proteins, pathways = readers.proteomics()
    layers = from_edges(
        pathways,
        inputs=X.columns,
        mapping=proteins,
        mapping_columns=("input", "translation"),
        n_levels=4,
    )
    assert len(layers) == 4
    sentences = idle(chain(layers, X.shape[1], list(X.columns)), list(X.columns))
    assert [sentence.partition(":")[0] for sentence in sentences] == ["96 features feed nothing"]
    assert set(layers[-1].unit_names) <= set(pathways["parent"]) - set(pathways["child"]) | set(
        proteins["translation"]
    )
