"""Builders of connections, against loops over every pair of input and unit."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skconstrain import connections
from skconstrain.connections import ConnectionMatrix, banded, blocks, receptive_fields
from skconstrain.connections._chain import chain, idle
from tests.refusals import refuses

quick = settings(max_examples=60, deadline=None)


@quick
@given(n_inputs=st.integers(1, 12), n_units=st.integers(1, 12), more=st.integers(0, 5))
def test_bands_are_the_documented_formula(n_inputs, n_units, more):
    width = -(-n_inputs // n_units) + more
    expected = np.zeros((n_inputs, n_units))
    for i, j in np.ndindex(n_inputs, n_units):
        # 2 * n_units * (i - c_j), in whole numbers.
        distance = 2 * n_units * i - (2 * j + 1) * n_inputs + n_units
        expected[i, j] = -width * n_units <= distance < width * n_units
    matrix = banded(n_inputs, n_units, width=width)
    assert np.array_equal(matrix.toarray(), expected)
    assert matrix.fan_in.min() > 0
    assert matrix.fan_out.min() > 0
    if n_inputs == n_units and width % 2:
        steps = np.abs(np.subtract.outer(np.arange(n_inputs), np.arange(n_inputs)))
        assert np.array_equal(expected, steps <= (width - 1) / 2)


def test_bands_with_gaps_are_refused():
    with refuses("width must be at least 4", "Got 3"):
        banded(10, 3)


def test_groups_in_every_form_are_the_same_blocks():
    names = list("abcde")
    by_name = blocks(names, {"P": ["a", "b"], "Q": ["c", "d", "e"]})
    assert by_name.toarray().tolist() == [[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]]
    assert (by_name.input_names, by_name.unit_names) == (tuple(names), ("P", "Q"))
    assert blocks(names, {"P": 2, "Q": 3}) == by_name
    assert blocks(names, ["P", "P", "Q", "Q", "Q"]) == by_name
    nameless = ConnectionMatrix(by_name.toarray(), unit_names=["block0", "block1"])
    assert blocks(5, np.array([0, 0, 1, 1, 1])) == nameless
    assert blocks(5, [[1, 0], [4, 3, 2, 2]]) == nameless
    assert blocks(4, 2) == blocks(4, [[0, 1], [2, 3]])
    assert blocks(5, 2).fan_in.tolist() == [3, 2]


def test_blocks_overlap_leave_inputs_out_and_have_several_units():
    matrix = blocks(4, {"P": [0, 1], "Q": [1, 2]}, units_per_block=[1, 2])
    assert matrix.toarray().tolist() == [[1, 0, 0], [1, 1, 1], [0, 1, 1], [0, 0, 0]]
    assert matrix.unit_names == ("P", "Q_0", "Q_1")


@pytest.mark.parametrize(
    ("groups", "options", "parts"),
    [
        (["P", "Q"], {}, ["a label for each of the 3 inputs", "2"]),
        ({"P": 1, "Q": 1}, {}, ["add up to the 3 inputs", "2"]),
        ({"P": ["a", "q"]}, {}, ["'P'", "'q'", "names like 'a'"]),
        ({"P": [3]}, {}, ["0 to 2", "3", "'P'"]),
        ({"P": []}, {}, ["must have an input", "'P'", "Drop"]),
        ({"P": "ab"}, {}, ["'P'", "sequence", "'ab'"]),
        ({}, {}, ["at least one group"]),
        (4, {}, ["at most the 3 inputs", "4"]),
        ("P", {}, ["groups must be", "'P'"]),
        (3, {"units_per_block": [1]}, ["each of the 3 groups", "1"]),
        (3, {"units_per_block": 0}, ["units_per_block", "at least 1", "0"]),
    ],
)
def test_groups_that_do_not_fit_are_refused(groups, options, parts):
    with refuses(*parts):
        blocks(["a", "b", "c"], groups, **options)


@quick
@given(data=st.data(), n_inputs=st.integers(1, 9), n_units=st.integers(1, 9))
def test_random_connections_are_as_many_as_asked_and_leave_none_out(data, n_inputs, n_units):
    seed = data.draw(st.integers(0, 99))
    if data.draw(st.booleans()):
        total = data.draw(st.integers(n_units, n_inputs * n_units))
        options = {"density": total / (n_inputs * n_units)}
    else:
        sizes = st.integers(1, n_inputs)
        fan_in = data.draw(sizes | st.lists(sizes, min_size=n_units, max_size=n_units))
        total, options = int(np.broadcast_to(fan_in, n_units).sum()), {"fan_in": fan_in}
    matrix = connections.random(n_inputs, n_units, random_state=seed, **options)
    assert matrix.nnz == total
    assert matrix.fan_in.min() > 0
    assert np.count_nonzero(matrix.fan_out) == min(total, n_inputs)
    if "fan_in" in options:
        assert np.array_equal(matrix.fan_in, np.broadcast_to(options["fan_in"], n_units))
    assert connections.random(n_inputs, n_units, random_state=seed, **options) == matrix


def test_all_places_are_drawn_equally_often():
    rng = np.random.RandomState(0)
    for options in ({"density": 0.4}, {"fan_in": 2}):
        draws = [connections.random(5, 4, random_state=rng, **options) for _ in range(1000)]
        share = np.mean([matrix.toarray() for matrix in draws], axis=0)
        # Five standard deviations of a share of 1000.
        assert np.abs(share - 0.4).max() < 5 * np.sqrt(0.4 * 0.6 / 1000)


def test_the_global_state_is_untouched_and_a_large_layer_is_sparse():
    def state():
        return np.random.get_state()[1].copy()  # noqa: NPY002 - it is the one that must not move

    before = state()
    matrix = connections.random(200_000, 20_000, density=1e5 / 4e9)
    assert np.array_equal(state(), before)
    assert matrix.nnz == 100_000


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({}, ["either density or fan_in", "density=None"]),
        ({"density": 0.5, "fan_in": 1}, ["either", "fan_in=1"]),
        ({"density": 0.1}, ["each of the 3 units an input", "0.2", "0.1", "2 connections"]),
        ({"density": 1.5}, ["at most 1", "1.5"]),
        ({"fan_in": 6}, ["1 to 5", "6"]),
        ({"fan_in": [1, 0, 2]}, ["1 to 5", "0"]),
        ({"fan_in": [1, 2]}, ["one for each of the 3 units", "[1, 2]"]),
        ({"fan_in": 1.5}, ["an integer", "1.5"]),
    ],
)
def test_random_connections_that_cannot_be_are_refused(options, parts):
    with refuses(*parts):
        connections.random(5, 3, **options)


@quick
@given(
    image=st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 2)),
    size=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    n_maps=st.integers(1, 2),
    padding=st.sampled_from(["valid", "same"]),
)
def test_fields_are_windows_of_the_image(image, size, stride, n_maps, padding):
    if padding == "valid" and (size[0] > image[0] or size[1] > image[1]):
        with refuses("field_size must be at most", "padding='same'"):
            receptive_fields(image, size, stride=stride, padding=padding)
        return
    matrix = receptive_fields(image, size, stride=stride, padding=padding, n_maps=n_maps)
    rows, columns, maps = matrix.grid_shape
    assert maps == n_maps
    before = (0, 0)
    if padding == "same":
        assert (rows, columns) == tuple(-(-image[a] // stride[a]) for a in (0, 1))
        missing = [(matrix.grid_shape[a] - 1) * stride[a] + size[a] - image[a] for a in (0, 1)]
        before = tuple(max(count, 0) // 2 for count in missing)
    seen = matrix.toarray().reshape(*image, rows, columns, maps)
    for r, c, _, row, column, _ in np.ndindex(seen.shape):
        top, left = row * stride[0] - before[0], column * stride[1] - before[1]
        inside = top <= r < top + size[0] and left <= c < left + size[1]
        assert (seen[r, c, :, row, column] == inside).all()
    assert len(matrix.unit_names) == rows * columns * maps


def test_fields_are_those_of_a_convolution_in_scipy():
    from scipy.signal import convolve2d

    image = np.random.default_rng(0).random((6, 7))
    sums = image.ravel() @ receptive_fields((6, 7), (2, 3)).toarray()
    assert np.allclose(sums, convolve2d(image, np.ones((2, 3)), mode="valid").ravel())


def test_fields_chain_and_tell_their_place():
    first = receptive_fields((6, 6), 3, n_maps=2)
    assert first.unit_names[:3] == ("field(0,0)map0", "field(0,0)map1", "field(0,1)map0")
    second = receptive_fields(first, 2, stride=2)
    assert (first.grid_shape, second.grid_shape) == ((4, 4, 2), (2, 2, 1))
    assert second.input_names == first.unit_names
    assert idle(chain([first, second], 36)) == []
    assert second.toarray().sum(axis=0).tolist() == [8] * 4
    assert pickle.loads(pickle.dumps(first)).grid_shape == (4, 4, 2)
    names = [f"pixel_{r}_{c}" for r in range(6) for c in range(6)]
    assert receptive_fields((6, 6), 3, inputs=names).input_names == tuple(names)


@pytest.mark.parametrize(
    ("arguments", "options", "parts"),
    [
        ((64, 3), {}, ["(rows, columns)", "64"]),
        (((8, 8), (3, 3, 3)), {}, ["field_size", "(3, 3, 3)"]),
        (((8, 8), 3), {"stride": 0}, ["stride", "at least 1", "0"]),
        (((8, 8), 3), {"padding": "full"}, ["padding", "'full'"]),
        (((8, 8), 3), {"inputs": 63}, ["64 pixels", "63"]),
    ],
)
def test_windows_that_fit_no_image_are_refused(arguments, options, parts):
    with refuses(*parts):
        receptive_fields(*arguments, **options)


BUILDERS = {
    "banded": lambda inputs: banded(inputs, 4, width=3),
    "blocks": lambda inputs: blocks(inputs, 3, units_per_block=2),
    "random": lambda inputs: connections.random(inputs, 4, fan_in=3, random_state=0),
    "receptive_fields": lambda inputs: receptive_fields(
        (2, 4), 2, inputs=None if inputs == 8 else inputs
    ),
}
every_builder = pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)


@every_builder
def test_inputs_are_a_number_names_or_a_layer(build):
    nameless, names = build(8), [f"x{i}" for i in range(8)]
    below = banded(5, 8)
    assert nameless.input_names is None
    assert len(nameless.unit_names) == nameless.shape[1]
    assert build(names).input_names == tuple(names)
    assert build(below).input_names == below.unit_names
    assert build(ConnectionMatrix(below.toarray())) == nameless
    for inputs in (names, below):
        assert np.array_equal(build(inputs).toarray(), nameless.toarray())
    assert idle(chain([below, build(below)], 5)) == []


@every_builder
@pytest.mark.parametrize(
    ("inputs", "parts"),
    [
        ("x0", ["sequence of names", "'x0'"]),
        (["a", 1], ["names (strings)", "1"]),
        ([], ["at least one name"]),
        (["a"] * 8, ["once", "'a'"]),
    ],
)
def test_inputs_of_other_kinds_are_refused(build, inputs, parts):
    with refuses(*parts):
        build(inputs)


def test_a_layer_without_inputs_is_refused():
    with refuses("inputs", "at least 1", "0"):
        banded(0)
    with refuses("n_units", "at least 1", "2.0"):
        banded(3, 2.0)
